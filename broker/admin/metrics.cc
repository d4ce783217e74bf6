#include "broker/admin/metrics.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "broker/admin/reports.h"
#include "broker/observe/histogram.h"

namespace mortise::admin {

namespace {

using core::ShardCounters;
using core::ShardHoldings;
using net::LoopTotals;

/// A number of a struct, as it is called in Prometheus. `name` may carry a label: `x_total{reason="y"}`.
template <class Of, class Number>
struct Metric {
  const char* name;
  const char* help;
  Number Of::*member;
};
template <class Of, class Number>
Metric(const char*, const char*, Number Of::*) -> Metric<Of, Number>;

constexpr std::array kCounters = {
    Metric{"connections_accepted_total", "Connections accepted.", &ShardCounters::connections_accepted},
    Metric{"connects_total{outcome=\"accepted\"}", "CONNECT packets answered.", &ShardCounters::connects_accepted},
    Metric{"connects_total{outcome=\"refused\"}", "", &ShardCounters::connects_refused},
    Metric{"connects_total{outcome=\"timed_out\"}", "", &ShardCounters::connects_timed_out},
    Metric{"session_takeovers_total", "Sessions whose client connected again while it was connected.",
           &ShardCounters::take_overs},
    Metric{"sessions_expired_total", "Sessions whose expiry interval passed.", &ShardCounters::sessions_expired},
    Metric{"protocol_errors_total", "Packets that broke the protocol.", &ShardCounters::protocol_errors},
    Metric{"packets_received_total", "Control packets received.", &ShardCounters::packets_received},
    Metric{"packets_sent_total", "Control packets sent, PUBLISH apart.", &ShardCounters::packets_sent},
    Metric{"publishes_received_total", "PUBLISH packets received.", &ShardCounters::publishes_received},
    Metric{"publishes_sent_total", "PUBLISH packets sent.", &ShardCounters::publishes_sent},
    Metric{"publish_received_bytes_total", "Bytes of payloads received.", &ShardCounters::publish_bytes_received},
    Metric{"publish_sent_bytes_total", "Bytes of payloads sent.", &ShardCounters::publish_bytes_sent},
    Metric{"publish_refusals_total{reason=\"denied\"}", "PUBLISH packets refused.", &ShardCounters::publishes_denied},
    Metric{"publish_refusals_total{reason=\"over_quota\"}", "", &ShardCounters::publishes_over_quota},
    Metric{"subscribe_refusals_total{reason=\"denied\"}", "Subscriptions refused.", &ShardCounters::subscribes_denied},
    Metric{"subscribe_refusals_total{reason=\"over_quota\"}", "", &ShardCounters::subscribes_over_quota},
    Metric{"wills_published_total", "Will Messages published.", &ShardCounters::wills_published},
    Metric{"messages_dropped_total{reason=\"outbox_full\"}", "Messages dropped on the way to a subscriber.",
           &ShardCounters::dropped_outbox_full},
    Metric{"messages_dropped_total{reason=\"queue_full\"}", "", &ShardCounters::dropped_queue_full},
    Metric{"messages_dropped_total{reason=\"no_inverse\"}", "", &ShardCounters::dropped_no_inverse},
    Metric{"messages_dropped_total{reason=\"too_large\"}", "", &ShardCounters::dropped_too_large},
    Metric{"messages_dropped_total{reason=\"expired\"}", "", &ShardCounters::dropped_expired},
    Metric{"messages_dropped_total{reason=\"held\"}", "", &ShardCounters::dropped_held},
    Metric{"messages_dropped_total{reason=\"hops\"}", "", &ShardCounters::dropped_hops},
    Metric{"messages_dropped_total{reason=\"revoked\"}", "", &ShardCounters::dropped_revoked},
    Metric{"messages_dropped_total{reason=\"group_queue_full\"}", "", &ShardCounters::group_queue_dropped},
    Metric{"retained_refused_total", "Retained messages without room.", &ShardCounters::retained_refused},
    Metric{"store_refusals_total", "Connections closed because the store fails.", &ShardCounters::store_refusals},
    Metric{"connects_without_memory_total", "CONNECT packets refused because memory is short.",
           &ShardCounters::connects_without_memory},
    Metric{"connections_shed_total", "Connections ended because memory is short.", &ShardCounters::shed_connections},
    Metric{"late_answers_total", "Answers of plugins that nobody waits for any more.", &ShardCounters::late_answers},
    Metric{"reading_stopped_total{reason=\"outbox\"}", "Times reading of a connection stopped.",
           &ShardCounters::held_back_outbox},
    Metric{"reading_stopped_total{reason=\"parked\"}", "", &ShardCounters::held_back_parked},
    Metric{"reading_stopped_total{reason=\"credit\"}", "", &ShardCounters::held_back_credit},
    Metric{"reading_stopped_total{reason=\"read_ahead\"}", "", &ShardCounters::held_back_read_ahead},
    Metric{"reading_stopped_total{reason=\"iteration\"}", "", &ShardCounters::held_back_iteration},
    Metric{"reading_stopped_total{reason=\"rate\"}", "", &ShardCounters::held_back_rate},
};

constexpr std::array kSocketCounters = {
    Metric{"sockets_refused_total{reason=\"full\"}", "Connections closed when they were accepted.",
           &LoopTotals::refused},
    Metric{"sockets_refused_total{reason=\"no_proxy\"}", "", &LoopTotals::strangers},
    Metric{"tls_handshakes_total{outcome=\"done\"}", "TLS handshakes.", &LoopTotals::handshakes},
    Metric{"tls_handshakes_total{outcome=\"failed\"}", "", &LoopTotals::failed_handshakes},
    Metric{"received_bytes_total", "Bytes read from connections.", &LoopTotals::bytes_read},
    Metric{"sent_bytes_total", "Bytes written to connections.", &LoopTotals::bytes_written},
    Metric{"accept_pauses_total{reason=\"resources\"}", "Times accepting paused.", &LoopTotals::paused_accepts},
    Metric{"accept_pauses_total{reason=\"connect_rate\"}", "", &LoopTotals::slowed_accepts},
    Metric{"loop_iterations_total", "Iterations of event loops.", &LoopTotals::iterations},
    Metric{"loop_sleeps_total", "Iterations that began by waiting.", &LoopTotals::sleeps},
    Metric{"loop_credit_exhausted_total", "Times one loop could send another no more.", &LoopTotals::credits_exhausted},
};

constexpr std::array kGauges = {
    Metric{"clients_connected", "Clients that are connected.", &ShardHoldings::online},
    Metric{"sessions", "Sessions, whether their clients are connected or not.", &ShardHoldings::sessions},
    Metric{"queued_messages", "Messages in queues of sessions and groups, unacknowledged ones included.",
           &ShardHoldings::queued_messages},
    Metric{"queued_bytes", "Bytes of the same.", &ShardHoldings::queued_bytes},
    Metric{"connections_parked", "Answers to Clients that wait for the store.", &ShardHoldings::parked},
    Metric{"publishers_stalled", "Publishers that are not read for want of credit.",
           &ShardHoldings::stalled_publishers},
};

/// A label's value: backslash, quote and line feed escaped.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

std::string number_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

/// Writes families, each with its HELP and TYPE once.
class Writer {
 public:
  template <class Of, class Metrics>
  void all(const Of& of, const Metrics& metrics, const char* type) {
    for (const auto& metric : metrics) {
      const std::string_view name = metric.name;
      family(std::string(name.substr(0, name.find('{'))), metric.help, type);
      line(std::string(name), std::to_string(of.*metric.member));
    }
  }
  void one(const std::string& name, const char* help, const char* type, const std::string& value) {
    family(name, help, type);
    line(name, value);
  }
  void family(const std::string& name, const char* help, const char* type) {
    if (name == family_) return;
    family_ = name;
    text_ += "# HELP mortise_" + name + " " + help + "\n# TYPE mortise_" + name + " " + type + "\n";
  }
  void line(const std::string& name, const std::string& value) { text_ += "mortise_" + name + " " + value + "\n"; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, family_;
};

void memory(Writer& writer, const MemoryReport& report) {
  if (report.budget == 0) return;
  writer.one("memory_used_bytes", "Memory in use.", "gauge", std::to_string(report.used));
  writer.one("memory_budget_bytes", "Memory that the broker should stay within.", "gauge",
             std::to_string(report.budget));
  writer.one("memory_stage", "0: enough; 1: new Clients are refused; 2: publishers wait; 3: the slowest are cut off.",
             "gauge", std::to_string(static_cast<unsigned>(report.stage)));
}

// ---- Plugins --------------------------------------------------------------------------------------------------------

std::string label(const plugin_host::InstanceStatistics& plugin) {
  return "{plugin=\"" + escaped(plugin.instance) + "\"";
}

template <class Value>
void plugin_family(Writer& writer, const Sample& sample, const char* name, const char* help, const char* type,
                   Value&& value) {
  for (const auto& plugin : sample.plugins) {
    writer.family(name, help, type);
    writer.line(name + label(plugin) + "}", std::to_string(value(plugin)));
  }
}

/// A family whose lines have a second label: of hooks, kinds of violations, quotas.
template <class Lines>
void named_family(Writer& writer, const Sample& sample, const char* name, const char* help, const char* second,
                  Lines&& lines) {
  for (const auto& plugin : sample.plugins) {
    for (const auto& [what, count] : lines(plugin)) {
      writer.family(name, help, "counter");
      writer.line(name + label(plugin) + "," + second + "=\"" + escaped(what) + "\"}", std::to_string(count));
    }
  }
}

std::map<std::string, std::uint64_t> calls_of(const plugin_host::InstanceStatistics& plugin) {
  std::map<std::string, std::uint64_t> calls;
  for (const auto& call : plugin.calls) calls.emplace(call.name, call.calls);
  return calls;
}

void call_failures(Writer& writer, const Sample& sample) {
  for (const auto& plugin : sample.plugins) {
    for (const auto& call : plugin.calls) {
      for (std::size_t kind = 0; kind < call.failures.size(); ++kind) {
        if (call.failures[kind] == 0) continue;
        writer.family("plugin_failures_total", "Calls of hooks that gave no answer.", "counter");
        writer.line("plugin_failures_total" + label(plugin) + ",hook=\"" + escaped(call.name) + "\",kind=\"" +
                        failure_name(static_cast<hooks::FailureKind>(kind)) + "\"}",
                    std::to_string(call.failures[kind]));
      }
    }
  }
}

/// Of one call in 64. The bounds are those of a log scale from a microsecond to ten seconds.
void call_latencies(Writer& writer, const Sample& sample) {
  constexpr std::array<std::uint64_t, 8> kBounds = {1'000,      10'000,      100'000,       1'000'000,
                                                    10'000'000, 100'000'000, 1'000'000'000, 10'000'000'000};
  for (const auto& plugin : sample.plugins) {
    for (const auto& call : plugin.calls) {
      if (call.latency.count == 0) continue;
      writer.family("plugin_call_seconds", "How long calls of hooks took, one in 64.", "histogram");
      const std::string labels = label(plugin) + ",hook=\"" + escaped(call.name) + "\"";
      for (const std::uint64_t bound : kBounds) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < call.latency.buckets.size(); ++i) {
          if (observe::Histogram::upper_bound_ns(i) <= bound) below += call.latency.buckets[i];
        }
        writer.line(
            "plugin_call_seconds_bucket" + labels + ",le=\"" + number_text(static_cast<double>(bound) / 1e9) + "\"}",
            std::to_string(below));
      }
      writer.line("plugin_call_seconds_bucket" + labels + ",le=\"+Inf\"}", std::to_string(call.latency.count));
      writer.line("plugin_call_seconds_sum" + labels + "}",
                  number_text(static_cast<double>(call.latency.sum_ns) / 1e9));
      writer.line("plugin_call_seconds_count" + labels + "}", std::to_string(call.latency.count));
    }
  }
}

void plugins(Writer& writer, const Sample& sample) {
  using Statistics = plugin_host::InstanceStatistics;
  named_family(writer, sample, "plugin_calls_total", "Calls of hooks.", "hook", calls_of);
  call_failures(writer, sample);
  call_latencies(writer, sample);
  named_family(writer, sample, "plugin_violations_total", "What a plugin did that it must not.", "kind",
               [](const Statistics& plugin) { return plugin.violations; });
  named_family(writer, sample, "plugin_refusals_total", "Times a plugin had no more of something.", "quota",
               [](const Statistics& plugin) { return plugin.refusals; });
  named_family(writer, sample, "plugin_counter_total", "What a plugin counts itself.", "name",
               [](const Statistics& plugin) { return plugin.counters; });
  plugin_family(writer, sample, "plugin_pending_answers", "Answers that a plugin owes.", "gauge",
                [](const Statistics& plugin) { return plugin.tokens; });
  plugin_family(writer, sample, "plugin_owned_handles", "Handles that a plugin owns.", "gauge",
                [](const Statistics& plugin) { return plugin.owned_handles; });
  plugin_family(writer, sample, "plugin_events_queued", "Events that wait for a plugin.", "gauge",
                [](const Statistics& plugin) { return plugin.events_queued; });
  plugin_family(writer, sample, "plugin_events_dropped_total", "Events that a plugin was too slow for.", "counter",
                [](const Statistics& plugin) { return plugin.events_dropped; });
  plugin_family(writer, sample, "plugin_intents_dropped_total", "What a plugin wanted done and there was no room for.",
                "counter", [](const Statistics& plugin) { return plugin.intents_dropped; });
}

}  // namespace

