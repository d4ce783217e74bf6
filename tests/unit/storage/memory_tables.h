#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/storage/record_buffer.h"
#include "broker/storage/record_view.h"

namespace mortise::storage::testing {

inline std::string copy_of(ByteView bytes) { return std::string(as_text(bytes)); }

/// The tables of a store plugin, in memory: whole records by their keys. Unsynchronised.
class MemoryTables {
 public:
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
  std::vector<std::string> extra;  // given back with everything, as they are
  std::string mark;
  std::uint64_t last_number = 0;

 protected:
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
};

}  // namespace mortise::storage::testing
