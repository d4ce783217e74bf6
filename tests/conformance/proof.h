#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

/// Tests say which statements of the specification they prove; table.py makes a table of what a run recorded.
namespace mortise::proof {

/// The running test proves these statements, each with its version: "5.0 MQTT-3.8.3-3". Recorded once it has passed,
/// under its own name or the one given, in the file that MORTISE_PROOFS names; without it, nowhere.
/// Thread: the test's own.
void proves(std::initializer_list<std::string_view> statements);
void proves(std::string_view statement, std::string_view under_the_name);

}  // namespace mortise::proof

#define PROVES(...) ::mortise::proof::proves({__VA_ARGS__})