std::string metrics_text(const Sample& sample, const BrokerAccess& broker) {
  Writer writer;
  writer.family("build_info", "The version that runs.", "gauge");
  writer.line("build_info{version=\"" MORTISE_VERSION "\"}", "1");
  writer.one("uptime_seconds", "Since the broker started.", "gauge", std::to_string(broker.uptime().count()));
  writer.one("loops", "Event loops.", "gauge", std::to_string(broker.loops()));
  writer.all(sample.counters, kCounters, "counter");
  writer.all(sample.totals, kSocketCounters, "counter");
  writer.one("connections_open", "Sockets of Clients that are open.", "gauge", std::to_string(sample.totals.open));
  writer.all(sample.holdings, kGauges, "gauge");
  writer.one("subscriptions", "Subscriptions; a shared one counts once.", "gauge",
             std::to_string(sample.subscriptions));
  writer.one("shared_subscriptions", "Shared subscriptions.", "gauge", std::to_string(sample.shared_subscriptions));
  writer.one("retained_messages", "Retained messages.", "gauge", std::to_string(sample.retained_messages));
  writer.one("retained_bytes", "Bytes of retained messages.", "gauge", std::to_string(sample.retained_bytes));
  writer.one("store_failing", "1: the store fails, and what must survive a restart waits or is refused.", "gauge",
             sample.is_store_failing ? "1" : "0");
  memory(writer, sample.memory);
  for (const ListenerReport& listener : broker.listeners()) {
    writer.family("listener_connections", "Connections of a listener.", "gauge");
    writer.line("listener_connections{url=\"" + escaped(listener.url) + "\"}", std::to_string(listener.connections));
  }
  plugins(writer, sample);
  return writer.take();
}

}  // namespace mortise::admin
