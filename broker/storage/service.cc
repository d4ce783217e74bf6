#include "broker/storage/service.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/log.h"
#include "broker/storage/format.h"

namespace mortise::storage {
namespace {

constexpr Seconds kStuckAfter{10};

/// A batch holds at most what all lanes have outstanding, and a store plugin is shown it in one piece.
constexpr std::uint64_t kOutstandingMax = std::uint64_t{128} << 20;

std::uint64_t credit_of_a_lane(const Service::Options& options) {
  return std::min(options.credit_bytes, kOutstandingMax / std::max<std::size_t>(options.loops, 1));
}

}  // namespace

Service::Service(hooks::StoreHooks& store, StoreEvents& events, const Options& options)
    : store_(store), events_(events), options_(options), gatherer_(options.loops), durable_(options.loops, 0) {
  const Lane::Options lane_options{options.durability, credit_of_a_lane(options)};
  for (std::size_t loop = 0; loop < options.loops; ++loop) {
    lanes_.push_back(std::make_unique<Lane>(static_cast<LoopIndex>(loop), lane_options, shared_));
  }
  shared_.outstanding.maximum = lane_options.credit_bytes * options.loops;
  retry_in_ = options_.retry_first;
}

Service::~Service() { stop(); }

Result<RecoveryReport> Service::start(RecoveryVisitor& visitor) {
  CHECK(!thread_.joinable());
  std::promise<Result<RecoveryReport>> recovered;
  auto outcome = recovered.get_future();
  thread_ = std::thread([this, &visitor, recovered = std::move(recovered)]() mutable {
    auto report = open_and_recover(visitor);
    const bool is_open = report.ok();
    recovered.set_value(std::move(report));
    if (is_open) run();
  });
  auto report = outcome.get();
  if (!report) stop();
  return report;
}

Result<RecoveryReport> Service::open_and_recover(RecoveryVisitor& visitor) {
  if (auto opened = store_.open(); !opened) return std::move(opened).as_failure();
  auto report = Recovery(visitor).run(store_);
  if (!report) return report;
  next_number_ = report->last_number + 1;
  marked_sessions_ = report->next_session;
  shared_.next_session.store(report->next_session);
  return report;
}

void Service::stop() {
  shared_.inbox.close();
  if (thread_.joinable()) thread_.join();
}

void Service::run() {
  while (!shared_.inbox.is_closed()) {
    take_handed_over();
    commit_what_can_be();
    run_ready_fetches();
    warn_of_stuck_group();
  }
  finish();
}

void Service::take_handed_over() {
  auto wake_on = Inbox::WakeOn::kAnything;
  SteadyTime until = kNever;
  if (pending_) {
    // While the store fails nothing is gained by gathering more: only the time to try again matters, and readers.
    wake_on = Inbox::WakeOn::kUrgent;
    until = pending_->retry_at;
  } else if (gatherer_.waiting()) {
    until = steady_now() + kStuckAfter;
  }
  auto taken = shared_.inbox.take(wake_on, until);
  const bool may_wait = is_gathering_slowly() && !pending_ && !taken.has_urgent && !taken.blocks.empty();
  if (may_wait && steady_now() < next_commit_) {
    auto more = shared_.inbox.take(Inbox::WakeOn::kUrgent, next_commit_);
    std::move(more.blocks.begin(), more.blocks.end(), std::back_inserter(taken.blocks));
  }
  for (Inbox::HandedOver& handed : taken.blocks) gatherer_.accept(handed.loop, std::move(handed.block));
}

void Service::commit_what_can_be() {
  const bool was_failing = pending_.has_value();
  if (!pending_) gather();
  if (steady_now() < pending_->retry_at || !try_commit()) return;
  advance(std::exchange(pending_, std::nullopt)->gathered.advances);
  // What was handed over while the store failed goes now.
  if (was_failing) commit_what_can_be();
}

void Service::gather() {
  const session::SessionNumber given = shared_.next_session.load(std::memory_order_relaxed);
  const bool must_mark = given > marked_sessions_;
  const std::uint64_t mark = must_mark ? given + kSessionNumbersReserved : 0;
  auto gathered =
      gatherer_.gather(next_number_, mark, [this](Block block) { shared_.inbox.recycle(std::move(block)); });
  if (!gathered.batch.empty()) {
    next_number_ = gathered.batch.last_number + 1;
    if (must_mark) marked_sessions_ = mark;
  }
  pending_ = Pending{std::move(gathered), SteadyTime{}};
}

bool Service::try_commit() {
  const Batch& batch = pending_->gathered.batch;
  if (batch.empty()) return true;
  auto outcome = is_failing_ ? store_.open() : Result<void>();
  if (outcome) outcome = store_.commit(batch.records.view(), batch.first_number, batch.last_number);
  if (!outcome) {
    commit_failed(outcome.error().message);
    return false;
  }
  commit_succeeded();
  return true;
}

void Service::commit_failed(const std::string& why) {
  pending_->retry_at = steady_now() + retry_in_;
  retry_in_ = std::min(retry_in_ * 2, options_.retry_max);
  if (is_failing_) return;
  is_failing_ = true;
  MORTISE_LOG(kError, "storage", "store %s: cannot make messages durable: %s; trying again until it works",
              std::string(store_.name()).c_str(), why.c_str());
  events_.state(true);
}

void Service::commit_succeeded() {
  next_commit_ = steady_now() + options_.interval;
  retry_in_ = options_.retry_first;
  if (!is_failing_) return;
  is_failing_ = false;
  MORTISE_LOG(kWarning, "storage", "store %s: works again", std::string(store_.name()).c_str());
  events_.state(false);
}

void Service::advance(const std::vector<LaneAdvance>& advances) {
  std::uint64_t freed = 0;
  for (const LaneAdvance& advance : advances) {
    durable_[advance.loop] = advance.position;
    LaneProgress& progress = lanes_[advance.loop]->progress();
    freed += advance.appended - progress.appended.load(std::memory_order_relaxed);
    progress.appended.store(advance.appended, std::memory_order_relaxed);
    progress.position.store(advance.position, std::memory_order_release);
  }
  const bool is_awaited = shared_.outstanding.give_back(freed);
  for (const LaneAdvance& advance : advances) events_.durable(advance.loop, advance.position);
  if (!is_awaited) return;
  // Of room for all, every loop hears.
  for (std::size_t loop = 0; loop < durable_.size(); ++loop)
    events_.durable(static_cast<LoopIndex>(loop), durable_[loop]);
}

void Service::run_ready_fetches() {
  if (!gatherer_.has_fetches()) return;
  for (std::size_t loop = 0; loop < lanes_.size(); ++loop) {
    const auto index = static_cast<LoopIndex>(loop);
    for (const FetchRequest& request : gatherer_.ready_fetches(index, durable_[loop])) {
      events_.page(index, fetch_page(store_, request));
    }
  }
}

void Service::warn_of_stuck_group() {
  const auto waiting = gatherer_.waiting();
  if (!waiting || waiting->group != stuck_group_) {
    stuck_group_ = waiting ? waiting->group : 0;
    stuck_since_ = steady_now();
    stuck_is_named_ = false;
    return;
  }
  if (stuck_is_named_ || steady_now() - stuck_since_ < kStuckAfter) return;
  stuck_is_named_ = true;
  MORTISE_LOG(kError, "storage", "group %llx waits for pieces that some loop never made: %llu announced, %llu arrived",
              static_cast<unsigned long long>(waiting->group), static_cast<unsigned long long>(waiting->announced),
              static_cast<unsigned long long>(waiting->arrived));
}

void Service::finish() {
  for (Inbox::HandedOver& handed : shared_.inbox.take(Inbox::WakeOn::kAnything, kNever).blocks) {
    gatherer_.accept(handed.loop, std::move(handed.block));
  }
  if (pending_) pending_->retry_at = SteadyTime{};
  commit_what_can_be();
  if (pending_) {
    MORTISE_LOG(
        kError, "storage",
        "store %s: stopping although it fails: what it was given since is lost; it was not acknowledged, except "
        "with session.durability interval or none, or on_failure.store memory_only",
        std::string(store_.name()).c_str());
  }
}

}  // namespace mortise::storage
