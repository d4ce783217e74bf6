#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "broker/config/document.h"

namespace mortise::config {

/// A scalar as the YAML 1.2 core schema types it. A whole number that fits neither int64 nor uint64 is a Huge.
struct HugeNumber {};
struct NotFinite {};
using Scalar =
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, HugeNumber, NotFinite, std::string>;

/// Types a scalar or null node. Quoted ones are text whatever they say.
Scalar classify(const YamlNode& node);

/// The name of what a node is, for messages: "a list", "the text \"abc\"", "the number 5", ...
std::string describe(const YamlNode& node);

/// A key of the file as messages show it: as it is when it is a plain word, else quoted and cut.
std::string shown_key(std::string_view key);

}  // namespace mortise::config
