#include "broker/storage/lane.h"

#include <utility>

#include "broker/base/check.h"
#include "broker/storage/record_view.h"
#include "broker/storage/records.h"

namespace mortise::storage {

bool Outstanding::has_room() noexcept {
  if (bytes.load(std::memory_order_relaxed) < maximum) [[likely]]
    return true;
  // Looked at again behind the flag: whoever gives back after this look finds the flag.
  is_awaited.store(true);
  return bytes.load() < maximum;
}

bool Outstanding::give_back(std::uint64_t freed) noexcept {
  const std::uint64_t left = bytes.fetch_sub(freed) - freed;
  return left < maximum && is_awaited.exchange(false);
}

void Lane::flush() {
  CHECK(!is_in_piece_);
  close_segment(0, 0);
  if (block_.empty()) return;
  // An interval must not starve a reader, nor a loop that is about to run out of credit.
  const std::uint64_t outstanding = appended_ - progress_.appended.load(std::memory_order_relaxed);
  const bool is_urgent = !block_.fetches.empty() || outstanding > options_.credit_bytes / 2;
  shared_.outstanding.bytes.fetch_add(appended_ - handed_over_);
  handed_over_ = appended_;
  block_ = shared_.inbox.hand_over(loop_, std::move(block_), is_urgent);
}

void Lane::appended(std::size_t records_before, std::size_t extra_bytes) {
  ++position_;
  appended_ += block_.records.size() - records_before + extra_bytes;
}

void Lane::close_segment(std::uint64_t group, std::uint32_t announces) {
  if (position_ == segment_position_) return;
  block_.segments.push_back({group, announces, block_.records.size(), position_, appended_});
  segment_position_ = position_;
}

session::SessionNumber Lane::new_session_number() {
  return shared_.next_session.fetch_add(1, std::memory_order_relaxed);
}

void Lane::session_put(const session::SessionRecord& record) {
  const std::size_t before = block_.records.size();
  append_session_put(block_.records, record);
  appended(before);
}

void Lane::session_remove(session::SessionNumber session) {
  const std::size_t before = block_.records.size();
  hooks::SessionRemoveRecord fixed{};
  fixed.header.session = session;
  block_.records.append(fixed);
  appended(before);
}

void Lane::subscription_put(session::SessionNumber session, const session::SubscriptionRecord& record) {
  const std::size_t before = block_.records.size();
  append_subscription_put(block_.records, session, record);
  appended(before);
}

void Lane::subscription_remove(session::SessionNumber session, std::string_view filter) {
  const std::size_t before = block_.records.size();
  hooks::SubscriptionRemoveRecord fixed{};
  fixed.header.session = session;
  block_.records.append(fixed, {as_bytes(filter)});
  appended(before);
}

void Lane::queue_put(session::SessionNumber session, const session::QueueRecord& record) {
  const std::size_t before = block_.records.size();
  std::size_t message_bytes = 0;
  if (block_.messages.empty() || block_.messages.back() != record.message) {
    block_.messages.push_back(record.message);
    message_bytes = record.message->cost();
  }
  append_queue_put(block_.records, session, record, block_.messages.size() - 1);
  appended(before, message_bytes);
  if (record.released) queue_released(session, record.position);
}

void Lane::queue_released(session::SessionNumber session, session::QueuePosition position) {
  const std::size_t before = block_.records.size();
  hooks::QueueStateRecord fixed{};
  fixed.header.session = session;
  fixed.position = position;
  fixed.state = hooks::kQueueStateReleased;
  block_.records.append(fixed);
  appended(before);
}

void Lane::queue_remove(session::SessionNumber session, session::QueuePosition first, session::QueuePosition last) {
  const std::size_t before = block_.records.size();
  hooks::QueueRemoveRecord fixed{};
  fixed.header.session = session;
  fixed.first_position = first;
  fixed.last_position = last;
  block_.records.append(fixed);
  appended(before);
}

void Lane::inbound_put(session::SessionNumber session, mqtt::PacketId packet_id) {
  const std::size_t before = block_.records.size();
  hooks::InboundPutRecord fixed{};
  fixed.header.session = session;
  fixed.packet_id = packet_id;
  block_.records.append(fixed);
  appended(before);
}

void Lane::inbound_remove(session::SessionNumber session, mqtt::PacketId packet_id) {
  const std::size_t before = block_.records.size();
  hooks::InboundRemoveRecord fixed{};
  fixed.header.session = session;
  fixed.packet_id = packet_id;
  block_.records.append(fixed);
  appended(before);
}

void Lane::retained_put(const mqtt::MessagePtr& message, std::uint64_t change) {
  const std::size_t before = block_.records.size();
  append_retained_put(block_.records, *message);
  block_.records.patch(before + offsetof(RecordHeader, number), &change, sizeof change);
  appended(before);
}

void Lane::retained_remove(std::string_view topic, std::uint64_t change) {
  const std::size_t before = block_.records.size();
  hooks::RetainedRemoveRecord fixed{};
  fixed.header.number = change;
  block_.records.append(fixed, {as_bytes(topic)});
  appended(before);
}

void Lane::will_put(session::SessionNumber session, WallTime due_at, const mqtt::MessagePtr& message) {
  const std::size_t before = block_.records.size();
  append_will_put(block_.records, session, due_at, *message);
  appended(before);
}

void Lane::will_remove(session::SessionNumber session) {
  const std::size_t before = block_.records.size();
  hooks::WillRemoveRecord fixed{};
  fixed.header.session = session;
  block_.records.append(fixed);
  appended(before);
}

bool Lane::is_durable(std::uint64_t position) const noexcept {
  return options_.durability != session::Durability::kCommit ||
         position <= progress_.position.load(std::memory_order_acquire);
}

std::uint64_t Lane::new_group() {
  unused_group_ = (std::uint64_t{loop_} << 48) | ++groups_made_;
  return unused_group_;
}

void Lane::begin_piece(std::uint64_t group, std::uint32_t announces) {
  CHECK(!is_in_piece_ && group != 0);
  is_in_piece_ = true;
  // A group whose first piece is its only one needs no waiting for others: it is an ordinary part of this lane.
  const bool is_whole_group = group == unused_group_ && announces == 1;
  if (group == unused_group_) unused_group_ = 0;
  piece_group_ = is_whole_group ? 0 : group;
  piece_announces_ = announces;
  if (!is_whole_group) close_segment(0, 0);
}

void Lane::end_piece() {
  CHECK(is_in_piece_);
  is_in_piece_ = false;
  ++position_;  // also of an empty piece: its position is durable when the group is
  if (piece_group_ != 0) close_segment(piece_group_, piece_announces_);
}

void Lane::fetch(session::SessionNumber session, session::QueuePosition after, std::uint32_t max_messages,
                 std::uint64_t max_bytes) {
  block_.fetches.push_back({position_, session, after, max_messages, max_bytes});
}

bool Lane::has_credit() const noexcept {
  return appended_ - progress_.appended.load(std::memory_order_relaxed) < options_.credit_bytes &&
         shared_.outstanding.has_room();
}

}  // namespace mortise::storage
