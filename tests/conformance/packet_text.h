#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/mqtt/packets.h"

/// Packets as the session vectors write them: `PUBLISH qos=1 id=7 topic=a payload="two words"
/// MessageExpiryInterval=60`.
namespace mortise::conformance {

struct Word {
  std::string key;
  std::string value;
};
using Words = std::vector<Word>;

/// Takes a line apart at its blanks; text in double quotes is one piece, with \xHH for any byte. A word without "=" has
/// no value. Errors: a quote that is not closed.
Result<Words> read_words(std::string_view line);

/// Values that a script gave names to: "$m".
using NamedValues = std::map<std::string, std::string>;

/// The bytes of a packet to send. Errors: what there is no such packet, field or property of.
Result<std::string> encode_words(const Words& words, mqtt::ProtocolVersion version, const NamedValues& ids);

/// A decoded packet in the same form, with every field.
Words describe(const mqtt::ControlPacketView& packet);
std::string to_text(const Words& words);

/// Why a packet is not what `pattern` asks for; nothing when it is. What the pattern does not name may be anything, but
/// codes, QoS, flags, which then are 0, and the properties of PUBLISH, which then are not there. "!Name" is absent,
/// "Name=?" is there, "id=$m" is remembered or, when it is known, the same.
std::optional<std::string> mismatch(const Words& pattern, const Words& packet, NamedValues& ids);

}  // namespace mortise::conformance
