#pragma once

#include <mortise/abi.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/executor.h"
#include "broker/base/mutex.h"
#include "broker/base/result.h"
#include "broker/hooks/instances.h"
#include "broker/observe/histogram.h"
#include "broker/plugin_host/deadline_clock.h"
#include "broker/plugin_host/intents.h"
#include "broker/plugin_host/loaded_plugin.h"
#include "broker/plugin_host/own_thread.h"
#include "broker/plugin_host/owned_table.h"
#include "broker/plugin_host/pending_table.h"
#include "broker/plugin_host/scratch.h"
#include "broker/plugin_host/statistics.h"
#include "broker/plugin_host/subjects.h"
#include "broker/plugin_host/violations.h"

namespace mortise::plugin_host {

struct Returned;

/// What one instance may use at once.
struct InstanceLimits {
  std::size_t tokens = 10'000;
  Millis token_deadline{60'000};
  std::size_t owned_handles = 4096;
  std::size_t owned_bytes = 16U << 20;        // shown through owned handles
  std::size_t view_bytes = 16U << 20;         // shown in one lane, the poisoned ones included
  std::size_t store_view_bytes = 512U << 20;  // the same for the store's thread: batches are shown whole
  std::size_t map_bytes = 1U << 20;           // of one payload
  std::size_t payload_bytes = 1U << 20;       // of one publish
  std::size_t intents_per_call = 64;
  std::size_t timers = 1024;
  std::size_t counters = 256;
  std::size_t events = 10'000;
  std::size_t event_bytes = 8U << 20;
  std::size_t tasks = 10'000;  // waiting for the instance's own thread
};

/// What an instance needs of the broker. The pointers outlive the host.
struct InstanceEnvironment {
  hooks::Completions* completions = nullptr;
  hooks::Intents* intents = nullptr;
  std::function<Executor*(LoopIndex)> loop_executor;
  std::size_t loops = 1;
  std::shared_ptr<DeadlineClock> clock;
  InstanceLimits limits;
};

/// What one thread uses of an instance: scratch memory and counters of its own, so that loops share nothing.
/// Lane-owned.
struct alignas(64) Lane {
  explicit Lane(std::size_t view_bytes) : scratch(view_bytes) {}
  ScratchLane scratch;
  std::array<CallCounters, kCallPoints.size()> counters;
};

/// One plugin instance in this process: its tables, lanes and state. Internally synchronised, except that start() and
/// stop() are the control thread's and a lane is one thread's. It stays until the last dispatch snapshot that names it
/// is gone; its plugin is stopped long before.
class Instance final : public std::enable_shared_from_this<Instance> {
 public:
  /// `home`: the loop that a serial instance's calls run on.
  Instance(std::shared_ptr<const LoadedPlugin> plugin, ConfigSubject config, InstanceEnvironment environment,
           LoopIndex home);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // ---- Who it is --------------------------------------------------------------------------------------------------
  const std::string& name() const noexcept { return config_.instance_name; }
  const LoadedPlugin& plugin() const noexcept { return *plugin_; }
  std::uint32_t ordinal() const noexcept { return ordinal_; }
  mortise_handle self() const noexcept { return self_; }
  void* plugin_data() const noexcept { return plugin_data_; }
  const InstanceEnvironment& environment() const noexcept { return environment_; }
  const InstanceLimits& limits() const noexcept { return environment_.limits; }

  /// The instance of an ordinal; null when it is gone. Thread: any.
  static std::shared_ptr<Instance> find(std::uint32_t ordinal);
  /// Whether the ordinal was ever given. Thread: any.
  static bool was_given(std::uint32_t ordinal) noexcept;
  static mortise_handle self_of(std::uint32_t ordinal) noexcept;

  // ---- Life -------------------------------------------------------------------------------------------------------
  /// Calls on_start. Errors: the plugin's own reason. `is_in_use` false: what it wants of the broker is kept (as many
  /// intents as a call may have) until begin_use(), or forgotten with stop().
  Result<void> start(bool is_in_use = true);
  void begin_use();
  /// No call begins any more; one that runs on a loop may still end. Before stop() where loops run.
  void refuse_work() noexcept;
  /// After refuse_work(): whether stop() would not have to wait for the instance's own thread. It ends meanwhile.
  bool can_stop() noexcept { return own_thread_ == nullptr || own_thread_->end_soon(); }
  /// Calls on_stop with nothing else in flight, then names leaks. Idempotent.
  void stop();
  bool is_running() const noexcept { return state_.load(std::memory_order_acquire) == State::kRunning; }
  bool is_stopped() const noexcept { return state_.load(std::memory_order_acquire) == State::kStopped; }
  /// Also while on_start runs: plugins start threads there.
  bool accepts_work() const noexcept {
    const State state = state_.load(std::memory_order_acquire);
    return state == State::kStarting || state == State::kRunning;
  }

