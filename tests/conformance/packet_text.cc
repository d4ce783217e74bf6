#include "tests/conformance/packet_text.h"

#include <algorithm>

#include "broker/mqtt/encode.h"
#include "tests/conformance/packet_words.h"

namespace mortise::conformance {
namespace {

using mqtt::PacketType;
using mqtt::PropertyType;

/// The value of a word from `at` on, which is moved behind it.
Result<std::string> read_value(std::string_view line, std::size_t& at) {
  std::string value;
  bool is_quoted = false;
  for (; at < line.size() && (is_quoted || line[at] != ' '); ++at) {
    if (line[at] == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted && line.substr(at).starts_with("\\x")) {
      const auto byte = number("0x" + std::string(line.substr(at + 2, 2)));
      if (!byte) return failure("\\x is not followed by two hexadecimal digits");
      value += static_cast<char>(*byte);
      at += 3;
    } else {
      value += line[at];
    }
  }
  if (is_quoted) return failure("a quote is not closed");
  return value;
}

// ---- Encoding -------------------------------------------------------------------------------------------------------

/// Reads the words of one packet; what is wrong is kept until the end.
class Reader {
 public:
  Reader(const Words& words, const NamedValues& ids) : words_(words), ids_(ids), used_(words.size(), false) {
    used_[0] = true;
  }

  std::optional<std::string_view> text(std::string_view key) {
    for (std::size_t i = 1; i < words_.size(); ++i) {
      if (words_[i].key != key) continue;
      used_[i] = true;
      const auto known = ids_.find(words_[i].value);
      return std::string_view(known == ids_.end() ? words_[i].value : known->second);
    }
    return std::nullopt;
  }
  std::uint32_t value(std::string_view key, std::uint32_t otherwise) {
    const auto found = text(key);
    if (!found) return otherwise;
    const auto parsed = number(*found);
    if (!parsed) wrong_ = std::string(key) + " is no number";
    return parsed.value_or(0);
  }
  /// A word without value.
  bool flag(std::string_view key) { return text(key).has_value(); }

  /// The properties whose names begin with `prefix`, in their order.
  void properties(mqtt::PropertyWriter& into, std::string_view prefix = "") {
    for (std::size_t i = 1; i < words_.size(); ++i) {
      const std::string_view key = words_[i].key;
      if (!key.starts_with(prefix)) continue;
      const mqtt::PropertyRow* row = property_named(key.substr(prefix.size()));
      if (row == nullptr) continue;
      used_[i] = true;
      put(into, *row, words_[i].value);
    }
  }

  std::optional<std::string> what_is_wrong() const {
    if (!wrong_.empty()) return wrong_;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) return words_[0].key + " has no " + words_[i].key;
    }
    return std::nullopt;
  }

  const Words& words() const { return words_; }
  void use(std::size_t i) { used_[i] = true; }
  void fail(std::string what) { wrong_ = std::move(what); }

 private:
  void put(mqtt::PropertyWriter& into, const mqtt::PropertyRow& row, const std::string& value) {
    if (row.type == PropertyType::kUtf8Pair) {
      const std::size_t colon = value.find(':');
      into.put_pair(value.substr(0, colon), colon == std::string::npos ? "" : value.substr(colon + 1));
    } else if (row.type == PropertyType::kUtf8 || row.type == PropertyType::kBinary) {
      into.put(row.id, std::string_view(value));
    } else if (const auto parsed = number(value)) {
      into.put(row.id, *parsed);
    } else {
      wrong_ = std::string(row.name) + " is no number";
    }
  }

  const Words& words_;
  const NamedValues& ids_;
  std::vector<bool> used_;
  std::string wrong_;
};

/// The packet with the properties that are named, encoded.
template <class Packet>
std::string encode_with_properties(Reader& reader, Packet& packet, mqtt::ProtocolVersion version) {
  mqtt::PropertyWriter properties;
  reader.properties(properties);
  packet.properties = properties.view();
  std::string bytes;
  mqtt::encode(bytes, packet, version);
  return bytes;
}

std::string encode_connect(Reader& reader, mqtt::ProtocolVersion version) {
  mqtt::ConnectView packet;
  packet.version = version;
  packet.client_id = reader.text("id").value_or("");
  packet.clean_start = reader.value("clean", 1) != 0;
  packet.keep_alive = static_cast<std::uint16_t>(reader.value("keep_alive", 0));
  packet.user_name = reader.text("user");
  if (const auto password = reader.text("password")) packet.password = as_bytes(*password);
  mqtt::PropertyWriter properties, will_properties;
  // A Session that stays: in 3.1 and 3.1.1 clean=0 says so.
  if (const auto expiry = reader.value("expiry", 0); expiry != 0)
    properties.put(mqtt::PropertyId::kSessionExpiryInterval, expiry);
  reader.properties(will_properties, "will.");
  reader.properties(properties);
  packet.properties = properties.view();
  if (const auto topic = reader.text("will_topic")) {
    packet.will =
        mqtt::WillView{static_cast<mqtt::QoS>(reader.value("will_qos", 0)), reader.flag("will_retain"),
                       will_properties.view(), *topic, as_bytes(reader.text("will_payload").value_or("gone"))};
  }
  std::string bytes;
  mqtt::encode(bytes, packet);
  return bytes;
}

