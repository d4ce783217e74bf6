#pragma once

#include <cstdint>
#include <functional>

#include "broker/admin/broker_access.h"
#include "broker/base/time.h"
#include "broker/core/shard.h"

namespace mortise::cli {

/// Looks now and then at how much memory is used, and says how short it is. A stage begins at its share of the budget
/// and ends 5 % of the budget lower, so that it does not come and go; each change is one line in the log.
/// Unsynchronised; used by the control thread.
class MemoryWatch {
 public:
  using Measure = std::function<std::uint64_t()>;
  static constexpr Millis kEvery{1000};

  /// `budget` 0: it is never short. `measure` returns bytes.
  MemoryWatch(std::uint64_t budget, Measure measure);

  /// Measures when it is time. True: the loops are to be told the stage.
  bool look(SteadyTime now);
  /// When it wants to look again; kNever without a budget.
  SteadyTime next_look() const noexcept { return next_look_; }
  const admin::MemoryReport& report() const noexcept { return report_; }

 private:
  core::MemoryStage stage_for(std::uint64_t used) const noexcept;
  void enter(core::MemoryStage stage);

  const Measure measure_;
  SteadyTime next_look_;
  SteadyTime next_trim_{};
  admin::MemoryReport report_;
};

}  // namespace mortise::cli
