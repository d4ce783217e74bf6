#pragma once

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/hooks/instances.h"
#include "broker/storage/record_buffer.h"
#include "broker/storage/record_view.h"

namespace mortise::storage::testing {

inline std::string copy_of(ByteView bytes) { return std::string(as_text(bytes)); }

/// A store plugin in memory: applies batches as the ABI says, can be told to fail, to wait, and to lie. Internally
/// synchronised.
class MemoryStore final : public hooks::StoreHooks {
 public:
  struct Commit {
    std::uint64_t first = 0, last = 0;
    std::vector<std::string> records;
  };

  std::string_view name() const noexcept override { return "memory"; }
  Result<void> open() override {
    const std::lock_guard lock(mutex_);
    ++opened;
    thread = std::this_thread::get_id();
    if (refuses_to_open) return failure("memory: cannot be opened: give it another chance");
    return {};
  }

  Result<void> commit(ByteView batch, std::uint64_t first, std::uint64_t last) override {
    std::unique_lock lock(mutex_);
    ++attempts;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_held; });
    if (thread != std::this_thread::get_id()) return failure("called on another thread");
    if (failures_left > 0) {
      --failures_left;
      return failure("no space is left");
    }
    Commit done{first, last, {}};
    RecordsView records(batch);
    while (const auto record = records.next()) {
      const auto view = RecordView::parse(*record);
      if (!view) return failure(view.error().message);
      if (view->header().number > last_number) apply(*view);
      done.records.push_back(copy_of(*record));
    }
    if (records.is_damaged()) return failure("damaged batch");
    last_number = last;
    commits.push_back(std::move(done));
    changed_.notify_all();
    return {};
  }

  Result<std::uint64_t> load(std::uint64_t cursor, const Sink& sink) override {
    const std::lock_guard lock(mutex_);
    if (fails_to_load) return failure("memory: damaged: restore a copy");
    std::vector<std::string> all = everything();
    std::size_t at = cursor;
    for (; at < all.size() && at < cursor + page_size; ++at) {
      if (!sink(as_bytes(all[at]))) return 0;
    }
    return at < all.size() ? at : 0;
  }

  Result<void> fetch(std::uint64_t session, std::uint64_t after, std::uint32_t max_messages, std::uint64_t,
                     const Sink& sink) override {
    const std::lock_guard lock(mutex_);
    ++fetched;
    if (fails_to_fetch) return failure("memory: damaged");
    std::uint32_t sent = 0;
    bool has_more = false;
    for (const auto& [position, entry] : queues[session]) {
      if (position <= after) continue;
      has_more = sent == max_messages;
      if (has_more) break;
      if (!sink(as_bytes(messages[entry.message].record)) || !sink(as_bytes(entry.record))) return {};
      ++sent;
    }
    if (!says_end_of_page) return {};
    RecordBuffer end;
    hooks::EndOfPageRecord fixed{};
    fixed.more = has_more ? 1 : 0;
    end.append(fixed, {ByteView()});
    sink(end.view());
    return {};
  }

  /// Waits until `condition` holds; false after ten seconds.
  template <class Condition>
  bool wait_for(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }
  void hold() { set(is_held, true); }
  void release() { set(is_held, false); }
  template <class Value>
  void set(Value& value, Value to) {
    const std::lock_guard lock(mutex_);
    value = to;
    changed_.notify_all();
  }
  template <class Value>
  Value get(const Value& value) {
    const std::lock_guard lock(mutex_);
    return value;
  }

  struct Message {
    std::string record;
    std::uint32_t refs = 0;
  };
  struct Entry {
    std::string record;
    std::uint64_t message = 0;
  };
  using Key = std::pair<std::uint64_t, std::string>;
  std::map<std::uint64_t, std::string> sessions, wills;
  std::map<Key, std::string> subscriptions, inbound;
  std::map<std::string, std::string> retained;
  std::map<std::uint64_t, Message> messages;
  std::map<std::uint64_t, std::map<std::uint64_t, Entry>> queues;
  std::vector<std::string> extra;  // emitted by load as they are
  std::string mark;
  std::vector<Commit> commits;
  std::uint64_t last_number = 0;
  std::uint64_t attempts = 0, opened = 0, fetched = 0;
  std::uint64_t failures_left = 0;
  std::size_t page_size = 7;
  bool refuses_to_open = false, fails_to_load = false, fails_to_fetch = false, is_held = false, says_end_of_page = true;
  std::thread::id thread;

 private:
  void apply(const RecordView& record) {
    const std::uint64_t session = record.header().session;
    const std::string whole = copy_of(record.bytes());
    switch (record.kind()) {
      case RecordKind::kSessionPut:
        sessions[session] = whole;
        break;
      case RecordKind::kSessionRemove:
        remove_session(session);
        break;
      case RecordKind::kSubscriptionPut:
        subscriptions[{session, copy_of(record.range(record.as<hooks::SubscriptionPutRecord>().filter))}] = whole;
        break;
      case RecordKind::kSubscriptionRemove:
        subscriptions.erase({session, copy_of(record.range(record.as<hooks::SubscriptionRemoveRecord>().filter))});
        break;
      case RecordKind::kInboundPut:
        inbound[{session, std::to_string(record.as<hooks::InboundPutRecord>().packet_id)}] = whole;
        break;
      case RecordKind::kInboundRemove:
        inbound.erase({session, std::to_string(record.as<hooks::InboundRemoveRecord>().packet_id)});
        break;
      case RecordKind::kRetainedPut:
        retained[copy_of(record.range(record.as<hooks::RetainedPutRecord>().topic))] = whole;
        break;
      case RecordKind::kRetainedRemove:
        retained.erase(copy_of(record.range(record.as<hooks::RetainedRemoveRecord>().topic)));
        break;
      case RecordKind::kWillPut:
        wills[session] = whole;
        break;
      case RecordKind::kWillRemove:
        wills.erase(session);
        break;
      case RecordKind::kMarkPut:
        mark = whole;
        break;
      default:
        apply_to_queue(record, session, whole);
    }
  }

  void apply_to_queue(const RecordView& record, std::uint64_t session, const std::string& whole) {
    if (record.kind() == RecordKind::kMessagePut) {
      const auto put = record.as<hooks::MessagePutRecord>();
      messages[put.message] = {whole, put.refs};
    } else if (record.kind() == RecordKind::kQueuePut) {
      const auto put = record.as<hooks::QueuePutRecord>();
      queues[session][put.position] = {whole, put.message};
    } else if (record.kind() == RecordKind::kQueueState) {
      const auto state = record.as<hooks::QueueStateRecord>();
      const auto found = queues[session].find(state.position);
      if (found == queues[session].end()) return;
      std::memcpy(found->second.record.data() + offsetof(hooks::QueuePutRecord, state), &state.state, 4);
    } else if (record.kind() == RecordKind::kQueueRemove) {
      const auto remove = record.as<hooks::QueueRemoveRecord>();
      remove_entries(session, remove.first_position, remove.last_position);
    }
  }

  void remove_entries(std::uint64_t session, std::uint64_t first, std::uint64_t last) {
    auto& queue = queues[session];
    for (auto at = queue.lower_bound(first); at != queue.end() && at->first <= last; at = queue.erase(at)) {
      if (--messages[at->second.message].refs == 0) messages.erase(at->second.message);
    }
  }

  void remove_session(std::uint64_t session) {
    remove_entries(session, 0, ~std::uint64_t{0});
    queues.erase(session);
    sessions.erase(session);
    wills.erase(session);
    std::erase_if(subscriptions, [session](const auto& row) { return row.first.first == session; });
    std::erase_if(inbound, [session](const auto& row) { return row.first.first == session; });
  }

  std::vector<std::string> everything() {
    std::vector<std::string> all;
    RecordBuffer first;
    hooks::MarkPutRecord fixed{};
    if (!mark.empty()) std::memcpy(&fixed, mark.data(), sizeof fixed);
    fixed.header.number = last_number;
    first.append(fixed, {ByteView()});
    all.push_back(copy_of(first.view()));
    const auto add = [&all](const auto& table) {
      for (const auto& [key, record] : table) all.push_back(record);
    };
    // Parts before the sessions they belong to: any order is allowed.
    add(subscriptions);
    add(inbound);
    add(sessions);
    add(retained);
    add(wills);
    for (const auto& [session, queue] : queues) {
      if (queue.empty()) continue;
      RecordBuffer summary;
      hooks::QueueSummaryRecord row{};
      row.header.session = session;
      row.first_position = queue.begin()->first;
      row.last_position = queue.rbegin()->first;
      row.count = queue.size();
      row.bytes = 10 * queue.size();
      summary.append(row);
      all.push_back(copy_of(summary.view()));
    }
    all.insert(all.end(), extra.begin(), extra.end());
    return all;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace mortise::storage::testing
