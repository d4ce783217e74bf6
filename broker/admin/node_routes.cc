#include <algorithm>

#include "broker/admin/metrics.h"
#include "broker/admin/openapi.h"
#include "broker/admin/reports.h"
#include "broker/admin/routes.h"
#include "broker/base/bytes.h"

namespace mortise::admin {

namespace {

constexpr unsigned kReloadErrors[] = {400, 401, 409, 503};
constexpr unsigned kReadyErrors[] = {503};

Response is_live(const Call&) { return json_response({{"status", "live"}}); }

/// Every loop answers, and so does this thread.
Response is_ready(const Call& call) {
  const Result<Sample> sample = call.broker.sample();
  if (!sample) return unavailable(sample.error());
  return json_response({{"status", "ready"}});
}

Response get_status(const Call& call) {
  const Result<Sample> sample = call.broker.sample();
  if (!sample) return unavailable(sample.error());
  const core::ShardHoldings& holdings = sample->holdings;
  return json_response({{"version", MORTISE_VERSION},
                        {"node", call.broker.settings().node_name},
                        {"uptime_seconds", call.broker.uptime().count()},
                        {"loops", call.broker.loops()},
                        {"connections", sample->totals.open},
                        {"clients", holdings.online},
                        {"sessions", holdings.sessions},
                        {"subscriptions", sample->subscriptions},
                        {"shared_subscriptions", sample->shared_subscriptions},
                        {"retained_messages", sample->retained_messages},
                        {"retained_bytes", sample->retained_bytes},
                        {"queued_messages", holdings.queued_messages},
                        {"queued_bytes", holdings.queued_bytes}});
}

const plugin_host::InstanceStatistics* statistics_of(const Sample& sample, const std::string& instance) {
  const auto at = std::ranges::find(sample.plugins, instance, &plugin_host::InstanceStatistics::instance);
  return at == sample.plugins.end() ? nullptr : &*at;
}

Response list_plugins(const Call& call) {
  const Result<Sample> sample = call.broker.sample();
  if (!sample) return unavailable(sample.error());
  Json items = Json::array();
  for (const auto& plugin : call.broker.plugins())
    items.push_back(plugin_json(plugin, statistics_of(*sample, plugin.instance)));
  return json_response({{"items", std::move(items)}});
}

Response get_plugin(const Call& call) {
  const Result<Sample> sample = call.broker.sample();
  if (!sample) return unavailable(sample.error());
  for (const auto& plugin : call.broker.plugins()) {
    if (plugin.instance == call.in_path("name"))
      return json_response(plugin_json(plugin, statistics_of(*sample, plugin.instance)));
  }
  return error_response(404, "no plugin is named " + quoted(call.in_path("name"), 64));
}

Response list_listeners(const Call& call) {
  Json items = Json::array();
  for (const ListenerReport& listener : call.broker.listeners())
    items.push_back({{"url", listener.url}, {"connections", listener.connections}});
  return json_response({{"items", std::move(items)}});
}

Response get_configuration(const Call& call) { return json_response(configuration_json(call.broker.settings())); }

Response reload(const Call& call) {
  const Result<ReloadReport> report = call.broker.reload();
  if (!report) return error_response(409, report.error().message);
  return json_response({{"applied", report->applied}, {"needs_restart", report->needs_restart}});
}

Response get_metrics(const Call& call) {
  const Result<Sample> sample = call.broker.sample();
  if (!sample) return unavailable(sample.error());
  return {200, kMetricsContentType, metrics_text(*sample, call.broker), ""};
}

/// It is the same for everybody, and whoever asks needs no token: made once.
Response get_description(const Call&) {
  static const Response kDescription = json_response(openapi());
  return kDescription;
}

constexpr Route kRoutes[] = {
    {"GET", "/health/live", "Whether the process answers.", is_live, {}, nullptr, "Health", {}, 200, false},
    {"GET",
     "/health/ready",
     "Whether Clients are served: every loop answers.",
     is_ready,
     {},
     nullptr,
     "Health",
     kReadyErrors,
     200,
     false},
    {"GET",
     "/metrics",
     "Counters, gauges and histograms for Prometheus. The token is needed unless admin.open_metrics.",
     get_metrics,
     {},
     nullptr,
     nullptr,
     kListErrors},
    {"GET", "/api/v1/openapi.json", "This description.", get_description, {}, nullptr, "Anything", {}, 200, false},
    {"GET", "/api/v1/status", "What the broker is and holds.", get_status, {}, nullptr, "Status", kListErrors},
    {"GET",
     "/api/v1/plugins",
     "Plugins with what was counted of their hooks.",
     list_plugins,
     {},
     nullptr,
     "PluginList",
     kListErrors},
    {"GET", "/api/v1/plugins/{name}", "One plugin.", get_plugin, {}, nullptr, "Plugin", kOneErrors},
    {"GET", "/api/v1/listeners", "Where Clients connect.", list_listeners, {}, nullptr, "ListenerList", kListErrors},
    {"GET",
     "/api/v1/configuration",
     "The configuration that runs, defaults included; secrets of plugins are hidden.",
     get_configuration,
     {},
     nullptr,
     "Anything",
     kListErrors},
    {"POST",
     "/api/v1/reload",
     "Reads the configuration and certificates again: all of it is applied, or nothing. What needs a restart is named.",
     reload,
     {},
     nullptr,
     "Reload",
     kReloadErrors},
};

}  // namespace

StaticList<Route> node_routes() { return kRoutes; }

}  // namespace mortise::admin
