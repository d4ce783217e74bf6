#include <algorithm>
#include <charconv>

#include "tests/conformance/packet_text.h"
#include "tests/conformance/packet_words.h"

namespace mortise::conformance {

std::optional<std::uint32_t> number(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string compact(std::string_view name) {
  std::string out(name);
  std::erase(out, ' ');
  return out;
}

const mqtt::PropertyRow* property_named(std::string_view name) {
  const auto table = mqtt::property_table();
  const auto row = std::find_if(table.begin(), table.end(), [&](const auto& any) { return compact(any.name) == name; });
  return row == table.end() ? nullptr : &*row;
}

namespace {

using mqtt::PacketType;
using mqtt::PropertyType;

std::string shown(const mqtt::PropertyView& property, PropertyType type) {
  switch (type) {
    case PropertyType::kUtf8Pair:
      return std::string(property.text) + ":" + std::string(property.value);
    case PropertyType::kUtf8:
    case PropertyType::kBinary:
      return std::string(property.text);
    default:
      return std::to_string(property.number);
  }
}

void add(Words& words, const mqtt::PropertiesView& properties) {
  properties.for_each([&](const mqtt::PropertyView& property) {
    const mqtt::PropertyRow& row = *mqtt::find_property(static_cast<std::uint32_t>(property.id));
    words.push_back({compact(row.name), shown(property, row.type)});
  });
}

template <class Number>
void add(Words& words, const char* key, Number value) {
  words.push_back({key, std::to_string(static_cast<unsigned>(value))});
}

struct Describe {
  Words& words;
  void name(const char* what) { words.push_back({what, ""}); }

  void operator()(const mqtt::ConnackView& packet) {
    name("CONNACK");
    add(words, "session_present", packet.session_present);
    add(words, "code", packet.code);
    add(words, packet.properties);
  }
  void operator()(const mqtt::PublishView& packet) {
    name("PUBLISH");
    words.push_back({"topic", std::string(packet.topic)});
    words.push_back({"payload", std::string(as_text(packet.payload))});
    add(words, "qos", packet.qos);
    add(words, "retain", packet.retain);
    add(words, "dup", packet.dup);
    if (packet.packet_id != 0) add(words, "id", packet.packet_id);
    add(words, packet.properties);
  }
  void operator()(const mqtt::AcknowledgementView& packet) {
    for (const auto& [acknowledgement, type] : kAcknowledgements) {
      if (type == packet.type) name(acknowledgement.data());
    }
    add(words, "id", packet.packet_id);
    add(words, "code", packet.reason);
    add(words, packet.properties);
  }
  void operator()(const mqtt::SubscriptionAcknowledgementView& packet) {
    name(packet.type == PacketType::kSuback ? "SUBACK" : "UNSUBACK");
    add(words, "id", packet.packet_id);
    std::string codes;
    for (const std::uint8_t code : packet.codes) codes += (codes.empty() ? "" : ",") + std::to_string(code);
    words.push_back({"codes", codes});
    add(words, packet.properties);
  }
  void operator()(const mqtt::PingrespView&) { name("PINGRESP"); }
  void operator()(const mqtt::DisconnectView& packet) {
    name("DISCONNECT");
    add(words, "code", packet.reason);
    add(words, packet.properties);
  }
  void operator()(const mqtt::AuthView& packet) {
    name("AUTH");
    add(words, "code", packet.reason);
    add(words, packet.properties);
  }
  // What only a Client sends.
  void operator()(const mqtt::ConnectView&) { name("CONNECT"); }
  void operator()(const mqtt::SubscribeView&) { name("SUBSCRIBE"); }
  void operator()(const mqtt::UnsubscribeView&) { name("UNSUBSCRIBE"); }
  void operator()(const mqtt::PingreqView&) { name("PINGREQ"); }
};

/// "0x80,1" and "128,1" are the same.
std::string plain_numbers(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, comma - at);
    const auto parsed = number(part);
    out += (at == 0 ? "" : ",") + (parsed ? std::to_string(*parsed) : part);
    at = comma + 1;
  }
  return out;
}

bool is_property(const std::string& key) { return property_named(key) != nullptr; }

/// What is 0 when a pattern says nothing of it.
bool is_zero_by_default(const std::string& key) {
  return key == "code" || key == "qos" || key == "retain" || key == "dup" || key == "session_present";
}

/// One word of a pattern against the one of the packet that has the same key.
bool agrees(const Word& wanted, const std::string& actual, NamedValues& ids) {
  if (wanted.value == "?") return true;
  if (wanted.value.starts_with('$')) return ids.try_emplace(wanted.value, actual).first->second == actual;
  if (wanted.value.empty() && is_zero_by_default(wanted.key)) return actual == "1";
  return wanted.value == actual || plain_numbers(wanted.value) == actual;
}

}  // namespace

Words describe(const mqtt::ControlPacketView& packet) {
  Words words;
  std::visit(Describe{words}, packet);
  return words;
}

std::string to_text(const Words& words) {
  std::string out;
  for (const auto& [key, value] : words) out += (out.empty() ? key : " " + key) + (value.empty() ? "" : "=" + value);
  return out;
}

std::optional<std::string> mismatch(const Words& pattern, const Words& packet, NamedValues& ids) {
  if (pattern[0].key != packet[0].key) return "it is another packet";
  std::vector<bool> is_named(packet.size(), false);
  for (std::size_t i = 1; i < pattern.size(); ++i) {
    const Word& wanted = pattern[i];
    const bool is_absent = wanted.key.starts_with('!');
    const std::string key = is_absent ? wanted.key.substr(1) : wanted.key;
    std::size_t at = 1;
    // Properties that repeat are compared in their order.
    while (at < packet.size() && (packet[at].key != key || is_named[at])) ++at;
    if (is_absent && at < packet.size()) return "it has " + key;
    if (is_absent) continue;
    if (at == packet.size()) return "it has no " + key;
    is_named[at] = true;
    if (!agrees(wanted, packet[at].value, ids)) return key + " differs";
  }
  const bool is_publish = packet[0].key == "PUBLISH";
  for (std::size_t at = 1; at < packet.size(); ++at) {
    const auto& [key, value] = packet[at];
    if (is_named[at]) continue;
    if (is_zero_by_default(key) && value != "0") return key + " is not 0";
    if (is_publish && is_property(key)) return "it has " + key;
  }
  return std::nullopt;
}

}  // namespace mortise::conformance
