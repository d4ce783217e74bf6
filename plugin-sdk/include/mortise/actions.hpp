#pragma once

/// What a plugin may ask of the broker: log lines, counters, clocks, and intents (publish, disconnect, invalidate,
/// timers), which the broker carries out after the hook and never inside it.

#include <chrono>
#include <mortise/detail/services.hpp>
#include <vector>

MORTISE_SDK_BEGIN

enum class LogLevel : std::uint32_t {
  kDebug = MORTISE_LOG_DEBUG,
  kInfo = MORTISE_LOG_INFO,
  kWarning = MORTISE_LOG_WARNING,
  kError = MORTISE_LOG_ERROR,
};

/// A message to publish. Owns nothing: publish() copies.
struct PublishView {
  std::string_view topic = {};  // a routed Topic Name
  std::string_view payload = {};
  std::uint32_t qos = 0;
  bool retain = false;
  std::chrono::seconds expiry{0};  // 0 is none
  std::vector<std::pair<std::string_view, std::string_view>> user_properties = {};
};

/// Asks the broker in the name of an instance (Plugin: done at once, any thread) or of the running call (views: done
/// when the hook has returned OK, forgotten otherwise). Everything given is copied.
/// Errors, all: e_closed after stop, e_quota, and what a stale or misused call handle answers (e_expired, ...).
class Actions {
 public:
  /// Writes one line to the broker's log.
  Status log(LogLevel level, std::string_view text) const {
    return detail::host<&mortise_core_v1::log>(where_, static_cast<std::uint32_t>(level), detail::bytes_of(text));
  }
  /// Adds to the counter mortise_plugin_<name>_total; `name` is [a-z0-9_].
  Status count(std::string_view name, std::uint64_t delta = 1) const {
    return detail::host<&mortise_core_v1::counter_add>(where_, detail::bytes_of(name), delta);
  }
  /// Publishes a message; it carries the instance as origin, and hop 4 is dropped.
  Status publish(const PublishView& message) const {
    std::vector<mortise_pair> properties;
    for (const auto& [key, value] : message.user_properties)
      properties.push_back({detail::bytes_of(key), detail::bytes_of(value)});
    mortise_publish publish = MORTISE_PUBLISH_INIT;
    publish.qos = message.qos;
    publish.retain = message.retain ? 1 : 0;
    publish.message_expiry_s = static_cast<std::uint32_t>(message.expiry.count());
    publish.topic = detail::bytes_of(message.topic);
    publish.payload = detail::bytes_of(message.payload);
    publish.property_count = static_cast<std::uint32_t>(properties.size());
    publish.properties = properties.data();
    return detail::host<&mortise_intent_v1::publish>(where_, &publish);
  }
  /// Disconnects whoever is connected under this client id when the intent is done.
  Status disconnect(std::string_view client_id, std::string_view name_space = {},
                    std::uint32_t reason_code = reason::kDefault) const {
    mortise_disconnect client = MORTISE_DISCONNECT_INIT;
    client.reason_code = reason_code;
    client.client_id = detail::bytes_of(client_id);
    client.name_space = detail::bytes_of(name_space);
    return detail::host<&mortise_intent_v1::disconnect>(where_, &client);
  }
  /// Has the client's affix asked again, and all it subscribed or has cached authorized again.
  Status invalidate(std::string_view client_id, std::string_view name_space = {}) const {
    return detail::host<&mortise_intent_v1::invalidate>(where_, detail::bytes_of(name_space),
                                                        detail::bytes_of(client_id));
  }
  /// Has on_timer called once; a timer with the same id is replaced. e_unsupported: the plugin has no on_timer.
  Status set_timer(std::chrono::milliseconds delay, std::uint64_t id) const {
    const auto delay_ms = static_cast<std::uint64_t>(delay.count() < 0 ? 0 : delay.count());
    return detail::host<&mortise_intent_v1::set_timer>(where_, delay_ms, id);
  }
  /// Forgets a timer; one that is not set is no error.
  Status cancel_timer(std::uint64_t id) const { return detail::host<&mortise_intent_v1::cancel_timer>(where_, id); }

 protected:
  explicit Actions(mortise_handle where) : where_(where) {}
  Actions(const Actions&) = default;
  Actions& operator=(const Actions&) = default;
  ~Actions() = default;

  mortise_handle where_;
};

/// Milliseconds since 1970. Thread: any.
inline std::uint64_t now_wall_ms() {
  std::uint64_t now = 0;
  return detail::host<&mortise_core_v1::now_wall_ms>(&now) == Status::ok ? now : 0;
}

/// Milliseconds of a clock that never jumps. Thread: any.
inline std::uint64_t now_steady_ms() {
  std::uint64_t now = 0;
  return detail::host<&mortise_core_v1::now_steady_ms>(&now) == Status::ok ? now : 0;
}

MORTISE_SDK_END
