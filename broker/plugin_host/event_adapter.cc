#include <deque>
#include <utility>

#include "broker/base/mutex.h"
#include "broker/plugin_host/calling.h"
#include "broker/plugin_host/family_adapters.h"

namespace mortise::plugin_host {

namespace {

/// Roughly what a queued event occupies.
std::size_t cost_of(const hooks::Event& event) noexcept { return sizeof event + event.topic.size(); }

/// mortise.event/1: a bounded queue, delivered in batches on the instance's own thread; what does not fit is dropped
/// and counted. Internally synchronised.
class EventAdapter final : public hooks::EventHooks, public std::enable_shared_from_this<EventAdapter> {
 public:
  explicit EventAdapter(std::shared_ptr<Instance> instance) : instance_(std::move(instance)) {}

  // The ABI has no way yet to ask for some kinds only.
  bool wants(hooks::EventKind) const noexcept override { return instance_->is_running(); }

  void emit(hooks::Event event) override {
    const std::size_t cost = cost_of(event);
    {
      const MutexLock lock(mutex_);
      const InstanceLimits& limits = instance_->limits();
      if (queue_.size() >= limits.events || bytes_ + cost > limits.event_bytes) {
        ++dropped_;
        instance_->events_dropped.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      bytes_ += cost;
      queue_.push_back(std::move(event));
      instance_->events_queued.store(queue_.size(), std::memory_order_relaxed);
      if (std::exchange(is_scheduled_, true)) return;
    }
    schedule();
  }

 private:
  void schedule() {
    OwnThread* thread = instance_->own_thread();
    const bool posted = instance_->is_running() && thread != nullptr &&
                        thread->post([self = shared_from_this()] { self->deliver_batch(); });
    if (posted) return;
    const MutexLock lock(mutex_);
    is_scheduled_ = false;  // the next event tries again
  }

  bool take(EventBatch& batch) {
    const MutexLock lock(mutex_);
    while (!queue_.empty() && batch.events.size() < MORTISE_MAX_EVENTS) {
      bytes_ -= cost_of(queue_.front());
      batch.events.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    batch.dropped_before = std::exchange(dropped_, 0);
    instance_->events_queued.store(queue_.size(), std::memory_order_relaxed);
    is_scheduled_ = !queue_.empty();
    return is_scheduled_;
  }

  void deliver_batch() {
    if (!instance_->is_running()) return;  // it is counted what it was not told
    EventBatch batch;
    const bool has_more = take(batch);
    call(batch);
    // One batch a task, so that timers and questions of a serial instance get their turn.
    if (has_more) schedule();
  }

  void call(const EventBatch& batch) {
    std::vector<QueuedIntent> intents;
    Lane& lane = instance_->own_lane();
    {
      CallFrame frame(*instance_, lane, kEvents, &batch);
      const Returned returned =
          call_plugin(frame, instance_->plugin().hooks[kEvents].function, instance_->plugin_data());
      if (returned.is_ok())
        intents = std::move(frame.intents);
      else
        lane.counters[kEvents].failures[static_cast<std::size_t>(returned.failure())].add();
    }
    instance_->perform(intents);
  }

  const std::shared_ptr<Instance> instance_;
  Mutex mutex_;
  std::deque<hooks::Event> queue_ MORTISE_GUARDED_BY(mutex_);
  std::size_t bytes_ MORTISE_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_ MORTISE_GUARDED_BY(mutex_) = 0;  // since the last batch
  bool is_scheduled_ MORTISE_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::shared_ptr<hooks::EventHooks> make_event_hooks(std::shared_ptr<Instance> instance) {
  return std::make_shared<EventAdapter>(std::move(instance));
}

}  // namespace mortise::plugin_host
