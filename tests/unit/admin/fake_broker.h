#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/admin/broker_access.h"
#include "broker/mqtt/topic.h"

/// A broker with two clients and a few retained messages that does what it is told. For tests and the fuzz target.
namespace mortise::admin::testing {

inline mqtt::PrincipalPtr principal(std::string client_id, std::string user_name) {
  auto made = std::make_shared<mqtt::Principal>();
  made->client_id = std::move(client_id);
  made->user_name = std::move(user_name);
  made->listener = SharedBytes::copy_of("tcp://127.0.0.1:1883");
  made->peer_address = "192.0.2.1";
  made->connected_at = WallTime{} + std::chrono::hours(24 * 365 * 50);
  return made;
}

inline mqtt::MessagePtr message(std::string_view topic, std::string_view payload) {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = as_bytes(payload);
  fields.retain = true;
  return mqtt::Message::make(fields);
}

class FakeBroker final : public BrokerAccess {
 public:
  config::Settings running;
  bool answers = true;   // false: its loops hang
  bool has_room = true;  // for publishing
  std::vector<mqtt::MessagePtr> published;
  std::vector<std::string> dismissed;
  std::map<std::string, mqtt::MessagePtr> messages = {{"a/b", message("a/b", "text")},
                                                      {"bin", message("bin", std::string("\xFF\x00", 2))}};
  std::vector<core::SessionReport> all_sessions = {report("one/1", "alice", true), report("two", "bob", false)};
  core::SessionQuery asked;
  std::string reload_error;

  static core::SessionReport report(std::string client_id, std::string user_name, bool is_connected) {
    core::SessionReport made;
    made.principal = principal(std::move(client_id), std::move(user_name));
    made.is_connected = is_connected;
    made.subscriptions = 1;
    return made;
  }

  const config::Settings& settings() const override { return running; }
  Seconds uptime() const override { return Seconds(7); }
  std::size_t loops() const override { return 2; }
  Result<Sample> sample() override {
    Sample made;
    made.counters.publishes_received = 5;
    made.counters.dropped_queue_full = 2;
    made.holdings.online = 1;
    made.plugins = {statistics()};
    return if_answering(std::move(made));
  }
  std::vector<ListenerReport> listeners() const override { return {{"tcp://127.0.0.1:1883", 1}}; }
  std::vector<plugin_host::PluginDescription> plugins() const override {
    plugin_host::PluginDescription made;
    made.instance = "p\"1";
    made.hooks = {"auth.authenticate"};
    return {made};
  }
  Result<ReloadReport> reload() override {
    if (!reload_error.empty()) return failure(reload_error);
    return ReloadReport{{"log.level"}, {"node.loops"}};
  }
  Result<SessionList> sessions(const core::SessionQuery& query, SessionCursor from, std::size_t most) override {
    asked = query;
    SessionList list;
    for (std::size_t at = from.slot; at < all_sessions.size(); ++at) {
      if (list.sessions.size() == most) {
        list.next = {0, static_cast<std::uint32_t>(at)};
        break;
      }
      if (query.picks(*all_sessions[at].principal, all_sessions[at].is_connected))
        list.sessions.push_back(all_sessions[at]);
    }
    return if_answering(std::move(list));
  }
  Result<std::optional<core::SessionReport>> session(const std::string& name_space,
                                                     const std::string& client_id) override {
    std::optional<core::SessionReport> found;
    for (const auto& session : all_sessions) {
      if (name_space.empty() && session.principal->client_id == client_id) found = session;
    }
    return if_answering(std::move(found));
  }
  Result<std::optional<core::SubscriptionPage>> subscriptions(const std::string& name_space,
                                                              const std::string& client_id,
                                                              const std::optional<std::string>&, std::size_t) override {
    std::optional<core::SubscriptionPage> page;
    if (const auto found = session(name_space, client_id); found && *found) {
      core::SubscriptionReport subscription;
      subscription.filter = "a/#";
      page = core::SubscriptionPage{{subscription}, false};
    }
    return if_answering(std::move(page));
  }
  Result<core::Dismissed> dismiss(const std::string& name_space, const std::string& client_id,
                                  const core::Dismissal& dismissal) override {
    core::Dismissed done;
    if (const auto found = session(name_space, client_id); found && *found) {
      done = {(*found)->is_connected, dismissal.ends_session};
      dismissed.push_back(client_id);
    }
    return if_answering(done);
  }
  core::BanListPtr bans() const override { return bans_; }
  Result<void> set_bans(std::vector<core::Ban> bans) override {
    if (!answers) return failure("no room on the disk");
    bans_ = std::make_shared<const core::BanList>(std::move(bans));
    return {};
  }
  Result<RetainedList> retained(const std::string& filter, routing::RetainedCursor from, std::size_t most) override {
    RetainedList list;
    for (const auto& [topic, one] : messages) {
      if ("/" + topic <= from.path || !mqtt::matches(filter, topic)) continue;
      if (list.messages.size() == most) {
        list.next = routing::RetainedCursor{"/" + std::string(list.messages.back()->topic()), 0};
        break;
      }
      list.messages.push_back(one);
    }
    return if_answering(std::move(list));
  }
  Result<routing::LevelPage> levels(Tree, const std::optional<std::string>&, const std::optional<std::string>&,
                                    std::size_t) override {
    return if_answering(routing::LevelPage{{{"a", 0, true}}, false});
  }
  bool publish(mqtt::MessagePtr one) override {
    if (has_room) published.push_back(std::move(one));
    return has_room;
  }

 private:
  static plugin_host::InstanceStatistics statistics() {
    plugin_host::InstanceStatistics made;
    made.instance = "p\"1";
    plugin_host::CallStatistics call;
    call.name = "auth.authenticate";
    call.calls = 3;
    call.failures[3] = 1;
    observe::Histogram latency;
    latency.record(std::chrono::microseconds(5));
    call.latency = latency.snapshot();
    made.calls = {call};
    made.counters = {{"line\nfeed", 1}};
    return made;
  }
  template <class T>
  Result<T> if_answering(T made) const {
    if (!answers) return failure("loop 1 does not answer within 2 s; try again a little later");
    return made;
  }

  core::BanListPtr bans_ = std::make_shared<const core::BanList>(std::vector<core::Ban>());
};

}  // namespace mortise::admin::testing
