#pragma once

#include <string>
#include <vector>

#include "broker/session/journal.h"

namespace mortise::session::testing {

/// Writes down what a flow journals; durable up to where the test says. For tests.
class RecordingJournal final : public Journal {
 public:
  SessionNumber new_session_number() override { return 1; }
  void session_put(const SessionRecord&) override { note("session_put"); }
  void session_remove(SessionNumber) override { note("session_remove"); }
  void subscription_put(SessionNumber, const SubscriptionRecord&) override { note("subscription_put"); }
  void subscription_remove(SessionNumber, std::string_view) override { note("subscription_remove"); }
  void queue_put(SessionNumber, const QueueRecord& record) override {
    queue.push_back(record);
    note("put " + std::to_string(record.position));
  }
  void queue_released(SessionNumber, QueuePosition position) override {
    for (QueueRecord& record : queue) record.released |= record.position == position;
    note("released " + std::to_string(position));
  }
  void queue_remove(SessionNumber, QueuePosition first, QueuePosition last) override {
    std::erase_if(queue,
                  [&](const QueueRecord& record) { return record.position >= first && record.position <= last; });
    note("remove " + std::to_string(first));
  }
  void inbound_put(SessionNumber, mqtt::PacketId id) override { note("inbound_put " + std::to_string(id)); }
  void inbound_remove(SessionNumber, mqtt::PacketId id) override { note("inbound_remove " + std::to_string(id)); }
  void retained_put(const mqtt::MessagePtr&, std::uint64_t) override {}
  void retained_remove(std::string_view, std::uint64_t) override {}
  void will_put(SessionNumber, WallTime, const mqtt::MessagePtr&) override {}
  void will_remove(SessionNumber) override {}
  std::uint64_t position() const noexcept override { return log.size(); }
  bool is_durable(std::uint64_t position) const noexcept override { return position <= durable; }
  std::uint64_t new_group() override { return 1; }
  void begin_piece(std::uint64_t, std::uint32_t) override {}
  void end_piece() override {}
  void fetch(SessionNumber, QueuePosition, std::uint32_t, std::uint64_t) override {}
  void flush() override {}
  bool has_credit() const noexcept override { return true; }

  /// The page a store would answer with.
  std::vector<QueueRecord> page(QueuePosition after, std::size_t maximum, bool& is_last) const {
    std::vector<QueueRecord> records;
    is_last = true;
    for (const QueueRecord& record : queue) {
      if (record.position <= after) continue;
      if (records.size() == maximum) {
        is_last = false;
        break;
      }
      records.push_back(record);
    }
    return records;
  }

  std::vector<std::string> log;
  std::vector<QueueRecord> queue;
  std::uint64_t durable = UINT64_MAX;

 private:
  void note(std::string what) { log.push_back(std::move(what)); }
};

}  // namespace mortise::session::testing
