#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/mqtt/types.h"

namespace mortise::mqtt {

/// What one version makes of a vector.
struct Expectation {
  enum class Outcome { kOk, kOkNotCanonical, kIncomplete, kRefused };
  ProtocolVersion version = ProtocolVersion::k5;
  Outcome outcome = Outcome::kOk;
  std::uint8_t reason = 0;  // for kRefused
  std::string statement;    // for kRefused
  // What a broker says last before it closes the connection, to which the bytes came (behind CONNECT, if they are
  // none): "DISCONNECT 0x81", "CONNACK 0x84", or "close" alone. Empty: it is not closed.
  std::string answer;
};

struct VectorFile {
  std::string name;  // "publish/mqtt-3.3.1-4-qos-3"
  std::vector<Expectation> expectations;
  std::vector<std::uint8_t> bytes;
  std::vector<std::string> proves;  // further statements, with their versions: "3.1.1 MQTT-2.2.2-1"
};

/// Reads one file; the form is described in the README. Errors: which line is wrong, and how.
Result<VectorFile> read_vector(const std::filesystem::path& file);

}  // namespace mortise::mqtt
