#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "broker/base/id.h"
#include "broker/session/journal.h"
#include "broker/session/limits.h"
#include "broker/storage/block.h"
#include "broker/storage/inbox.h"

namespace mortise::storage {

/// How far the store has come with one lane. Internally synchronised: the store thread writes, the loop reads.
struct LaneProgress {
  std::atomic<std::uint64_t> position{0};
  std::atomic<std::uint64_t> appended{0};
};

/// What all lanes together have outstanding: what a Client of one loop publishes may be kept by another's lane, so the
/// credit of its own does not bound it. Internally synchronised.
struct Outstanding {
  /// Below the maximum. When not, the store thread is told that somebody waits for it. Thread: a loop's.
  bool has_room() noexcept;
  /// True: there is room again, and somebody waits for it. Thread: the store's.
  bool give_back(std::uint64_t freed) noexcept;

  std::uint64_t maximum = ~std::uint64_t{0};  // constant once lanes are used
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<bool> is_awaited{false};
};

/// One loop's Journal: appends into its own block without a lock, and hands the block over once per iteration of the
/// loop. Unsynchronised (loop-owned), but for the LaneProgress that the store thread moves on.
class Lane final : public session::Journal {
 public:
  struct Options {
    session::Durability durability = session::Durability::kCommit;
    std::uint64_t credit_bytes = 16u << 20;
  };
  /// What all lanes share; outlives them.
  struct Shared {
    Inbox inbox;
    std::atomic<std::uint64_t> next_session{1};
    Outstanding outstanding;
  };

  Lane(LoopIndex loop, const Options& options, Shared& shared) : loop_(loop), options_(options), shared_(shared) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Hands over what was appended. The loop calls it at the end of each iteration, *before* its mail to other loops
  /// leaves: what another loop appends because of that mail must not reach the store before what is appended here.
  /// Not within a piece. Thread: the loop's. Cost: nothing when nothing was appended; else one short lock.
  void flush() override;
  LaneProgress& progress() noexcept { return progress_; }

  session::SessionNumber new_session_number() override;
  void session_put(const session::SessionRecord& record) override;
  void session_remove(session::SessionNumber session) override;
  void subscription_put(session::SessionNumber session, const session::SubscriptionRecord& record) override;
  void subscription_remove(session::SessionNumber session, std::string_view filter) override;
  void queue_put(session::SessionNumber session, const session::QueueRecord& record) override;
  void queue_released(session::SessionNumber session, session::QueuePosition position) override;
  void queue_remove(session::SessionNumber session, session::QueuePosition first, session::QueuePosition last) override;
  void inbound_put(session::SessionNumber session, mqtt::PacketId packet_id) override;
  void inbound_remove(session::SessionNumber session, mqtt::PacketId packet_id) override;
  void retained_put(const mqtt::MessagePtr& message, std::uint64_t change) override;
  void retained_remove(std::string_view topic, std::uint64_t change) override;
  void will_put(session::SessionNumber session, WallTime due_at, const mqtt::MessagePtr& message) override;
  void will_remove(session::SessionNumber session) override;
  std::uint64_t position() const noexcept override { return position_; }
  bool is_durable(std::uint64_t position) const noexcept override;
  std::uint64_t new_group() override;
  void begin_piece(std::uint64_t group, std::uint32_t announces) override;
  void end_piece() override;
  void fetch(session::SessionNumber session, session::QueuePosition after, std::uint32_t max_messages,
             std::uint64_t max_bytes) override;
  bool has_credit() const noexcept override;

 private:
  /// Accounts for the records that were just appended to the block.
  void appended(std::size_t records_before, std::size_t extra_bytes = 0);
  void close_segment(std::uint64_t group, std::uint32_t announces);

  const LoopIndex loop_;
  const Options options_;
  Shared& shared_;
  LaneProgress progress_;

  Block block_;
  std::uint64_t position_ = 0;
  std::uint64_t appended_ = 0;          // bytes, ever
  std::uint64_t handed_over_ = 0;       // of them
  std::uint64_t segment_position_ = 0;  // position_ when the last segment ended
  std::uint64_t groups_made_ = 0;
  std::uint64_t unused_group_ = 0;  // made here and not begun yet: its first piece is the group's first
  std::uint64_t piece_group_ = 0;
  std::uint32_t piece_announces_ = 0;
  bool is_in_piece_ = false;
};

}  // namespace mortise::storage
