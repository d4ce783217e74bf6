#include "broker/storage/recovery.h"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>
#include <utility>

#include "broker/base/log.h"
#include "broker/storage/records.h"

namespace mortise::storage {
namespace {

/// Namespace, client id, share group.
using SessionOwner = std::tuple<std::string, std::string, std::string>;

SessionOwner owner_of(const session::SessionRecord& session) {
  if (!session.share_group.empty()) return {"", "", session.share_group};
  return {session.principal->name_space, session.principal->client_id, ""};
}

}  // namespace

Result<RecoveryReport> Recovery::run(hooks::StoreHooks& store) {
  store_name_ = std::string(store.name());
  std::uint64_t cursor = 0;
  do {
    auto next = store.load(cursor, [this](ByteView record) {
      add(record);
      return true;
    });
    if (!next) return std::move(next).as_failure();
    if (*next != 0 && *next == cursor)
      return failure("store " + store_name_ + ": loading does not advance; the store plugin is faulty");
    cursor = *next;
  } while (cursor != 0);
  hand_out();
  return report_;
}

void Recovery::add(ByteView bytes) {
  const auto record = RecordView::parse(bytes);
  if (!record) return skip(record.error().message);
  report_.next_session = std::max(report_.next_session, record->header().session + 1);
  report_.last_number = std::max(report_.last_number, record->header().number);
  if (!record->is_known()) {
    ++report_.unknown;
    return;
  }
  add_known(*record);
}

template <class Value, class Place>
void Recovery::add_part(const RecordView& record, Result<Value> decoded, Place place) {
  if (!decoded) return skip(decoded.error().message);
  place(sessions_[record.header().session].stored, std::move(decoded).value());
}

void Recovery::add_known(const RecordView& record) {
  switch (record.kind()) {
    case RecordKind::kSessionPut:
      return add_session(record);
    case RecordKind::kSubscriptionPut:
      return add_part(record, decode_subscription_put(record),
                      [](auto& stored, auto value) { stored.subscriptions.push_back(std::move(value)); });
    case RecordKind::kInboundPut:
      return add_part(record, decode_inbound_put(record),
                      [](auto& stored, auto value) { stored.inbound.push_back(value); });
    case RecordKind::kQueueSummary:
      return add_part(record, decode_queue_summary(record), [](auto& stored, auto value) { stored.queue = value; });
    case RecordKind::kWillPut:
      return add_part(record, decode_will_put(record), [](auto& stored, auto value) {
        stored.will = std::move(value.first);
        stored.will_due_at = value.second;
      });
    case RecordKind::kRetainedPut: {
      auto message = decode_retained_put(record);
      if (!message) return skip(message.error().message);
      ++report_.retained;
      return visitor_.retained(std::move(message).value());
    }
    case RecordKind::kMarkPut:
      return add_mark(record);
    case RecordKind::kEndOfPage:
      return;
    default:
      return skip("a record of a kind that has no place in a load");
  }
}

void Recovery::add_session(const RecordView& record) {
  auto decoded = decode_session_put(record);
  if (!decoded) return skip(decoded.error().message);
  Assembled& assembled = sessions_[record.header().session];
  assembled.stored.session = std::move(decoded).value();
  assembled.has_session = true;
}

void Recovery::add_mark(const RecordView& record) {
  const auto mark = record.as<hooks::MarkPutRecord>();
  report_.next_session = std::max(report_.next_session, mark.next_session);
}

void Recovery::skip(const std::string& why) {
  if (report_.bad++ == 0) {
    MORTISE_LOG(kWarning, "storage", "store %s: skipped a stored record that is not valid (%s); more are only counted",
                store_name_.c_str(), why.c_str());
  }
}

void Recovery::hand_out() {
  std::vector<session::SessionNumber> numbers;
  numbers.reserve(sessions_.size());
  for (const auto& [number, assembled] : sessions_) numbers.push_back(number);
  // Newest first: should a faulty store have one client's session twice, the older one is left out.
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  std::set<SessionOwner> owners;
  for (const session::SessionNumber number : numbers) {
    StoredSession& stored = sessions_.at(number).stored;
    if (!sessions_.at(number).has_session || !owners.insert(owner_of(stored.session)).second) {
      skip("what belongs to session " + std::to_string(number) +
           ", which is not there or older than another of its client");
      continue;
    }
    ++report_.sessions;
    report_.subscriptions += stored.subscriptions.size();
    report_.wills += stored.will ? 1 : 0;
    report_.queued_messages += stored.queue.messages;
    visitor_.session(std::move(stored));
  }
  sessions_.clear();
}

}  // namespace mortise::storage
