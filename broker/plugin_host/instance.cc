#include "broker/plugin_host/instance.h"

#include <algorithm>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/log.h"
#include "broker/plugin_host/calling.h"
#include "broker/plugin_host/config_document.h"
#include "broker/plugin_host/handle.h"

namespace mortise::plugin_host {

namespace {

/// Every instance of the process by ordinal, so that a handle finds its instance. Ordinals are never given twice.
struct Directory {
  std::shared_mutex mutex;
  std::unordered_map<std::uint32_t, std::weak_ptr<Instance>> instances;  // guarded by mutex
  std::atomic<std::uint32_t> next{1};
};

Directory& directory() {
  static Directory* instance = new Directory;  // plugins' threads may ask until the process ends
  return *instance;
}

std::uint32_t next_ordinal() {
  const std::uint32_t ordinal = directory().next.fetch_add(1, std::memory_order_relaxed);
  CHECK(ordinal <= handle::kIndexMask);
  return ordinal;
}

}  // namespace

std::shared_ptr<Instance> Instance::find(std::uint32_t ordinal) {
  Directory& all = directory();
  const std::shared_lock lock(all.mutex);
  const auto at = all.instances.find(ordinal);
  return at == all.instances.end() ? nullptr : at->second.lock();
}

bool Instance::was_given(std::uint32_t ordinal) noexcept {
  return ordinal != 0 && ordinal < directory().next.load(std::memory_order_relaxed);
}

mortise_handle Instance::self_of(std::uint32_t ordinal) noexcept {
  // The second half is no secret; it only makes a made-up number unlikely to pass for a handle.
  return handle::owned(MORTISE_KIND_INSTANCE, ordinal, (ordinal * 0x9E3779B1U) | 1U);
}

Instance::Instance(std::shared_ptr<const LoadedPlugin> plugin, ConfigSubject config, InstanceEnvironment environment,
                   LoopIndex home)
    : plugin_(std::move(plugin)),
      config_(std::move(config)),
      environment_(std::move(environment)),
      home_(home),
      ordinal_(next_ordinal()),
      self_(self_of(ordinal_)),
      owned_(ordinal_, environment_.limits.owned_handles, environment_.limits.owned_bytes),
      pending_(ordinal_, environment_.limits.tokens) {
  make_lanes();
}

Instance::~Instance() {
  CHECK(!is_running());
  Directory& all = directory();
  const std::unique_lock lock(all.mutex);
  all.instances.erase(ordinal_);
}

void Instance::make_lanes() {
  const std::size_t shared_lanes = environment_.loops + 2;  // the loops, the control thread, the instance's own thread
  const bool is_store = plugin_->has_family(MORTISE_FAMILY_STORE);
  for (std::size_t i = 0; i <= shared_lanes; ++i) {
    const bool shows_batches = i == shared_lanes || (is_store && i + 1 == shared_lanes);
    lanes_.push_back(std::make_unique<Lane>(shows_batches ? limits().store_view_bytes : limits().view_bytes));
  }
}

bool Instance::needs_own_thread() const noexcept {
  if (plugin_->has_family(MORTISE_FAMILY_EVENT)) return true;
  if (plugin_->is_concurrent) return plugin_->on_timer != nullptr;
  // A serial store that is nothing else is called by the store's thread alone: there is nothing to keep apart.
  const bool is_only_a_store =
      std::all_of(plugin_->hook_order.begin(), plugin_->hook_order.end(),
                  [](std::size_t hook) { return std::string_view(kCallPoints[hook].family) == MORTISE_FAMILY_STORE; });
  return plugin_->has_family(MORTISE_FAMILY_STORE) && (!is_only_a_store || plugin_->on_timer != nullptr);
}

// ---- Start and stop -------------------------------------------------------------------------------------------------

Result<void> Instance::start(bool is_in_use) {
  is_in_use_.store(is_in_use);
  auto document = ConfigDocument::parse(config_.config_json);
  if (!document) return std::move(document).as_failure();
  document_ = std::move(*document);
  config_.document = document_.get();
  {
    Directory& all = directory();
    const std::unique_lock lock(all.mutex);
    all.instances.emplace(ordinal_, weak_from_this());
  }
  state_.store(State::kStarting, std::memory_order_release);
  std::string reason;
  std::vector<QueuedIntent> intents;
  const Returned returned = call_on_start(reason, intents);
  if (!returned.is_ok()) {
    state_.store(State::kStopped, std::memory_order_release);
    pending_.close();
    owned_.close();
    if (returned.has_thrown) {
      return failure("on_start threw an exception" + (reason.empty() ? std::string() : "; it said: " + reason));
    }
    if (!reason.empty()) return failure(reason);
    return failure("on_start failed (" + std::string(abi::status_name(returned.status)) + ") and gave no reason");
  }
  if (needs_own_thread()) own_thread_ = std::make_unique<OwnThread>(limits().tasks);
  state_.store(State::kRunning, std::memory_order_release);
  perform(intents);
  return {};
}

void Instance::begin_use() {
  std::vector<hooks::Intent> held;
  {
    const MutexLock lock(mutex_);
    is_in_use_.store(true);
    held.swap(held_intents_);
  }
  for (hooks::Intent& intent : held) perform(std::move(intent));
}

Returned Instance::call_on_start(std::string& reason, std::vector<QueuedIntent>& intents) {
  if (plugin_->on_start == nullptr) return {false, MORTISE_OK};
  CallFrame frame(*this, control_lane(), kOnStart, &config_);
  frame.failure = &reason;
  const Returned returned = call_start(frame, plugin_->on_start, &plugin_data_);
  if (returned.is_ok()) intents = std::move(frame.intents);
  return returned;
}

void Instance::refuse_work() noexcept {
  State running = State::kRunning;
  state_.compare_exchange_strong(running, State::kStopping);
}

void Instance::stop() {
  refuse_work();
  if (state_.load(std::memory_order_acquire) != State::kStopping) return;
  const std::size_t tokens = pending_.close();
  if (own_thread_ != nullptr) own_thread_->stop();
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, timer] : timers_) environment_.clock->cancel(timer.alarm);
    timers_.clear();
  }
  call_on_stop();
  state_.store(State::kStopped, std::memory_order_release);
  name_leaks(tokens);
}