  // ---- Where its calls run ----------------------------------------------------------------------------------------
  Lane& loop_lane(LoopIndex loop) noexcept { return *lanes_[loop]; }
  Lane& control_lane() noexcept { return *lanes_[environment_.loops]; }
  Lane& own_lane() noexcept { return *lanes_[environment_.loops + 1]; }
  Lane& store_lane() noexcept { return *lanes_[environment_.loops + 2]; }
  /// Null when it needs none.
  OwnThread* own_thread() const noexcept { return own_thread_.get(); }
  LoopIndex home() const noexcept { return home_; }
  /// Whether a hook asked on this loop is called there and then.
  bool runs_on(LoopIndex loop) const noexcept {
    return plugin_->is_concurrent || (own_thread_ == nullptr && loop == home_);
  }
  /// Where the calls of a serial instance, and timers, are run; null when that has stopped.
  Executor* executor() const;
  Lane& executor_lane() noexcept { return own_thread_ != nullptr ? own_lane() : loop_lane(home_); }

  // ---- What it has ------------------------------------------------------------------------------------------------
  OwnedTable& owned() noexcept { return owned_; }
  PendingTable& pending() noexcept { return pending_; }
  observe::Histogram& latency(std::size_t point) noexcept { return latency_[point]; }
  Violations& violations() noexcept { return violations_; }
  RateLimit& log_limit() noexcept { return log_limit_; }

  /// Counts and logs something its contract forbids. `point`: where it was, kCallPoints.size() for no call.
  void violated(std::uint32_t kind, std::size_t point, const std::string& what, std::uint64_t count = 1);
  /// Counts that it ran out of something; E_QUOTA.
  std::uint32_t refuse_more(Quota what) noexcept {
    refusals_[static_cast<std::size_t>(what)].fetch_add(1, std::memory_order_relaxed);
    return MORTISE_E_QUOTA;
  }
  /// Hands an intent to the broker, or counts it as dropped.
  void perform(hooks::Intent intent);
  void drop_intent(const char* why);
  /// Does what a hook asked for, after it returned OK.
  void perform(std::vector<QueuedIntent>& intents);

  /// Errors: E_QUOTA, E_UNSUPPORTED.
  std::uint32_t set_timer(std::uint64_t id, Millis delay);
  /// Whether set_timer would find room.
  std::uint32_t check_timer(std::uint64_t id);
  void cancel_timer(std::uint64_t id);
  /// Errors: E_QUOTA.
  std::uint32_t add_to_counter(std::string_view name, std::uint64_t delta);

  std::atomic<std::uint64_t> events_queued{0};
  std::atomic<std::uint64_t> events_dropped{0};
  std::atomic<std::uint64_t> bad_records{0};

  InstanceStatistics statistics() const;

 private:
  enum class State : std::uint8_t { kNew, kStarting, kRunning, kStopping, kStopped };
  struct Timer {
    std::uint64_t sequence = 0;
    WallTime due_at{};
    DeadlineClock::Entry alarm;
  };

  void make_lanes();
  bool needs_own_thread() const noexcept;
  void timer_is_due(std::uint64_t id, std::uint64_t sequence);
  void call_on_timer(std::uint64_t id, std::uint64_t sequence);
  Returned call_on_start(std::string& reason, std::vector<QueuedIntent>& intents);
  void call_on_stop();
  void name_leaks(std::size_t tokens);

  const std::shared_ptr<const LoadedPlugin> plugin_;
  ConfigSubject config_;
  std::unique_ptr<ConfigDocument> document_;
  const InstanceEnvironment environment_;
  const LoopIndex home_;
  const std::uint32_t ordinal_;
  const mortise_handle self_;
  void* plugin_data_ = nullptr;  // set by start()
  std::atomic<State> state_{State::kNew};

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::array<observe::Histogram, kCallPoints.size()> latency_;
  OwnedTable owned_;
  PendingTable pending_;
  Violations violations_;
  RateLimit log_limit_{200, 100};
  std::atomic<std::uint64_t> intents_dropped_{0};
  std::array<std::atomic<std::uint64_t>, kQuotaNames.size()> refusals_{};

  std::atomic<bool> is_in_use_{true};

  mutable Mutex mutex_;
  std::vector<hooks::Intent> held_intents_ MORTISE_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Timer> timers_ MORTISE_GUARDED_BY(mutex_);
  std::uint64_t timer_sequence_ MORTISE_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t, std::less<>> counters_ MORTISE_GUARDED_BY(mutex_);

  std::unique_ptr<OwnThread> own_thread_;  // made by start(), ended by stop()
};

}  // namespace mortise::plugin_host
