#include "broker/cli/sys_topics.h"

#include <cmath>
#include <cstdio>

#include "broker/mqtt/topic.h"

namespace mortise::cli {

namespace {

constexpr std::string_view kPrefix = "$SYS/broker/";
constexpr std::array<double, 3> kLoadMinutes = {1, 5, 15};
constexpr std::array<const char*, 3> kLoadNames = {"/1min", "/5min", "/15min"};

std::uint64_t dropped(const core::ShardCounters& counters) {
  return counters.dropped_outbox_full + counters.dropped_queue_full + counters.dropped_no_inverse +
         counters.dropped_too_large + counters.dropped_expired + counters.dropped_held + counters.dropped_hops +
         counters.dropped_revoked + counters.group_queue_dropped;
}

}  // namespace

SysTopics::SysTopics(std::string version, SteadyTime started, Publish publish)
    : started_(started), publish_(std::move(publish)), updated_(started) {
  put("version", "mortise version " + std::move(version));
}

void SysTopics::put(std::string_view name, std::string value) {
  std::string topic(kPrefix);
  topic += name;
  // What a plugin calls its counters need not be a Topic Name.
  if (!mqtt::check_topic_name(topic, {0, mqtt::kMaximumStringSize})) return;
  const auto at = told_.find(name);
  if (at != told_.end() && at->second == value) return;
  publish_(topic, value);
  told_.insert_or_assign(std::string(name), std::move(value));
}

void SysTopics::put_load(const std::string& name, std::uint64_t total, double minutes) {
  Load& load = loads_[name];
  const double rate = minutes > 0 ? static_cast<double>(total - load.last) / minutes : 0;
  load.last = total;
  for (std::size_t i = 0; i < kLoadMinutes.size(); ++i) {
    const double keeps = std::exp(-minutes / kLoadMinutes[i]);
    load.averages[i] = rate + keeps * (load.averages[i] - rate);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", load.averages[i]);
    put("load/" + name + kLoadNames[i], text.data());
  }
}

void SysTopics::put_plugin(const plugin_host::InstanceStatistics& plugin) {
  const std::string place = "plugins/" + plugin.instance + "/";
  for (const plugin_host::CallStatistics& call : plugin.calls) {
    std::uint64_t failures = 0;
    for (const std::uint64_t kind : call.failures) failures += kind;
    put(place + "calls/" + call.name, call.calls);
    put(place + "failures/" + call.name, failures);
  }
  for (const auto& [name, count] : plugin.violations) put(place + "violations/" + name, count);
  for (const auto& [name, count] : plugin.refusals) put(place + "refusals/" + name, count);
  for (const auto& [name, count] : plugin.counters) put(place + "counters/" + name, count);
  put(place + "tokens", plugin.tokens);
  put(place + "handles", plugin.owned_handles);
  put(place + "events/queued", plugin.events_queued);
  put(place + "events/dropped", plugin.events_dropped);
  put(place + "intents/dropped", plugin.intents_dropped);
}

void SysTopics::put_memory(const admin::Sample& sample) {
  const admin::MemoryReport& memory = sample.memory;
  if (memory.budget == 0) return;
  put("memory/used", memory.used);
  put("memory/maximum", memory.maximum);
  put("memory/budget", memory.budget);
  put("memory/stage", static_cast<std::uint64_t>(memory.stage));
  constexpr std::array kStages = {"refusing", "holding_back", "shedding"};
  for (std::size_t i = 0; i < kStages.size(); ++i) put(std::string("memory/entered/") + kStages[i], memory.entered[i]);
  put("memory/refused", sample.counters.connects_without_memory);
  put("memory/shed", sample.counters.shed_connections);
}

void SysTopics::update(const admin::Sample& sample, SteadyTime now) {
  const core::ShardCounters& counters = sample.counters;
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - updated_).count();
  updated_ = now;
  most_clients_ = std::max(most_clients_, sample.holdings.online);
  const std::size_t offline = sample.holdings.sessions - std::min(sample.holdings.online, sample.holdings.sessions);

  put("uptime", std::to_string(std::chrono::duration_cast<Seconds>(now - started_).count()) + " seconds");
  put("clients/connected", sample.holdings.online);
  put("clients/disconnected", offline);
  put("clients/total", sample.holdings.sessions);
  put("clients/maximum", most_clients_);
  put("clients/expired", counters.sessions_expired);
  // Names of old that are still in many a dashboard.
  put("clients/active", sample.holdings.online);
  put("clients/inactive", offline);

  put("messages/received", counters.packets_received);
  put("messages/sent", counters.packets_sent + counters.publishes_sent);
  put("publish/messages/received", counters.publishes_received);
  put("publish/messages/sent", counters.publishes_sent);
  put("publish/messages/dropped", dropped(counters));
  put("publish/bytes/received", counters.publish_bytes_received);
  put("publish/bytes/sent", counters.publish_bytes_sent);
  put("clients/slowed", counters.held_back_rate);
  put("bytes/received", sample.totals.bytes_read);
  put("bytes/sent", sample.totals.bytes_written);

  const std::uint64_t stored = sample.holdings.queued_messages + sample.retained_messages;
  put("store/messages/count", stored);
  put("store/messages/bytes", sample.holdings.queued_bytes + sample.retained_bytes);
  put("messages/stored", stored);  // its name of old
  put("store/failing", std::uint64_t{sample.is_store_failing});

  put("subscriptions/count", sample.subscriptions);
  put("shared_subscriptions/count", sample.shared_subscriptions);
  put("retained messages/count", sample.retained_messages);
  put("retained messages/bytes", sample.retained_bytes);

  put_load("connections", counters.connects_accepted, minutes);
  put_load("sockets", counters.connections_accepted, minutes);
  put_load("messages/received", counters.packets_received, minutes);
  put_load("messages/sent", counters.packets_sent + counters.publishes_sent, minutes);
  put_load("publish/received", counters.publishes_received, minutes);
  put_load("publish/sent", counters.publishes_sent, minutes);
  put_load("publish/dropped", dropped(counters), minutes);
  put_load("bytes/received", sample.totals.bytes_read, minutes);
  put_load("bytes/sent", sample.totals.bytes_written, minutes);

  put_memory(sample);
  for (const plugin_host::InstanceStatistics& plugin : sample.plugins) put_plugin(plugin);
}

}  // namespace mortise::cli
