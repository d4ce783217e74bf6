#include "broker/session/outbound_flow.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

// Design notes. Positions in memory are contiguous: what is acknowledged out of order stays as kDone until everything
// before it is done, so an entry is found by subtraction. A Packet Identifier is the position modulo 65,535, plus one:
// unique as long as the span of positions in flight is smaller than that, which next() sees to.

namespace mortise::session {

namespace {

constexpr std::uint64_t kPacketIds = 65535;
constexpr std::uint64_t kEntryOverhead = 64;

}  // namespace

mqtt::PacketId OutboundFlow::packet_id_of(QueuePosition position) noexcept {
  return static_cast<mqtt::PacketId>((position - 1) % kPacketIds + 1);
}

// ---- Enqueue --------------------------------------------------------------------------------------------------------

bool OutboundFlow::is_full(std::uint64_t cost) const noexcept {
  return held_.messages() >= held_.limits().queue.max_messages || held_.bytes() + cost > held_.limits().queue.max_bytes;
}

bool OutboundFlow::make_room(std::uint64_t cost, Durably durably) {
  // One that would not fit into the empty queue must not empty it.
  const QueueLimits& most = held_.limits().queue;
  if (most.when_full != WhenFull::kDropOldest || cost > most.max_bytes) return false;
  for (send_ = std::max(send_, front_); is_full(cost) && send_ < end_in_memory(); ++send_) {
    // What is due again after a reconnect stays, and send_ with it.
    const State state = entries_[send_ - front_].state;
    if (state == State::kSent || state == State::kReleased) break;
    if (state == State::kQueued) finish(send_, durably);
  }
  for (QueuePosition at = send_; is_full(cost) && at < end_in_memory(); ++at) {
    if (entries_[at - front_].state == State::kQueued) finish(at, durably);
  }
  pop_done();
  return !is_full(cost);
}

OutboundFlow::Enqueued OutboundFlow::enqueue(Offer offer, Durably durably) {
  const std::uint64_t cost = offer.message->cost() + kEntryOverhead;
  // What is dropped behind a message that is never acknowledged leaves gaps; they are bounded, too.
  if (entries_.size() >= held_.limits().queue.max_messages + kPacketIds) return Enqueued::kDropped;
  auto outcome = Enqueued::kQueued;
  if (is_full(cost)) {
    if (!make_room(cost, durably)) return Enqueued::kDropped;
    outcome = Enqueued::kQueuedDroppingOldest;
  }
  const QueuePosition position = next_position_++;
  held_.add(cost);
  if (durably) {
    QueueRecord record{position,       offer.message, offer.effective_qos,
                       offer.retain,   false,         offer.subscription_identifiers,
                       offer.share_tag};
    durably.journal->queue_put(durably.number, record);
    if (offer.effective_qos == mqtt::QoS::kExactlyOnce) offer.not_before = durably.journal->position();
    const bool window_is_full =
        entries_.size() >= std::max<std::size_t>(kPageMessages * 2, held_.limits().max_inflight * 2u);
    if (paged_out_ > 0 || is_fetching_ || window_is_full) {
      ++paged_out_;
      ++enqueued_since_fetch_;
      return outcome;
    }
  }
  // Only a store that counts wrong leaves a gap here; positions stay what they are.
  while (end_in_memory() < position) push_done();
  Entry entry;
  entry.message = std::move(offer.message);
  entry.subscription_identifiers = std::move(offer.subscription_identifiers);
  entry.not_before = offer.not_before;
  entry.share_tag = offer.share_tag;
  entry.cost = static_cast<std::uint32_t>(std::min<std::uint64_t>(cost, UINT32_MAX));
  entry.effective_qos = offer.effective_qos;
  entry.retain = offer.retain;
  entries_.push_back(std::move(entry));
  return outcome;
}

// ---- Send -----------------------------------------------------------------------------------------------------------

bool OutboundFlow::is_held(Durably durably) const noexcept {
  if (send_ >= end_in_memory() || send_ < front_) return false;
  const Entry& entry = entries_[send_ - front_];
  return entry.not_before != 0 && durably.waits && durably.journal != nullptr &&
         !durably.journal->is_durable(entry.not_before);
}

std::optional<OutboundFlow::Send> OutboundFlow::next(std::uint16_t quota, WallTime now, Durably durably,
                                                     const mqtt::Message* arriving) {
  send_ = std::max(send_, front_);
  while (send_ < end_in_memory()) {
    const std::size_t index = send_ - front_;
    Entry& entry = entries_[index];
    if (entry.state == State::kDone || (entry.state == State::kReleased && send_ < release_)) {
      ++send_;
      continue;
    }
    if (entry.state == State::kReleased) return send_of(send_++);
    if (in_flight_ >= window(quota) || index >= kPacketIds) return next_release();
    // Whose delivery has begun is delivered (MQTT-4.4.0-1), expired or not.
    if (entry.state == State::kQueued && entry.message->is_expired(now) && entry.message.get() != arriving) {
      ++expired_;
      finish(send_++, durably);
      continue;
    }
    if ((durably && send_ > announced_) || is_held(durably)) return std::nullopt;
    const Send send = send_of(send_);
    entry.state = State::kSent;
    entry.is_counted = true;
    ++in_flight_;
    sent_until_ = std::max(sent_until_, send_++);
    return send;
  }
  pop_done();
  return std::nullopt;
}

OutboundFlow::Send OutboundFlow::send_of(QueuePosition position) const noexcept {
  const Entry& entry = entries_[position - front_];
  return {packet_id_of(position),
          entry.state == State::kReleased,
          entry.state == State::kSent,
          entry.effective_qos,
          entry.retain,
          entry.message,
          &entry.subscription_identifiers};
}

/// There is no room for the next PUBLISH: the first PUBREL behind it that is due again.
std::optional<OutboundFlow::Send> OutboundFlow::next_release() noexcept {
  const QueuePosition end = std::min(sent_until_ + 1, end_in_memory());
  for (release_ = std::max(release_, send_); release_ < end; ++release_) {
    if (entries_[release_ - front_].state == State::kReleased) return send_of(release_++);
  }
  return std::nullopt;
}

void OutboundFlow::restart() noexcept {
  send_ = release_ = front_;
  in_flight_ = 0;
  // 5.0 section 4.9: what was sent on another connection takes no room on this one.
  const QueuePosition end = std::min(sent_until_ + 1, end_in_memory());
  for (QueuePosition at = front_; at < end; ++at) entries_[at - front_].is_counted = false;
}

// ---- Announce -------------------------------------------------------------------------------------------------------

namespace {

/// From this window on what is announced is ahead of what is sent, so that nothing waits for the store; below it
/// waiting once for a window costs little, and after a crash hardly anything is taken for sent that was not.
constexpr std::uint16_t kAheadFrom = 64;

}  // namespace

bool OutboundFlow::wants_announcement(std::uint16_t quota) const noexcept {
  if (announced_ + 1 >= end_of_announceable()) return false;
  const QueuePosition next = std::max(send_, front_);
  if (window(quota) >= kAheadFrom) return announced_ < next + window(quota) / 2u;
  return next > announced_ && next < end_in_memory() && in_flight_ < window(quota);
}

void OutboundFlow::announce(std::uint16_t quota) noexcept {
  const std::uint16_t all = window(quota);
  const std::uint16_t room = all > in_flight_ ? static_cast<std::uint16_t>(all - in_flight_) : std::uint16_t{0};
  // Not only what has room: one acknowledgement after another would cost a record each.
  const std::uint16_t step = all >= kAheadFrom ? all : std::max<std::uint16_t>(room, all / 2);
  const QueuePosition first = std::max({send_, front_, sent_until_ + 1});
  QueuePosition until = first + std::max<std::uint16_t>(step, 1) - 1;
  if (paged_out_ > 0) until = std::min(until, end_of_announceable() - 1);
  announced_ = std::max(announced_, until);
}

void OutboundFlow::announcement_is_at(std::uint64_t journal_position) noexcept {
  const QueuePosition end = std::min(end_in_memory(), announced_ + 1);
  for (QueuePosition at = std::max({send_, front_, sent_until_ + 1}); at < end; ++at) {
    std::uint64_t& not_before = entries_[at - front_].not_before;
    if (not_before == 0 || not_before < journal_position) not_before = journal_position;
  }
}

// ---- Acknowledge ----------------------------------------------------------------------------------------------------

OutboundFlow::Entry* OutboundFlow::in_flight_entry(mqtt::PacketId packet_id, QueuePosition& position) noexcept {
  if (packet_id == 0 || entries_.empty()) return nullptr;
  const std::uint64_t offset = (packet_id + kPacketIds - packet_id_of(front_)) % kPacketIds;
  position = front_ + offset;
  if (position >= end_in_memory()) return nullptr;
  Entry& entry = entries_[offset];
  // What was received before the connection was lost is known, its PUBREL said again or not.
  const bool is_in_flight = entry.state == State::kReleased || (entry.state == State::kSent && position < send_);
  return is_in_flight ? &entry : nullptr;
}

OutboundFlow::Acknowledged OutboundFlow::finish_in_flight(QueuePosition position, Durably durably) {
  if (entries_[position - front_].is_counted) --in_flight_;
  finish(position, durably);
  pop_done();
  return Acknowledged::kDone;
}

OutboundFlow::Acknowledged OutboundFlow::acknowledged(mqtt::PacketId packet_id, Durably durably) {
  QueuePosition position = 0;
  const Entry* entry = in_flight_entry(packet_id, position);
  if (entry == nullptr) return Acknowledged::kUnknown;
  if (entry->effective_qos != mqtt::QoS::kAtLeastOnce) return Acknowledged::kWrong;
  return finish_in_flight(position, durably);
}

OutboundFlow::Acknowledged OutboundFlow::refused(mqtt::PacketId packet_id, Durably durably) {
  QueuePosition position = 0;
  const Entry* entry = in_flight_entry(packet_id, position);
  if (entry == nullptr) return Acknowledged::kUnknown;
  if (entry->effective_qos != mqtt::QoS::kExactlyOnce) return Acknowledged::kWrong;
  // Received once, it is not refused any more; PUBCOMP ends it.
  if (entry->state == State::kReleased) return Acknowledged::kUnknown;
  return finish_in_flight(position, durably);
}

OutboundFlow::Acknowledged OutboundFlow::received(mqtt::PacketId packet_id, Durably durably) {
  QueuePosition position = 0;
  Entry* entry = in_flight_entry(packet_id, position);
  if (entry == nullptr) return Acknowledged::kUnknown;
  if (entry->effective_qos != mqtt::QoS::kExactlyOnce) return Acknowledged::kWrong;
  if (entry->state == State::kSent) {
    entry->state = State::kReleased;
    entry->message.reset();
    if (durably) durably.journal->queue_released(durably.number, position);
  }
  return Acknowledged::kReleased;
}

OutboundFlow::Acknowledged OutboundFlow::completed(mqtt::PacketId packet_id, Durably durably) {
  QueuePosition position = 0;
  const Entry* entry = in_flight_entry(packet_id, position);
  if (entry == nullptr) return Acknowledged::kUnknown;
  if (entry->state != State::kReleased) return Acknowledged::kWrong;
  return finish_in_flight(position, durably);
}

void OutboundFlow::finish(QueuePosition position, Durably durably) {
  Entry& entry = entries_[position - front_];
  held_.remove(entry.cost);
  entry.state = State::kDone;
  entry.message.reset();
  if (durably) durably.journal->queue_remove(durably.number, position, position);
}

void OutboundFlow::pop_done() noexcept {
  while (!entries_.empty() && entries_.front().state == State::kDone) {
    entries_.pop_front();
    ++front_;
  }
}

void OutboundFlow::push_done() {
  Entry done;
  done.state = State::kDone;
  entries_.push_back(std::move(done));
}

// ---- Pages ----------------------------------------------------------------------------------------------------------

void OutboundFlow::restore(const QueueSummary& summary, QueuePosition sent_until) {
  CHECK(entries_.empty() && held_.messages() == 0);
  // A record that does not say means everything that is stored; one that does means positions that are not used again.
  announced_ = sent_until_ = sent_until == kAllMayBeSent ? summary.last : sent_until;
  next_position_ = std::max(summary.last, sent_until_) + 1;
  front_ = summary.messages > 0 ? summary.first : next_position_;
  send_ = front_;
  paged_out_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(summary.messages, UINT32_MAX));
  held_.set(paged_out_, summary.bytes + summary.messages * kEntryOverhead);
}

