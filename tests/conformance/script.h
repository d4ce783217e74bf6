#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/conformance/packet_text.h"

/// The session vectors: what clients say and must hear, as the README describes them.
namespace mortise::conformance {

struct Step {
  enum class Kind { kSend, kSendBytes, kDrop, kExpect, kExpectBytes, kExpectClose, kExpectNothing, kAdvance };
  Kind kind = Kind::kSend;
  std::string client;
  Words words;                                // a packet
  std::string bytes;                          // kSendBytes, kExpectBytes
  bool is_in_any_order = false;               // kExpect: with its neighbours of this kind and client
  double seconds = 0;                         // kAdvance
  std::vector<mqtt::ProtocolVersion> played;  // in which versions
  int line = 0;
};

struct Setting {
  std::string name;  // as the configuration has it: "mqtt.maximum_qos"
  std::string value;
};

struct Script {
  std::string name;  // "publish/5.0-3.3.2.3.4-alias-of-nothing"
  std::vector<mqtt::ProtocolVersion> versions;
  std::vector<std::string> proves;  // with their versions: "5.0 MQTT-3.3.2-7"
  std::vector<Setting> settings;
  std::map<std::string, mqtt::ProtocolVersion> fixed_versions;  // of clients that always speak the same
  std::vector<Step> steps;

  bool waits() const;  // time has to pass
};

/// Errors: which line is wrong, and how.
Result<Script> read_script(const std::filesystem::path& file);

/// "3.1", "3.1.1", "5.0".
std::optional<mqtt::ProtocolVersion> version_named(std::string_view name);
const char* name_of(mqtt::ProtocolVersion version);
/// Bytes in hexadecimal and text in quotes.
std::optional<std::string> read_bytes(std::string_view line);

}  // namespace mortise::conformance