void Instance::call_on_stop() {
  if (plugin_->on_stop == nullptr) return;
  CallFrame frame(*this, control_lane(), kOnStop, &config_);
  const Returned returned = call_plugin(frame, plugin_->on_stop, plugin_data_);
  if (!returned.is_ok() && !returned.has_thrown) {
    MORTISE_LOG(kWarning, "plugin", "plugin %s: on_stop failed (%s)", name().c_str(),
                std::string(abi::status_name(returned.status)).c_str());
  }
}

void Instance::name_leaks(std::size_t tokens) {
  if (const std::uint64_t events = events_queued.load()) {
    MORTISE_LOG(kWarning, "plugin", "plugin %s stopped before it was told %llu event(s); they are dropped",
                name().c_str(), static_cast<unsigned long long>(events));
  }
  for (const auto& [kind, count] : owned_.close()) {
    const abi::KindRow* row = abi::find_kind(kind);
    violated(Violations::kLeak, kOnStop,
             "did not release " + std::to_string(count) + " owned " + std::string(row->name) + " handle(s)", count);
  }
  if (tokens != 0) {
    MORTISE_LOG(kInfo, "plugin", "plugin %s stopped with %zu token(s) pending; they are cancelled", name().c_str(),
                tokens);
  }
}

Executor* Instance::executor() const {
  if (own_thread_ != nullptr) return own_thread_.get();
  return environment_.loop_executor ? environment_.loop_executor(home_) : nullptr;
}

// ---- What it did wrong ----------------------------------------------------------------------------------------------

void Instance::violated(std::uint32_t kind, std::size_t point, const std::string& what, std::uint64_t count) {
  std::string line = "plugin " + name() + ": " + label_of(point) + ": " + what;
  const CallFrame* frame = CallerThread::current_frame();
  if (frame != nullptr && &frame->instance() == this && !frame->client().empty()) {
    line += "; client " + quoted(frame->client(), 64);
  }
  violations_.record(kind, line, count);
}

// ---- Intents and timers ---------------------------------------------------------------------------------------------

void Instance::perform(hooks::Intent intent) {
  if (!is_in_use_.load()) {
    const MutexLock lock(mutex_);
    if (!is_in_use_.load()) {
      if (held_intents_.size() >= limits().intents_per_call) return drop_intent("it is not asked yet");
      held_intents_.push_back(std::move(intent));
      return;
    }
  }
  if (environment_.intents == nullptr || !environment_.intents->perform(name(), std::move(intent))) {
    drop_intent("too much is waiting");
  }
}

void Instance::drop_intent(const char* why) {
  intents_dropped_.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held_back = 0;
  if (!log_limit_.admit(held_back)) return;
  MORTISE_LOG(kWarning, "plugin", "plugin %s: what it asked for was dropped: %s", name().c_str(), why);
}

void Instance::perform(std::vector<QueuedIntent>& intents) {
  for (QueuedIntent& intent : intents) {
    if (auto* broker = std::get_if<hooks::Intent>(&intent)) {
      perform(std::move(*broker));
    } else if (const auto* timer = std::get_if<SetTimerIntent>(&intent)) {
      if (set_timer(timer->id, timer->delay) != MORTISE_OK) drop_intent("it has too many timers");
    } else {
      cancel_timer(std::get<CancelTimerIntent>(intent).id);
    }
  }
  intents.clear();
}

