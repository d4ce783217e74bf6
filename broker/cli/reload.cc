#include <algorithm>

#include "broker/cli/broker.h"
#include "broker/config/changes.h"
#include "broker/observe/log_sink.h"

// Design notes. A reload first makes everything that can fail: settings, plugin instances, listening sockets,
// certificates, the API's server. What it made is used by nobody yet, but for that server, which comes last, and is
// simply dropped when something fails. Then it is put in the place of what runs, in steps that cannot fail; each loop
// takes its part over between two iterations.

namespace mortise::cli {

namespace {

constexpr Millis kLooksAgainAfter{100};  // at what a reload left behind
constexpr std::size_t kSessionsAtOnce = 1024;

std::string listed(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
  return text.empty() ? "nothing" : text;
}

}  // namespace

Result<admin::ReloadReport> Broker::reload() {
  Result<admin::ReloadReport> report = apply_configuration();
  if (report) {
    MORTISE_LOG(kInfo, "cli", "reloaded; changed: %s; needs a restart: %s", listed(report->applied).c_str(),
                listed(report->needs_restart).c_str());
  } else {
    MORTISE_LOG(kError, "cli", "nothing was reloaded: %s; it goes on as it was", report.error().message.c_str());
  }
  return report;
}

Result<admin::ReloadReport> Broker::apply_configuration() {
  Result<config::SettingsPtr> wanted = config::load(settings_->file, default_plugin_dir_);
  if (!wanted) return std::move(wanted).as_failure();
  config::Changes changes = config::changes_between(*settings_, **wanted);
  auto settings = std::make_shared<const config::Settings>(std::move(changes.effective));
  auto plugins = plugins_->prepare(settings);
  if (!plugins) return std::move(plugins).as_failure();
  if (Result<void> checked = check_who_may_connect(*settings, (*plugins)->dispatch()); !checked)
    return std::move(checked).as_failure();
  auto listeners = loops_->prepare(settings->listeners);
  if (!listeners) return failure(settings->file.string() + ": " + listeners.error().message);
  auto operators = operators_->prepare(*settings);
  if (!operators) return failure(settings->file.string() + ": " + operators.error().message);

  for (const std::string& key : operators->files) {
    if (std::ranges::find(changes.applied, key) == changes.applied.end()) changes.applied.push_back(key);
  }
  for (const std::string& warning : settings->warnings) MORTISE_LOG(kWarning, "config", "%s", warning.c_str());
  settings_ = std::move(settings);
  observe::install_log_sink(settings_->log_level);
  plugins_->use(std::move(*plugins));
  tell_loops();
  loops_->use(std::move(*listeners));
  operators_->use(std::move(*operators));
  ask_at_ = {};
  return admin::ReloadReport{std::move(changes.applied), std::move(changes.needs_restart)};
}

void Broker::tell_loops() {
  mesh_->post_to_all([this, dispatch = plugins_->dispatch(), settings = settings_](LoopIndex loop) {
    shards_[loop]->set_limits(settings->mqtt, settings->session);
    shards_[loop]->set_dispatch(dispatch);
    invalidate_from(loop, 0);
  });
}

void Broker::invalidate_from(LoopIndex loop, std::uint32_t slot) {
  const std::uint32_t next = shards_[loop]->invalidate(slot, kSessionsAtOnce, now());
  if (next != 0) mesh_->mailbox(loop).post_always([this, loop, next] { invalidate_from(loop, next); });
}

SteadyTime Broker::clean_up(SteadyTime now) {
  if (!operators_) return kNever;  // it has stopped
  const std::size_t left = plugins_->retire(now) + operators_->clean_up(now);
  return left == 0 ? kNever : now + kLooksAgainAfter;
}

}  // namespace mortise::cli
