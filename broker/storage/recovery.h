#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/base/result.h"
#include "broker/hooks/instances.h"
#include "broker/session/journal.h"
#include "broker/storage/record_view.h"

namespace mortise::storage {

/// A durable session as the store had it.
struct StoredSession {
  session::SessionRecord session;
  std::vector<session::SubscriptionRecord> subscriptions;
  std::vector<mqtt::PacketId> inbound;
  session::QueueSummary queue;
  mqtt::MessagePtr will;
  WallTime will_due_at = kNeverWall;
};

/// Receives what survived. Thread: the store's, while Service::start waits.
class RecoveryVisitor {
 public:
  virtual ~RecoveryVisitor() = default;
  virtual void session(StoredSession session) = 0;
  virtual void retained(mqtt::MessagePtr message) = 0;
};

/// What recovery found.
struct RecoveryReport {
  std::uint64_t sessions = 0, subscriptions = 0, retained = 0, wills = 0, queued_messages = 0;
  std::uint64_t bad = 0;      // records that were skipped: damaged, or of no session
  std::uint64_t unknown = 0;  // records of a kind this version does not know; the store keeps them
  std::uint64_t last_number = 0;
  session::SessionNumber next_session = 1;
};

/// Reads everything but queues back, page by page, and puts sessions together. A record that is not valid is skipped
/// and counted; the first one is named in the log. Unsynchronised (the store thread's).
class Recovery {
 public:
  explicit Recovery(RecoveryVisitor& visitor) : visitor_(visitor) {}
  /// Errors: those of the store, and a store whose pages do not advance.
  Result<RecoveryReport> run(hooks::StoreHooks& store);

 private:
  void add(ByteView bytes);
  void add_known(const RecordView& record);
  void add_session(const RecordView& record);
  void add_mark(const RecordView& record);
  template <class Value, class Place>
  void add_part(const RecordView& record, Result<Value> decoded, Place place);
  void skip(const std::string& why);
  void hand_out();

  struct Assembled {
    StoredSession stored;
    bool has_session = false;
  };
  RecoveryVisitor& visitor_;
  RecoveryReport report_;
  std::string store_name_;
  std::unordered_map<session::SessionNumber, Assembled> sessions_;
};

}  // namespace mortise::storage
