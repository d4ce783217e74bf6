#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "broker/session/journal.h"

namespace mortise::core::testing {

/// What the journals of all loops share.
struct JournalLedger {
  session::SessionNumber last_session = 0;
  std::uint64_t last_group = 0;
  /// What pieces still owe their groups: each group comes to 0 when its pieces are all there.
  std::map<std::uint64_t, std::int64_t> outstanding;
  std::map<std::string, mqtt::MessagePtr> retained;
};

/// A journal that writes down what it is told, and is durable when the test says so. One per loop; for tests.
class TestJournal final : public session::Journal {
 public:
  explicit TestJournal(JournalLedger& ledger) : ledger_(ledger) {}

  session::SessionNumber new_session_number() override { return ++ledger_.last_session; }
  void session_put(const session::SessionRecord& record) override {
    sessions[record.number].record = record;
    note("session_put " + std::to_string(record.number));
  }
  void session_remove(session::SessionNumber session) override {
    CHECK(sessions.erase(session) == 1);
    stored.erase(session);
    note("session_remove " + std::to_string(session));
  }
  void subscription_put(session::SessionNumber session, const session::SubscriptionRecord& record) override {
    sessions[session].subscriptions[record.filter] = record;
    note("subscription_put " + record.filter);
  }
  void subscription_remove(session::SessionNumber session, std::string_view filter) override {
    sessions[session].subscriptions.erase(std::string(filter));
    note("subscription_remove " + std::string(filter));
  }
  void queue_put(session::SessionNumber session, const session::QueueRecord& record) override {
    auto& queue = stored[session];
    CHECK(queue.empty() || queue.back().position < record.position);
    queue.push_back(record);
    note("queue_put " + std::to_string(record.position));
  }
  void queue_released(session::SessionNumber session, session::QueuePosition position) override {
    for (session::QueueRecord& record : stored[session]) record.released |= record.position == position;
    note("queue_released " + std::to_string(position));
  }
  void queue_remove(session::SessionNumber session, session::QueuePosition first,
                    session::QueuePosition last) override {
    std::erase_if(stored[session],
                  [&](const auto& record) { return record.position >= first && record.position <= last; });
    note("queue_remove " + std::to_string(first));
  }
  void inbound_put(session::SessionNumber session, mqtt::PacketId id) override {
    sessions[session].inbound.insert(id);
    note("inbound_put " + std::to_string(id));
  }
  void inbound_remove(session::SessionNumber session, mqtt::PacketId id) override {
    sessions[session].inbound.erase(id);
    note("inbound_remove " + std::to_string(id));
  }
  void retained_put(const mqtt::MessagePtr& message, std::uint64_t) override {
    ledger_.retained[std::string(message->topic())] = message;
    note("retained_put " + std::string(message->topic()));
  }
  void retained_remove(std::string_view topic, std::uint64_t) override {
    ledger_.retained.erase(std::string(topic));
    note("retained_remove " + std::string(topic));
  }
  void will_put(session::SessionNumber session, WallTime due_at, const mqtt::MessagePtr& message) override {
    sessions[session].will = message;
    sessions[session].will_due_at = due_at;
    note("will_put " + std::string(message->topic()));
  }
  void will_remove(session::SessionNumber session) override {
    sessions[session].will = {};
    note("will_remove");
  }
  std::uint64_t position() const noexcept override { return position_; }
  bool is_durable(std::uint64_t position) const noexcept override { return position <= durable; }
  std::uint64_t new_group() override { return ++ledger_.last_group; }
  void begin_piece(std::uint64_t group, std::uint32_t announces) override {
    CHECK(!is_in_piece_);
    is_in_piece_ = true;
    std::int64_t& owed = ledger_.outstanding[group] += static_cast<std::int64_t>(announces) - 1;
    if (owed == 0) ledger_.outstanding.erase(group);
    note("begin_piece " + std::to_string(group) + " announces " + std::to_string(announces));
  }
  void end_piece() override {
    CHECK(is_in_piece_);
    is_in_piece_ = false;
    note("end_piece");
  }
  void fetch(session::SessionNumber session, session::QueuePosition after, std::uint32_t max_messages,
             std::uint64_t) override {
    fetches.push_back({session, after, max_messages});
  }
  void flush() override { CHECK(!is_in_piece_); }
  bool has_credit() const noexcept override { return credit; }

  struct Fetch {
    session::SessionNumber session;
    session::QueuePosition after;
    std::uint32_t max_messages;
  };
  std::size_t count(std::string_view beginning) const {
    std::size_t found = 0;
    for (const std::string& line : log) found += line.starts_with(beginning) ? 1 : 0;
    return found;
  }

  /// What is stored of a session, its queue apart.
  struct Stored {
    session::SessionRecord record;
    std::map<std::string, session::SubscriptionRecord> subscriptions;
    std::set<mqtt::PacketId> inbound;
    mqtt::MessagePtr will;
    WallTime will_due_at = kNeverWall;
  };
  /// What is stored of a session's queue without reading it.
  session::QueueSummary summary(session::SessionNumber session) const {
    const auto at = stored.find(session);
    if (at == stored.end() || at->second.empty()) return {};
    return {at->second.front().position, at->second.back().position, at->second.size(), at->second.size() * 100};
  }

  std::vector<std::string> log;
  std::map<session::SessionNumber, Stored> sessions;  // put and not removed
  std::map<session::SessionNumber, std::vector<session::QueueRecord>> stored;
  std::vector<Fetch> fetches;
  std::uint64_t durable = 0;
  bool credit = true;

 private:
  void note(std::string what) {
    log.push_back(std::move(what));
    ++position_;
  }
  JournalLedger& ledger_;
  std::uint64_t position_ = 0;
  bool is_in_piece_ = false;
};

}  // namespace mortise::core::testing
