#pragma once

#include <mortise/abi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/plugin_host/caller_thread.h"
#include "broker/plugin_host/handle.h"
#include "broker/plugin_host/instance.h"

namespace mortise::plugin_host {

class RecordPage;

/// What the running hook has answered, and what it may answer into. Copied and checked before it gets here.
struct AnswerSlot {
  void* decision = nullptr;  // AuthDecision, AccessDecision, ExchangeDecision or BindDecision, by the call point
  bool is_given = false;
  bool is_pending = false;
  mortise_handle token = 0;  // created in this call
};

/// One call into a plugin, on the stack of the thread that makes it (R4): the scope of the handles and views it is
/// given. They end with it.
class CallFrame {
 public:
  /// `object` is what the call handle stands for.
  CallFrame(Instance& instance, Lane& lane, std::size_t point, const void* object)
      : instance_(instance), lane_(lane), point_(point), object_(object), outer_(thread_.top()) {
    const std::uint64_t serial = thread_.enter(*this, {instance.ordinal(), static_cast<std::uint32_t>(point)});
    handle_ = handle::borrowed(kCallPoints[point].kind, 0, serial);
  }
  ~CallFrame() {
    if (arena_ != nullptr) end_views();
    thread_.leave(outer_);
  }
  CallFrame(const CallFrame&) = delete;
  CallFrame& operator=(const CallFrame&) = delete;
  // On the stack only: it ends where its call ends.
  static void* operator new(std::size_t) = delete;
  static void* operator new[](std::size_t) = delete;

  Instance& instance() const noexcept { return instance_; }
  Lane& lane() const noexcept { return lane_; }
  std::size_t point() const noexcept { return point_; }
  const void* object() const noexcept { return object_; }
  mortise_handle handle() const noexcept { return handle_; }
  std::uint64_t serial() const noexcept { return handle::serial_of(handle_); }
  CallFrame* outer() const noexcept { return outer_; }

  /// Null when there is no memory for it.
  ScratchArena* arena() {
    if (arena_ == nullptr) arena_ = lane_.scratch.take();
    return arena_;
  }

  /// The client that the call is about, for the log; empty when it is about none.
  std::string_view client() const noexcept;
  /// Publishes of plugins that led here.
  std::uint8_t hops() const noexcept;

  AnswerSlot* answer = nullptr;  // of a hook that answers with a decision
  std::vector<QueuedIntent> intents;
  /// A counted pointer to `object` (ConnectRequestPtr, AccessRequestPtr, BindRequestPtr by its kind), for retain; null
  /// where there is none.
  const void* counted_object = nullptr;
  RecordPage* page = nullptr;      // of store.load and store.fetch
  std::string* failure = nullptr;  // of on_start and on_config: what core.fail says

 private:
  void end_views() noexcept;

  CallerThread& thread_ = CallerThread::current();
  Instance& instance_;
  Lane& lane_;
  const std::size_t point_;
  const void* const object_;
  CallFrame* const outer_;
  mortise_handle handle_ = 0;
  ScratchArena* arena_ = nullptr;
};

}  // namespace mortise::plugin_host