std::uint32_t Instance::check_timer(std::uint64_t id) {
  if (plugin_->on_timer == nullptr) return MORTISE_E_UNSUPPORTED;
  const MutexLock lock(mutex_);
  return timers_.size() < limits().timers || timers_.contains(id) ? MORTISE_OK : refuse_more(Quota::kTimers);
}

std::uint32_t Instance::set_timer(std::uint64_t id, Millis delay) {
  if (const std::uint32_t status = check_timer(id); status != MORTISE_OK) return status;
  const MutexLock lock(mutex_);
  Timer& timer = timers_[id];
  if (timer.sequence != 0) environment_.clock->cancel(timer.alarm);
  timer.sequence = ++timer_sequence_;
  timer.due_at = wall_now() + delay;
  timer.alarm = environment_.clock->at(steady_now() + delay, [weak = weak_from_this(), id, sequence = timer.sequence] {
    if (const auto instance = weak.lock()) instance->timer_is_due(id, sequence);
  });
  return MORTISE_OK;
}

void Instance::cancel_timer(std::uint64_t id) {
  const MutexLock lock(mutex_);
  const auto at = timers_.find(id);
  if (at == timers_.end()) return;
  environment_.clock->cancel(at->second.alarm);
  timers_.erase(at);
}

void Instance::timer_is_due(std::uint64_t id, std::uint64_t sequence) {
  if (state_.load(std::memory_order_acquire) == State::kStarting) {
    // on_start has not returned; a timer of one of its threads is due already.
    environment_.clock->at(steady_now() + 10ms, [weak = weak_from_this(), id, sequence] {
      if (const auto instance = weak.lock()) instance->timer_is_due(id, sequence);
    });
    return;
  }
  if (!is_running()) return;
  Executor* runs_it = executor();
  if (runs_it == nullptr) return;
  const bool posted =
      runs_it->post([instance = shared_from_this(), id, sequence] { instance->call_on_timer(id, sequence); });
  if (posted) return;
  cancel_timer(id);
  drop_intent("its timer found the queue full");
}

void Instance::call_on_timer(std::uint64_t id, std::uint64_t sequence) {
  TimerSubject subject{id, {}};
  {
    const MutexLock lock(mutex_);
    const auto at = timers_.find(id);
    if (at == timers_.end() || at->second.sequence != sequence) return;  // cancelled or replaced
    subject.due_at = at->second.due_at;
    timers_.erase(at);
  }
  if (!is_running()) return;
  std::vector<QueuedIntent> intents;
  {
    CallFrame frame(*this, executor_lane(), kOnTimer, &subject);
    const Returned returned = call_plugin(frame, plugin_->on_timer, plugin_data_);
    if (returned.is_ok())
      intents = std::move(frame.intents);
    else
      frame.lane().counters[kOnTimer].failures[static_cast<std::size_t>(returned.failure())].add();
  }
  perform(intents);
}

std::uint32_t Instance::add_to_counter(std::string_view name, std::uint64_t delta) {
  const MutexLock lock(mutex_);
  const auto at = counters_.find(name);
  if (at != counters_.end()) {
    at->second += delta;
    return MORTISE_OK;
  }
  if (counters_.size() >= limits().counters) return refuse_more(Quota::kCounters);
  counters_.emplace(name, delta);
  return MORTISE_OK;
}

// ---- Statistics -----------------------------------------------------------------------------------------------------

InstanceStatistics Instance::statistics() const {
  InstanceStatistics all;
  all.instance = name();
  for (std::size_t point = 0; point < kCallPoints.size(); ++point) {
    CallStatistics call;
    call.name = label_of(point);
    for (const auto& lane : lanes_) {
      const CallCounters& counters = lane->counters[point];
      call.calls += counters.calls.value();
      call.bytes_shown += counters.bytes_shown.value();
      for (std::size_t i = 0; i < kVerdictCount; ++i) call.verdicts[i] += counters.verdicts[i].value();
      for (std::size_t i = 0; i < kFailureKinds; ++i) call.failures[i] += counters.failures[i].value();
    }
    if (call.calls == 0 && (point >= kHookCount || !plugin_->has(point))) continue;
    call.latency = latency_[point].snapshot();
    all.calls.push_back(std::move(call));
  }
  all.violations = violations_.snapshot();
  {
    const MutexLock lock(mutex_);
    all.counters.insert(counters_.begin(), counters_.end());
  }
  for (std::size_t i = 0; i < kQuotaNames.size(); ++i) {
    if (const std::uint64_t count = refusals_[i].load(std::memory_order_relaxed)) all.refusals[kQuotaNames[i]] = count;
  }
  all.tokens = pending_.size();
  all.owned_handles = owned_.size();
  all.events_queued = events_queued.load(std::memory_order_relaxed);
  all.events_dropped = events_dropped.load(std::memory_order_relaxed);
  all.intents_dropped = intents_dropped_.load(std::memory_order_relaxed);
  all.bad_records = bad_records.load(std::memory_order_relaxed);
  return all;
}

}  // namespace mortise::plugin_host
