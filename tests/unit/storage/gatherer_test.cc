#include "broker/storage/gatherer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "broker/storage/lane.h"
#include "tests/unit/storage/storage_fixtures.h"

namespace mortise::storage {
namespace {

/// Lanes without a service: what they hand over is given to a Gatherer by hand.
class Gathering {
 public:
  explicit Gathering(std::size_t loops) : gatherer(loops) {
    for (std::size_t loop = 0; loop < loops; ++loop)
      lanes.push_back(std::make_unique<Lane>(static_cast<LoopIndex>(loop), Lane::Options{}, shared_));
  }
  void hand_over(std::size_t loop) {
    lanes[loop]->flush();
    for (auto& handed : shared_.inbox.take(Inbox::WakeOn::kAnything, SteadyTime{}).blocks)
      gatherer.accept(handed.loop, std::move(handed.block));
  }
  /// The positions that the next batch brings, by loop.
  std::map<LoopIndex, std::uint64_t> gather() {
    auto gathered = gatherer.gather(next_number_, 0, [](Block) {});
    if (!gathered.batch.empty()) next_number_ = gathered.batch.last_number + 1;
    batch = std::move(gathered.batch);
    std::map<LoopIndex, std::uint64_t> positions;
    for (const LaneAdvance& advance : gathered.advances) positions[advance.loop] = advance.position;
    return positions;
  }

  std::vector<std::unique_ptr<Lane>> lanes;
  Gatherer gatherer;
  Batch batch;

 private:
  Lane::Shared shared_;
  std::uint64_t next_number_ = 1;
};

TEST(Gatherer, WhatIsInNoGroupGoesAtOnce) {
  Gathering g(2);
  g.lanes[0]->inbound_put(1, 1);
  g.hand_over(0);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{0, 1}}));
  EXPECT_TRUE(g.gather().empty());
}

TEST(Gatherer, AGroupWaitsForItsLastPiece) {
  Gathering g(2);
  const std::uint64_t group = g.lanes[0]->new_group();
  g.lanes[0]->inbound_put(1, 1);
  g.lanes[0]->begin_piece(group, 2);
  g.lanes[0]->inbound_put(1, 2);
  g.lanes[0]->end_piece();
  g.hand_over(0);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{0, 1}}));
  ASSERT_TRUE(g.gatherer.waiting());
  EXPECT_EQ(g.gatherer.waiting()->announced, 2u);
  EXPECT_EQ(g.gatherer.waiting()->arrived, 1u);
  g.lanes[1]->begin_piece(group, 0);
  g.lanes[1]->end_piece();  // empty
  g.hand_over(1);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{0, 3}, {1, 1}}));
  EXPECT_FALSE(g.gatherer.waiting());
}

TEST(Gatherer, APieceThatPassesMoreOnAnnouncesThem) {
  Gathering g(3);
  const std::uint64_t group = g.lanes[0]->new_group();
  g.lanes[0]->begin_piece(group, 2);
  g.lanes[0]->end_piece();
  g.lanes[1]->begin_piece(group, 1);
  g.lanes[1]->end_piece();
  g.hand_over(0);
  g.hand_over(1);
  EXPECT_TRUE(g.gather().empty());
  g.lanes[2]->begin_piece(group, 0);
  g.lanes[2]->end_piece();
  g.hand_over(2);
  EXPECT_EQ(g.gather().size(), 3u);
}

TEST(Gatherer, WhatLiesBehindAnIncompleteGroupWaitsAndHoldsItsOwnGroupsBack) {
  Gathering g(2);
  const std::uint64_t incomplete = g.lanes[0]->new_group();
  g.lanes[0]->begin_piece(incomplete, 2);
  g.lanes[0]->end_piece();
  const std::uint64_t complete = g.lanes[0]->new_group();
  g.lanes[0]->begin_piece(complete, 2);
  g.lanes[0]->end_piece();
  g.hand_over(0);
  g.lanes[1]->inbound_put(1, 1);
  g.lanes[1]->begin_piece(complete, 0);
  g.lanes[1]->end_piece();
  g.lanes[1]->inbound_put(1, 2);
  g.hand_over(1);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{1, 1}}));
  g.lanes[1]->begin_piece(incomplete, 0);
  g.lanes[1]->end_piece();
  g.hand_over(1);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{0, 2}, {1, 4}}));
}

