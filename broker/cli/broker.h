#pragma once

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "broker/cli/admin_side.h"
#include "broker/cli/durable_side.h"
#include "broker/cli/memory_watch.h"
#include "broker/cli/sys_topics.h"
#include "broker/config/settings.h"
#include "broker/core/counters.h"
#include "broker/core/shard.h"
#include "broker/net/loop_group.h"
#include "broker/net/mesh.h"
#include "broker/plugin_host/host.h"
#include "broker/routing/reclaim.h"

namespace mortise::cli {

/// What wakes the control thread for operators; it has blocked it.
inline constexpr int kAdminSignal = SIGUSR1;

/// A whole broker in this process: everything that runs with one Settings, in the order in which it can begin and end.
/// Used by one thread, the control thread, which has blocked the signals it waits for.
class Broker {
 public:
  /// Everything or nothing: directories, plugins, the store and what it holds, then loops and listeners. Errors: one
  /// line that names what cannot be had; then nothing is left running or open.
  /// `default_plugin_dir`: as load's, for a reload. `inherited`: sockets for some of the listeners, instead of opening
  /// them.
  static Result<std::unique_ptr<Broker>> start(config::SettingsPtr settings,
                                               std::filesystem::path default_plugin_dir = {},
                                               std::vector<net::InheritedSocket> inherited = {});
  /// Starts the plugins, so that they look at their configuration, and stops them. No store, directory or port is
  /// opened. Errors: as start(). Returns what each plugin is.
  static Result<std::vector<plugin_host::PluginDescription>> check(const config::SettingsPtr& settings);
  /// As stop(), without grace.
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// "tcp://127.0.0.1:1883", with the port that was found where 0 was asked for.
  std::vector<std::string> open_urls() const;
  std::vector<plugin_host::PluginDescription> plugins() const { return plugins_->descriptions(); }
  /// What the store held; null without a store.
  const storage::RecoveryReport* recovered() const noexcept { return has_store() ? &recovered_ : nullptr; }
  std::size_t loops() const noexcept { return shards_.size(); }

  /// What one loop holds and has counted.
  struct LoopReport {
    core::ShardHoldings holdings;
    core::ShardCounters counters;
    net::LoopTotals totals;
  };
  /// What loops answer, each in its place.
  struct LoopAnswers {
    std::vector<LoopReport> reports;
    std::atomic<std::size_t> missing{0};
  };
  /// One for each loop, as that loop sees itself: waits until all have answered. Precondition: not stopped.
  std::vector<LoopReport> report();

  /// Brings `$SYS` up to date when its time has come, with what the loops have told since it was called last; never
  /// waits for one. Returns when it wants to be called again; kNever: not at all (sys.interval off).
  SteadyTime refresh_sys_topics(SteadyTime now);
  /// Looks at how much memory is used when it is time, and tells the loops when that is too much. Returns when it wants
  /// to be called again.
  SteadyTime watch_memory(SteadyTime now);
  /// Another one than that of the system, for tests.
  void watch_memory_with(std::unique_ptr<MemoryWatch> memory) { memory_ = std::move(memory); }
  /// Asks every loop for a sign of life, and says whether all have given the one that they were asked for before.
  bool is_alive();
  /// Reads the configuration, certificates, and what plugins read, again. All of it is applied, or nothing; who is
  /// connected stays, and what plugins allow is asked again. How it went is said in the log, too. Errors: one line:
  /// what cannot be had.
  Result<admin::ReloadReport> reload();
  /// Ends what a reload left behind when nobody uses it any more. Returns when it wants to be called again.
  SteadyTime clean_up(SteadyTime now);

  /// Answers what operators have asked over HTTP; they wait for it. kAdminSignal is sent to this thread when there is
  /// something.
  void answer_operators();
  /// "http://127.0.0.1:9883"; empty without admin.url.
  std::string admin_url() const { return operators_ ? operators_->url() : std::string(); }

  /// Says good-bye to every Client, gives the last bytes `grace`, commits, and stops the plugins. Idempotent.
  void stop(Millis grace);

 private:
  explicit Broker(config::SettingsPtr settings);

  // The steps of start, in this order.
  Result<void> claim_data_dir();
  Result<void> load_plugins();
  Result<void> restore();
  Result<void> open(std::vector<net::InheritedSocket> inherited);
  Result<void> open_admin();

  static Result<void> check_who_may_connect(const config::Settings& settings, const hooks::DispatchPtr& dispatch);
  bool has_store() const noexcept { return durable_side_ != nullptr; }
  std::shared_ptr<LoopAnswers> ask_loops();
  Result<admin::ReloadReport> apply_configuration();
  /// Gives every loop the limits and the dispatch of now, and lets it ask again what its Clients may.
  void tell_loops();
  /// The same for the sessions of a loop, a part in each iteration. Thread: the loop's.
  void invalidate_from(LoopIndex loop, std::uint32_t slot);
  void publish_sys(const std::string& topic, const std::string& value);
  net::LoopLimits loop_limits() const;

  std::filesystem::path default_plugin_dir_;
  // In the order of making; the end is the reverse.
  config::SettingsPtr settings_;
  net::Descriptor data_dir_;  // locked while the broker runs
  routing::ReclaimDomain reclaim_;
  routing::SubscriptionIndex subscriptions_;
  routing::RetainedIndex retained_;
  core::GroupDirectory groups_;
  core::Shared shared_;
  std::unique_ptr<net::Mesh> mesh_;
  std::unique_ptr<plugin_host::PluginHost> plugins_;
  std::unique_ptr<DurableSide> durable_side_;
  storage::RecoveryReport recovered_;
  std::vector<std::unique_ptr<core::Shard>> shards_;
  std::unique_ptr<net::LoopGroup> loops_;
  std::unique_ptr<MemoryWatch> memory_;
  std::unique_ptr<AdminSide> operators_;
  std::unique_ptr<SysTopics> sys_topics_;
  std::shared_ptr<LoopAnswers> answers_;  // to the question that is on its way; null: none is
  SteadyTime ask_at_{};
  std::shared_ptr<std::atomic<std::size_t>> signs_missing_;  // of life; null: not asked yet
};

}  // namespace mortise::cli
