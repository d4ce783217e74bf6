#include "broker/cli/message_printer.h"

#include <sodium.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "broker/mqtt/topic.h"

namespace mortise::cli {

using Json = nlohmann::ordered_json;

namespace {

std::string base64(ByteView bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // its final NUL
  return text;
}

/// Into `object`, as text where the bytes are UTF-8.
void put_bytes(Json& object, const std::string& name, std::string_view bytes) {
  if (mqtt::is_valid_utf8(bytes)) {
    object[name] = bytes;
  } else {
    object[name + "_base64"] = base64(as_bytes(bytes));
  }
}

void put_property(Json& properties, const mqtt::PropertyView& property) {
  const mqtt::PropertyRow* row = mqtt::find_property(static_cast<std::uint32_t>(property.id));
  switch (row->type) {
    case mqtt::PropertyType::kUtf8Pair:
      properties[row->name].push_back({property.text, property.value});
      return;
    case mqtt::PropertyType::kUtf8:
    case mqtt::PropertyType::kBinary:
      return put_bytes(properties, row->name, property.text);
    default:
      if (row->may_repeat) {
        properties[row->name].push_back(property.number);
      } else {
        properties[row->name] = property.number;
      }
  }
}

}  // namespace

std::string to_json(const mqtt::PublishView& message) {
  Json object;
  object["topic"] = message.topic;
  object["qos"] = static_cast<int>(message.qos);
  object["retain"] = message.retain;
  object["dup"] = message.dup;
  if (message.packet_id != 0) object["packet_id"] = message.packet_id;
  put_bytes(object, "payload", as_text(message.payload));
  Json properties;
  message.properties.for_each([&](const mqtt::PropertyView& property) { put_property(properties, property); });
  if (!properties.empty()) object["properties"] = properties;
  // Everything put in was checked to be UTF-8; replacing instead of throwing is for what MQTT and JSON see differently.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print(const mqtt::PublishView& message, const PrintOptions& options) {
  if (options.json) {
    const std::string line = to_json(message) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    return;
  }
  if (options.topic) std::printf("%.*s ", static_cast<int>(message.topic.size()), message.topic.data());
  std::fwrite(message.payload.data(), 1, message.payload.size(), stdout);
  if (!options.no_newline) std::fputc('\n', stdout);
}

}  // namespace mortise::cli
