#include "virtual_store.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/storage/format.h"
#include "broker/storage/page.h"
#include "broker/storage/recovery.h"

namespace mortise::simulation {

namespace {

class Restored final : public storage::RecoveryVisitor {
 public:
  void session(storage::StoredSession stored) override {
    const bool is_group = !stored.session.share_group.empty();
    core::Shard::Recovered made{std::move(stored.session), std::move(stored.subscriptions),
                                std::move(stored.inbound), stored.queue,
                                std::move(stored.will),    stored.will_due_at};
    // Queues of shared subscriptions first, as the broker does.
    auto& sessions = state.sessions;
    sessions.insert(is_group ? sessions.begin() : sessions.end(), std::move(made));
  }
  void retained(mqtt::MessagePtr message) override { state.retained.push_back(std::move(message)); }
  core::testing::StoredState state;
};

}  // namespace

core::testing::StoredState VirtualStore::begin(std::size_t loops, std::uint64_t credit_bytes) {
  Restored restored;
  CHECK(tables_.open());
  tables_.failures_left = 0;
  const auto report = storage::Recovery(restored).run(tables_);
  CHECK(report && report->bad == 0 && report->unknown == 0);
  next_number_ = report->last_number + 1;
  marked_sessions_ = report->next_session;
  lanes_.clear();
  pending_.reset();
  is_failing_ = false;
  gatherer_.emplace(loops);
  shared_ = std::make_unique<storage::Lane::Shared>();
  shared_->next_session.store(report->next_session);
  const storage::Lane::Options options{session::Durability::kCommit, credit_bytes};
  for (std::size_t loop = 0; loop < loops; ++loop)
    lanes_.push_back(std::make_unique<LaneOfLoop>(static_cast<LoopIndex>(loop), options, *shared_));
  return std::move(restored.state);
}

void VirtualStore::commit(core::testing::TestBroker& broker, bool fails) {
  for (auto& handed : shared_->inbox.take(storage::Inbox::WakeOn::kAnything, SteadyTime{}).blocks)
    gatherer_->accept(handed.loop, std::move(handed.block));
  if (!pending_) {
    const session::SessionNumber given = shared_->next_session.load();
    const std::uint64_t mark = given > marked_sessions_ ? given + storage::kSessionNumbersReserved : 0;
    pending_ = gatherer_->gather(next_number_, mark, [](const storage::Block&) {});
    if (pending_->batch.empty() && pending_->advances.empty()) return pending_.reset();
    if (!pending_->batch.empty()) {
      next_number_ = pending_->batch.last_number + 1;
      if (mark != 0) marked_sessions_ = mark;
    }
  }
  const storage::Batch& batch = pending_->batch;
  const bool was_failing = std::exchange(is_failing_, fails);
  if (!fails && !batch.empty()) CHECK(tables_.commit(batch.records.view(), batch.first_number, batch.last_number));
  tables_.commits.clear();
  if (was_failing != fails) broker.store_fails(fails);
  if (fails) return;
  ++commits_;
  for (const storage::LaneAdvance& advance : pending_->advances) {
    lanes_[advance.loop]->durable = advance;
    lanes_[advance.loop]->durable_position = advance.position;
  }
  pending_.reset();
}

void VirtualStore::tell(core::testing::TestBroker& broker, LoopIndex loop) {
  LaneOfLoop& told = *lanes_[loop];
  if (const auto advance = std::exchange(told.durable, std::nullopt)) {
    told.lane.progress().appended.store(advance->appended);
    told.lane.progress().position.store(advance->position);
    broker.shard(loop).handle(core::Durable{advance->position}, broker.now());
  }
  for (const storage::FetchRequest& request : gatherer_->ready_fetches(loop, told.durable_position)) {
    storage::Page page = storage::fetch_page(tables_, request);
    core::QueuePage given{page.session, std::move(page.records), page.after, page.is_last, page.failed};
    broker.shard(loop).handle(std::move(given), broker.now());
  }
  broker.settle();
}

bool VirtualStore::has_everything() const {
  return !pending_ && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& each) {
    return !each->durable && each->durable_position == each->lane.position();
  });
}

std::string VirtualStore::describe() const {
  std::string text;
  for (const auto& each : lanes_) {
    text += " lane " + std::to_string(each->lane.position()) + " durable " + std::to_string(each->durable_position) +
            (each->durable ? " (not told)" : "");
  }
  if (const auto waiting = gatherer_->waiting())
    text += ", a group waits: " + std::to_string(waiting->announced) + " announced, " +
            std::to_string(waiting->arrived) + " arrived";
  return text + (is_failing_ ? ", failing" : "");
}

bool VirtualStore::is_empty() const {
  const auto& tables = tables_;
  const bool has_queue =
      std::any_of(tables.queues.begin(), tables.queues.end(), [](const auto& queue) { return !queue.second.empty(); });
  return !has_queue && tables.sessions.empty() && tables.subscriptions.empty() && tables.inbound.empty() &&
         tables.wills.empty() && tables.messages.empty();
}

}  // namespace mortise::simulation
