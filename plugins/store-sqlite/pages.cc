#include <cstring>
#include <unordered_set>

#include "database.h"

namespace store_sqlite {
namespace {

/// The tables that load walks through, in this order.
enum Table : std::uint8_t { kSessions = 1, kSubscriptions, kInbound, kWills, kRetained, kSummaries, kUnknown, kEnd };

constexpr unsigned kTableShift = 56;

void end_page(mortise::RecordBlock& page, bool has_more, std::string_view cursor) {
  mortise_end_of_page end{};
  end.more = has_more ? 1 : 0;
  page.put(end, 0, 0, {cursor});
}

}  // namespace

Database::Cursor Database::decode_cursor(std::string_view bytes) {
  if (bytes.empty()) return {kSessions, 0};
  std::uint64_t number = 0;
  if (bytes.size() != sizeof number) throw mortise::Error("load: a cursor that this store never gave");
  std::memcpy(&number, bytes.data(), sizeof number);
  return {static_cast<std::uint8_t>(number >> kTableShift), number & ((std::uint64_t{1} << kTableShift) - 1)};
}

std::string Database::encode_cursor(const Cursor& cursor) {
  const std::uint64_t number = (std::uint64_t{cursor.table} << kTableShift) | cursor.after;
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

void Database::load(std::string_view cursor, std::uint64_t max_bytes, mortise::RecordBlock& page) {
  if (!statements_) reopen();
  if (cursor.empty()) put_mark(page);
  for (Cursor at = decode_cursor(cursor); at.table < kEnd; at = {static_cast<std::uint8_t>(at.table + 1), 0}) {
    if (const auto last = load_table(at, max_bytes, page)) {
      end_page(page, true, encode_cursor({at.table, *last}));
      return;
    }
  }
  end_page(page, false, {});
}

void Database::put_mark(mortise::RecordBlock& page) {
  Statement& state = statements_->mark_get;
  state.begin({});
  if (!state.step())
    throw mortise::Error(options_.path + ": its state is missing: restore a copy", mortise::Status::e_corrupt);
  mortise_mark_put mark{};
  mark.next_session = state.number(1);
  mark.next_message = state.number(2);
  page.put(mark, state.number(0), 0, {state.bytes(3)});
  state.reset();
}

template <class Emit>
std::optional<std::uint64_t> Database::load_rows(Statement& rows, std::uint64_t after, std::uint64_t max_bytes,
                                                 mortise::RecordBlock& page, Emit emit) {
  rows.begin({after});
  while (rows.step()) {
    emit();
    if (page.size() < max_bytes) continue;
    const std::uint64_t last = rows.number(0);
    rows.reset();
    return last;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Database::load_table(const Cursor& cursor, std::uint64_t max_bytes,
                                                  mortise::RecordBlock& page) {
  Statements& sql = *statements_;
  switch (cursor.table) {
    case kSessions:
      return load_rows(sql.sessions, cursor.after, max_bytes, page, [&, &row = sql.sessions] {
        mortise_session_put put{};
        put.expires_at_ms = row.time(4);
        page.put(put, 0, row.number(0), {row.bytes(1), row.bytes(2), row.bytes(3), row.bytes(5)});
      });
    case kSubscriptions:
      return load_rows(sql.subscriptions, cursor.after, max_bytes, page, [&, &row = sql.subscriptions] {
        page.put(mortise_subscription_put{}, 0, row.number(1), {row.bytes(2), row.bytes(3)});
      });
    case kInbound:
      return load_rows(sql.inbounds, cursor.after, max_bytes, page, [&, &row = sql.inbounds] {
        mortise_inbound_put put{};
        put.packet_id = static_cast<std::uint16_t>(row.number(2));
        page.put(put, 0, row.number(1), {});
      });
    case kWills:
      return load_rows(sql.wills, cursor.after, max_bytes, page, [&, &row = sql.wills] {
        mortise_will_put put{};
        put.due_at_ms = row.time(1);
        page.put(put, 0, row.number(0), {row.bytes(2), row.bytes(3), row.bytes(4)});
      });
    case kRetained:
      return load_rows(sql.retained, cursor.after, max_bytes, page, [&, &row = sql.retained] {
        mortise_retained_put put{};
        put.expires_at_ms = row.time(2);
        page.put(put, 0, 0, {row.bytes(1), row.bytes(3), row.bytes(4)});
      });
    case kSummaries:
      return load_rows(sql.queue_summaries, cursor.after, max_bytes, page, [&, &row = sql.queue_summaries] {
        mortise_queue_summary summary{};
        summary.first_position = row.number(1);
        summary.last_position = row.number(2);
        summary.count = row.number(3);
        summary.bytes = row.number(4);
        page.put(summary, 0, row.number(0), {});
      });
    case kUnknown:
      return load_rows(sql.unknowns, cursor.after, max_bytes, page,
                       [&, &row = sql.unknowns] { (void)page.put_whole(row.bytes(1)); });
    default:
      return std::nullopt;
  }
}

void Database::fetch(std::uint64_t session, std::uint64_t after, std::uint64_t max_messages, std::uint64_t max_bytes,
                     mortise::RecordBlock& page) {
  if (!statements_) reopen();
  Statement& row = statements_->queue_fetch;
  row.begin({session, after});
  std::unordered_set<std::uint64_t> emitted;
  std::uint64_t messages = 0;
  bool has_more = false;
  while (row.step()) {
    has_more = messages == max_messages || (messages != 0 && page.size() >= max_bytes);
    if (has_more) break;
    const std::uint64_t number = row.number(1);
    if (emitted.insert(number).second) {
      mortise_message_put message{};
      message.message = number;
      message.refs = static_cast<std::uint32_t>(row.number(7));
      page.put(message, 0, 0, {row.bytes(8), row.bytes(9), row.bytes(10)});
    }
    mortise_queue_put entry{};
    entry.position = row.number(0);
    entry.message = number;
    entry.expires_at_ms = row.time(2);
    entry.qos = static_cast<std::uint16_t>(row.number(3));
    entry.flags = static_cast<std::uint16_t>(row.number(4));
    entry.state = static_cast<std::uint32_t>(row.number(5));
    page.put(entry, 0, session, {row.bytes(6)});
    ++messages;
  }
  row.reset();
  end_page(page, has_more, {});
}

}  // namespace store_sqlite