TEST(Gatherer, AGroupOfOnePieceIsNoReasonToWait) {
  Gathering g(1);
  const std::uint64_t group = g.lanes[0]->new_group();
  g.lanes[0]->begin_piece(group, 1);
  g.lanes[0]->inbound_put(1, 1);
  g.lanes[0]->end_piece();
  const std::uint64_t position = g.lanes[0]->position();
  g.hand_over(0);
  EXPECT_EQ(g.gather(), (std::map<LoopIndex, std::uint64_t>{{0, position}}));
}

/// A group as the random test means it: pieces that were not made yet.
struct Planned {
  std::uint64_t group = 0;
  std::uint64_t pieces = 0;
  mqtt::MessagePtr message;
  std::vector<std::size_t> to_make;  // loops
};

TEST(Gatherer, NeverSplitsAGroupAndLosesNothingWhateverTheOrder) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t loops = 1 + random() % 4;
    Gathering g(loops);
    std::vector<Planned> planned;
    std::map<std::string, std::uint64_t> seen;
    std::vector<std::uint64_t> position(loops, 0);
    std::uint64_t made = 0;
    const auto piece = [&](std::size_t loop, const Planned& plan, std::uint32_t announces) {
      g.lanes[loop]->begin_piece(plan.group, announces);
      g.lanes[loop]->queue_put(loop + 1, testing::entry(++position[loop], plan.message));
      g.lanes[loop]->end_piece();
    };
    const auto check_batch = [&] {
      std::map<std::string, std::uint64_t> refs;
      RecordsView records(g.batch.records.view());
      while (const auto bytes = records.next()) {
        const auto record = RecordView::parse(*bytes);
        if (record->kind() != RecordKind::kMessagePut) continue;
        const auto put = record->as<hooks::MessagePutRecord>();
        const std::string topic(as_text(record->range(put.topic)));
        EXPECT_TRUE(seen.emplace(topic, put.refs).second) << "split: " << topic;
        EXPECT_EQ(std::to_string(put.refs), topic.substr(topic.rfind('/') + 1));
      }
    };
    for (int step = 0; step < 400; ++step) {
      const std::size_t loop = random() % loops;
      const auto what = random() % 10;
      if (what < 4 && step < 300) {
        Planned plan;
        plan.group = g.lanes[loop]->new_group();
        plan.pieces = 1 + random() % 4;
        plan.message = testing::message("g/" + std::to_string(++made) + "/" + std::to_string(plan.pieces));
        for (std::uint64_t i = 1; i < plan.pieces; ++i) plan.to_make.push_back(random() % loops);
        piece(loop, plan, static_cast<std::uint32_t>(plan.pieces));
        g.hand_over(loop);
        if (!plan.to_make.empty()) planned.push_back(plan);
      } else if (what < 8 && !planned.empty()) {
        const std::size_t chosen = random() % planned.size();
        Planned& plan = planned[chosen];
        piece(plan.to_make.back(), plan, 0);
        plan.to_make.pop_back();
        if (plan.to_make.empty()) planned.erase(planned.begin() + static_cast<std::ptrdiff_t>(chosen));
      } else if (what < 9) {
        g.hand_over(loop);
      } else {
        g.gather();
        check_batch();
      }
    }
    for (Planned& plan : planned) {
      for (const std::size_t loop : plan.to_make) piece(loop, plan, 0);
    }
    for (std::size_t loop = 0; loop < loops; ++loop) g.hand_over(loop);
    g.gather();
    check_batch();
    EXPECT_EQ(seen.size(), made);
    EXPECT_FALSE(g.gatherer.waiting());
  }
}

}  // namespace
}  // namespace mortise::storage
