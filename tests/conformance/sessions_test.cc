// Plays every file of sessions/ in every version it speaks of: against brokers without sockets, on one loop, on three,
// and with every byte offered alone. With --socket PORT VERSION FILE it plays one file, once, against a running broker.
// With --print FILE... it prints what the clients do: for make_seeds.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "broker/base/log.h"
#include "tests/conformance/proof.h"
#include "tests/conformance/simulated.h"
#include "tests/conformance/sockets.h"

namespace mortise::conformance {
namespace {

class SessionTest : public ::testing::Test {
 public:
  SessionTest(const Script& script, mqtt::ProtocolVersion version) : script_(script), version_(version) {}

  void TestBody() override {
    static constexpr SimulatedConnections::Way kWays[] = {{1, false}, {3, false}, {2, true}};
    for (const SimulatedConnections::Way way : kWays) {
      Result<core::testing::TestOptions> options = options_of(script_, way);
      ASSERT_TRUE(options) << options.error().message;
      SimulatedConnections connections(*options, way);
      if (const auto failed = Player(script_, version_, connections).play()) {
        ADD_FAILURE() << "sessions/" << script_.name << ", " << way.loops << " loops"
                      << (way.is_byte_by_byte ? ", byte by byte" : "") << ": " << *failed;
        return;
      }
    }
    for (const std::string& statement : script_.proves) {
      if (statement.starts_with(std::string(name_of(version_)) + " "))
        proof::proves(statement, "sessions/" + script_.name);
    }
  }

 private:
  const Script& script_;
  const mqtt::ProtocolVersion version_;
};

/// Prints what clients do, and answers nothing.
class Transcript final : public Connections {
 public:
  void open(const std::string& client, mqtt::ProtocolVersion version) override {
    std::cout << "open " << client << " " << name_of(version) << "\n";
  }
  void send(const std::string& client, std::string_view bytes) override {
    std::cout << "send " << client << " ";
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : bytes) std::cout << kDigits[(c >> 4) & 15] << kDigits[c & 15];
    std::cout << "\n";
  }
  void drop(const std::string& client) override { std::cout << "drop " << client << "\n"; }
  std::optional<std::string> receive(const std::string&) override { return std::nullopt; }
  bool is_closed(const std::string&) override { return true; }
  std::optional<std::string> left_over(const std::string&) override { return std::nullopt; }
  void advance(Millis by) override { std::cout << "advance " << by.count() << "\n"; }
};

/// What a script does needs no answers but the values it has names for: those are 1.
int print_what_is_done(Script script) {
  std::erase_if(script.steps, [](const Step& step) {
    return step.kind == Step::Kind::kExpect || step.kind == Step::Kind::kExpectBytes ||
           step.kind == Step::Kind::kExpectNothing;
  });
  for (Step& step : script.steps) {
    for (Word& word : step.words) {
      if (word.value.starts_with('$') && word.key == "id") word.value = "1";
    }
  }
  for (const mqtt::ProtocolVersion version : script.versions) {
    std::cout << "script " << script.name << " " << name_of(version) << "\n";
    Transcript transcript;
    if (const auto failed = Player(script, version, transcript).play()) return std::cerr << *failed << "\n", 1;
  }
  return 0;
}

int play_over_socket(const std::string& port, const std::string& version_name, const Script& script) {
  const auto version = version_named(version_name);
  if (!version) return std::cerr << version_name << ": no version\n", 2;
  SocketConnections connections(static_cast<std::uint16_t>(std::stoul(port)));
  const auto failed = Player(script, *version, connections).play();
  if (failed) std::cerr << "sessions/" << script.name << " in " << version_name << ": " << *failed << "\n";
  return failed ? 1 : 0;
}

std::string test_name(const Script& script, mqtt::ProtocolVersion version) {
  std::string name = script.name.substr(script.name.find('/') + 1) + "_in_" + name_of(version);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

/// False when a file cannot be read.
bool register_tests(const std::filesystem::path& folder) {
  static std::vector<Script> scripts;  // as long as the tests
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".session") continue;
    Result<Script> script = read_script(entry.path());
    if (!script) return std::cerr << script.error().message << "\n", false;
    scripts.push_back(std::move(script).value());
  }
  std::sort(scripts.begin(), scripts.end(), [](const Script& a, const Script& b) { return a.name < b.name; });
  for (const Script& script : scripts) {
    const std::string suite = script.name.substr(0, script.name.find('/'));
    for (const mqtt::ProtocolVersion version : script.versions) {
      ::testing::RegisterTest(suite.c_str(), test_name(script, version).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [&script, version]() -> ::testing::Test* { return new SessionTest(script, version); });
    }
  }
  return !scripts.empty();
}

int run(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool is_printed = !arguments.empty() && arguments[0] == "--print";
  if (is_printed || (arguments.size() == 4 && arguments[0] == "--socket")) {
    for (std::size_t i = is_printed ? 1 : 3; i < arguments.size(); ++i) {
      const Result<Script> script = read_script(arguments[i]);
      if (!script) return std::cerr << script.error().message << "\n", 2;
      const int status =
          is_printed ? print_what_is_done(*script) : play_over_socket(arguments[1], arguments[2], *script);
      if (status != 0) return status;
    }
    return 0;
  }
  if (!register_tests(std::filesystem::path(MORTISE_CONFORMANCE_DIR) / "sessions")) return 1;
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace mortise::conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return mortise::conformance::run(argc, argv);
}
