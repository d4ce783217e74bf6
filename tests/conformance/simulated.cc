#include "tests/conformance/simulated.h"

#include <algorithm>

namespace mortise::conformance {
namespace {

using core::testing::TestOptions;

/// "40B", "2s", "unlimited".
std::uint32_t as_number(const std::string& text) {
  return text == "unlimited" ? 0 : static_cast<std::uint32_t>(std::stoul(text));
}
bool as_bool(const std::string& text) { return text == "true"; }

using Apply = void (*)(TestOptions&, const std::string&);
constexpr std::pair<std::string_view, Apply> kSettings[] = {
    {"mqtt.maximum_qos", [](TestOptions& o, const std::string& v) { o.mqtt.maximum_qos = mqtt::QoS(as_number(v)); }},
    {"mqtt.retain_available", [](TestOptions& o, const std::string& v) { o.mqtt.retain_available = as_bool(v); }},
    {"mqtt.wildcard_subscription_available",
     [](TestOptions& o, const std::string& v) { o.mqtt.wildcard_subscription_available = as_bool(v); }},
    {"mqtt.shared_subscription_available",
     [](TestOptions& o, const std::string& v) { o.mqtt.shared_subscription_available = as_bool(v); }},
    {"mqtt.subscription_identifier_available",
     [](TestOptions& o, const std::string& v) { o.mqtt.subscription_identifier_available = as_bool(v); }},
    {"mqtt.receive_maximum",
     [](TestOptions& o, const std::string& v) { o.mqtt.receive_maximum = static_cast<std::uint16_t>(as_number(v)); }},
    {"mqtt.topic_alias_maximum",
     [](TestOptions& o, const std::string& v) {
       o.mqtt.topic_alias_maximum = static_cast<std::uint16_t>(as_number(v));
     }},
    {"mqtt.outbound_topic_alias_maximum",
     [](TestOptions& o, const std::string& v) {
       o.mqtt.outbound_topic_alias_maximum = static_cast<std::uint16_t>(as_number(v));
     }},
    {"mqtt.max_packet_size", [](TestOptions& o, const std::string& v) { o.mqtt.max_packet_size = as_number(v); }},
    {"mqtt.max_keep_alive",
     [](TestOptions& o, const std::string& v) { o.mqtt.max_keep_alive = static_cast<std::uint16_t>(as_number(v)); }},
    {"mqtt.max_client_id_length",
     [](TestOptions& o, const std::string& v) {
       o.mqtt.max_client_id_length = static_cast<std::uint16_t>(as_number(v));
     }},
    {"mqtt.max_topic_levels", [](TestOptions& o, const std::string& v) { o.mqtt.topic.maximum_levels = as_number(v); }},
    {"mqtt.max_topic_length", [](TestOptions& o, const std::string& v) { o.mqtt.topic.maximum_length = as_number(v); }},
    {"mqtt.check_payload_format",
     [](TestOptions& o, const std::string& v) { o.mqtt.check_payload_format = as_bool(v); }},
    {"mqtt.response_information", [](TestOptions& o, const std::string& v) { o.mqtt.response_information = v; }},
    {"node.server_reference", [](TestOptions& o, const std::string& v) { o.mqtt.server_reference = v; }},
    {"node.server_moved", [](TestOptions& o, const std::string& v) { o.mqtt.server_moved = as_bool(v); }},
    {"mqtt.reason_strings",
     [](TestOptions& o, const std::string& v) {
       using session::ReasonStrings;
       o.mqtt.reason_strings = v == "always"  ? ReasonStrings::kAlways
                               : v == "never" ? ReasonStrings::kNever
                                              : ReasonStrings::kRequested;
     }},
    {"session.expiry_interval_max",
     [](TestOptions& o, const std::string& v) { o.session.expiry_interval_max = Seconds(as_number(v)); }},
    {"session.queue.max_messages",
     [](TestOptions& o, const std::string& v) { o.session.queue.max_messages = as_number(v); }},
    {"session.queue.when_full",
     [](TestOptions& o, const std::string& v) {
       using session::WhenFull;
       o.session.queue.when_full = v == "reject"     ? WhenFull::kReject
                                   : v == "drop_new" ? WhenFull::kDropNew
                                                     : WhenFull::kDropOldest;
     }},
};

}  // namespace

Result<TestOptions> options_of(const Script& script, SimulatedConnections::Way way) {
  TestOptions options;
  options.loops = way.loops;
  for (const auto& setting : script.settings) {
    const auto* const known = std::find_if(std::begin(kSettings), std::end(kSettings),
                                           [&](const auto& row) { return row.first == setting.name; });
    if (known == std::end(kSettings)) {
      return failure(script.name + ": the simulated broker has no setting " + setting.name);
    }
    known->second(options, setting.value);
  }
  return options;
}

void SimulatedConnections::send(const std::string& client, std::string_view bytes) {
  core::testing::TestClient& sender = *clients_[client];
  if (!way_.is_byte_by_byte) return sender.send(bytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) sender.send(bytes.substr(at, 1));
}

std::optional<std::string> SimulatedConnections::receive(const std::string& client) {
  core::testing::TestClient& receiver = *clients_[client];
  if (!receiver.has_next()) return std::nullopt;
  return receiver.next().bytes;
}

bool SimulatedConnections::is_closed(const std::string& client) {
  const core::testing::TestClient& receiver = *clients_[client];
  return !receiver.is_open() && !receiver.has_next();
}

std::optional<std::string> SimulatedConnections::left_over(const std::string& client) {
  return is_closed(client) ? std::string() : receive(client);
}

}  // namespace mortise::conformance