std::string encode_publish(Reader& reader, mqtt::ProtocolVersion version) {
  mqtt::PublishView packet;
  packet.dup = reader.flag("dup");
  packet.retain = reader.flag("retain");
  packet.qos = static_cast<mqtt::QoS>(reader.value("qos", 0));
  packet.packet_id = static_cast<mqtt::PacketId>(reader.value("id", 1));
  packet.topic = reader.text("topic").value_or("");
  packet.payload = as_bytes(reader.text("payload").value_or(""));
  return encode_with_properties(reader, packet, version);
}

std::string encode_acknowledgement(Reader& reader, PacketType type, mqtt::ProtocolVersion version) {
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = static_cast<mqtt::PacketId>(reader.value("id", 1));
  packet.reason = static_cast<mqtt::ReasonCode>(reader.value("code", 0));
  return encode_with_properties(reader, packet, version);
}

/// Options stand behind the filter they belong to.
std::string encode_subscribe(Reader& reader, mqtt::ProtocolVersion version) {
  mqtt::SubscribeView packet;
  packet.packet_id = static_cast<mqtt::PacketId>(reader.value("id", 1));
  for (std::size_t i = 1; i < reader.words().size(); ++i) {
    const auto& [key, value] = reader.words()[i];
    if (key == "filter") {
      packet.requests.push_back({value, {}});
    } else if (packet.requests.empty()) {
      continue;
    } else if (key == "qos") {
      packet.requests.back().options.maximum_qos = static_cast<mqtt::QoS>(number(value).value_or(0));
    } else if (key == "no_local") {
      packet.requests.back().options.no_local = true;
    } else if (key == "retain_as_published") {
      packet.requests.back().options.retain_as_published = true;
    } else if (key == "retain_handling") {
      packet.requests.back().options.retain_handling = static_cast<mqtt::RetainHandling>(number(value).value_or(0));
    } else {
      continue;
    }
    reader.use(i);
  }
  return encode_with_properties(reader, packet, version);
}

std::string encode_unsubscribe(Reader& reader, mqtt::ProtocolVersion version) {
  mqtt::UnsubscribeView packet;
  packet.packet_id = static_cast<mqtt::PacketId>(reader.value("id", 1));
  for (std::size_t i = 1; i < reader.words().size(); ++i) {
    if (reader.words()[i].key != "filter") continue;
    reader.use(i);
    packet.filters.push_back(reader.words()[i].value);
  }
  return encode_with_properties(reader, packet, version);
}

template <class Packet>
std::string encode_reason(Reader& reader, mqtt::ProtocolVersion version) {
  Packet packet;
  packet.reason = static_cast<mqtt::ReasonCode>(reader.value("code", 0));
  return encode_with_properties(reader, packet, version);
}

std::string encode_named(Reader& reader, mqtt::ProtocolVersion version) {
  const std::string& name = reader.words()[0].key;
  for (const auto& [acknowledgement, type] : kAcknowledgements) {
    if (name == acknowledgement) return encode_acknowledgement(reader, type, version);
  }
  if (name == "CONNECT") return encode_connect(reader, version);
  if (name == "PUBLISH") return encode_publish(reader, version);
  if (name == "SUBSCRIBE") return encode_subscribe(reader, version);
  if (name == "UNSUBSCRIBE") return encode_unsubscribe(reader, version);
  if (name == "PINGREQ") return std::string("\xc0\0", 2);
  if (name == "DISCONNECT") return encode_reason<mqtt::DisconnectView>(reader, version);
  if (name == "AUTH") return encode_reason<mqtt::AuthView>(reader, version);
  reader.fail("there is no packet " + name + " to send");
  return {};
}

}  // namespace

Result<Words> read_words(std::string_view line) {
  Words words;
  for (std::size_t at = line.find_first_not_of(' '); at < line.size(); at = line.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(line.find_first_of(" =", at), line.size());
    Word word{std::string(line.substr(at, end - at)), {}};
    at = end;
    if (at < line.size() && line[at] == '=') {
      Result<std::string> value = read_value(line, ++at);
      if (!value) return std::move(value).as_failure();
      word.value = *value;
    }
    words.push_back(std::move(word));
  }
  return words;
}

Result<std::string> encode_words(const Words& words, mqtt::ProtocolVersion version, const NamedValues& ids) {
  Reader reader(words, ids);
  std::string bytes = encode_named(reader, version);
  if (const auto wrong = reader.what_is_wrong()) return failure(*wrong);
  return bytes;
}

}  // namespace mortise::conformance