bool OutboundFlow::wants_page() const noexcept {
  if (paged_out_ == 0 || is_fetching_) return false;
  const std::size_t unsent = end_in_memory() - std::min(std::max(send_, front_), end_in_memory());
  return unsent < kPageMessages / 2 && entries_.size() < kPacketIds;
}

QueuePosition OutboundFlow::begin_page() {
  is_fetching_ = true;
  enqueued_since_fetch_ = 0;
  fetch_until_ = next_position_ - 1;
  return end_in_memory() - 1;
}

void OutboundFlow::append_page(std::vector<QueueRecord> records, bool is_last) {
  is_fetching_ = false;
  for (QueueRecord& record : records) {
    if (record.position < end_in_memory() || record.position >= next_position_) continue;
    // Positions that were finished or dropped meanwhile leave gaps; they are done.
    while (end_in_memory() < record.position) push_done();
    Entry entry;
    entry.cost =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(record.message->cost() + kEntryOverhead, UINT32_MAX));
    entry.message = std::move(record.message);
    entry.subscription_identifiers = std::move(record.subscription_identifiers);
    entry.effective_qos = record.effective_qos;
    entry.retain = record.retain;
    entry.share_tag = record.share_tag;
    entry.state = record.position <= sent_until_ ? State::kSent : State::kQueued;
    if (record.released) {
      entry.state = State::kReleased;
      entry.message.reset();
    }
    entries_.push_back(std::move(entry));
    if (paged_out_ > 0) --paged_out_;
  }
  if (is_last) {
    // Whatever the store could not give back is gone for good; what came after the question is still there.
    const std::uint32_t lost = paged_out_ - std::min(paged_out_, enqueued_since_fetch_);
    held_.lose(lost);
    paged_out_ -= lost;
    while (end_in_memory() <= fetch_until_) push_done();
  }
  pop_done();
  send_ = std::max(send_, front_);
}

std::optional<OutboundFlow::Offer> OutboundFlow::take_front(Durably durably) {
  pop_done();
  if (entries_.empty()) return std::nullopt;
  Entry& entry = entries_.front();
  Offer offer{entry.message, entry.effective_qos, entry.retain, entry.subscription_identifiers, 0, 0};
  finish(front_, durably);
  pop_done();
  send_ = std::max(send_, front_);
  return offer;
}

}  // namespace mortise::session
