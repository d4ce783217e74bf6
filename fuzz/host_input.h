#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/executor.h"
#include "broker/hooks/instances.h"

/// What host_interface.cc is fed with, and what it gives a plugin host instead of a broker.
namespace mortise::plugin_host {

/// The bytes of one run; zeros when they are used up. Borrowed for the run.
class InputView {
 public:
  InputView(const std::uint8_t* bytes, std::size_t size) : rest_(bytes, size) {}
  bool is_empty() const noexcept { return rest_.empty(); }
  std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint32_t u32() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{byte()} << shift;
    return value;
  }
  std::uint64_t u64() noexcept { return u32() | static_cast<std::uint64_t>(u32()) << 32; }

 private:
  ByteView rest_;
};

class DroppedCompletions final : public hooks::Completions {
 public:
  void complete(const hooks::Ticket&, hooks::Resolution) override {}
};
class DroppedIntents final : public hooks::Intents {
 public:
  bool perform(std::string_view, hooks::Intent) override { return true; }
};
/// Runs what is posted when it is told to.
class QueueExecutor final : public Executor {
 public:
  bool post(Task task) override {
    tasks_.push_back(std::move(task));
    return true;
  }
  void run() {
    std::vector<Task> tasks;
    tasks.swap(tasks_);
    for (Task& task : tasks) task();
  }

 private:
  std::vector<Task> tasks_;
};

}  // namespace mortise::plugin_host
