#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/storage/service.h"

namespace mortise::storage::testing {

inline mqtt::MessagePtr message(std::string_view topic, std::string_view payload = "payload") {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = as_bytes(payload);
  fields.qos = mqtt::QoS::kAtLeastOnce;
  return mqtt::Message::make(fields);
}

inline session::QueueRecord entry(session::QueuePosition position, mqtt::MessagePtr message) {
  session::QueueRecord record;
  record.position = position;
  record.message = std::move(message);
  return record;
}

inline session::SessionRecord session_of(session::SessionNumber number, const std::string& client_id) {
  auto principal = std::make_shared<mqtt::Principal>();
  principal->client_id = client_id;
  session::SessionRecord record;
  record.number = number;
  record.principal = std::move(principal);
  record.expiry_interval = 3600;
  return record;
}

/// Remembers what the service told. Internally synchronised.
class Heard final : public StoreEvents {
 public:
  void durable(LoopIndex loop, std::uint64_t position) override {
    change([&] { positions[loop] = position; });
  }
  void page(LoopIndex loop, Page page) override {
    change([&] { pages.emplace_back(loop, std::move(page)); });
  }
  void state(bool is_failing) override {
    change([&] { states.push_back(is_failing); });
  }
  /// Waits until `condition` holds; false after ten seconds.
  template <class Condition>
  bool wait_for(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }
  bool wait_for_position(LoopIndex loop, std::uint64_t position) {
    return wait_for([&] { return positions[loop] >= position; });
  }

  std::map<LoopIndex, std::uint64_t> positions;
  std::vector<std::pair<LoopIndex, Page>> pages;
  std::vector<bool> states;

 private:
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// Keeps what was recovered.
class Found final : public RecoveryVisitor {
 public:
  void session(StoredSession session) override { sessions.push_back(std::move(session)); }
  void retained(mqtt::MessagePtr message) override { retained_messages.push_back(std::move(message)); }
  std::vector<StoredSession> sessions;
  std::vector<mqtt::MessagePtr> retained_messages;
};

inline Service::Options options(std::size_t loops = 1) {
  Service::Options options;
  options.loops = loops;
  options.retry_first = Millis(1);
  options.retry_max = Millis(4);
  return options;
}

}  // namespace mortise::storage::testing
