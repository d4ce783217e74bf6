#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <mortise/record_block.hpp>
#include <mortise/store.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "database.h"

namespace store_sqlite::testing {

/// A folder that is gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "store-sqlite-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name = "mortise.db") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline Database::Options at(const std::string& path) {
  Database::Options options;
  options.path = path;
  return options;
}

inline std::string_view text_of(const mortise::RecordBlock& block) {
  return {block.bytes().data, static_cast<std::size_t>(block.bytes().size)};
}

/// Records numbered one by one, as the broker sends them.
class Batch {
 public:
  explicit Batch(std::uint64_t first) : first_(first), next_(first) {}

  template <class Fixed>
  Batch& put(const Fixed& fixed, std::uint64_t session, std::initializer_list<std::string_view> ranges = {}) {
    if (block_.put(fixed, next_++, session, ranges) != mortise::Status::ok) throw std::logic_error("bad record");
    return *this;
  }
  Batch& session(std::uint64_t number, std::string_view client_id, std::uint64_t expires_at = MORTISE_EXPIRES_NEVER,
                 std::string_view key = {}) {
    mortise_session_put put{};
    put.expires_at_ms = expires_at;
    return this->put(put, number, {key.empty() ? client_id : key, client_id, "ns", "body"});
  }
  /// One message in the queues of several sessions, at one position.
  Batch& queue(std::initializer_list<std::uint64_t> sessions, std::uint64_t position, std::string_view topic,
               std::string_view payload = "payload") {
    mortise_message_put message{};
    message.message = next_;
    message.refs = static_cast<std::uint32_t>(sessions.size());
    put(message, 0, {topic, payload, "body"});
    for (const std::uint64_t session : sessions) {
      mortise_queue_put entry{};
      entry.position = position;
      entry.message = message.message;
      entry.expires_at_ms = MORTISE_EXPIRES_NEVER;
      entry.qos = 1;
      entry.flags = 1;
      put(entry, session, {"entry"});
    }
    return *this;
  }
  Batch& remove(std::uint64_t session, std::uint64_t first, std::uint64_t last) {
    mortise_queue_remove remove{};
    remove.first_position = first;
    remove.last_position = last;
    return put(remove, session);
  }
  void commit(Database& database) const { database.commit(text_of(block_), first_, next_ - 1); }
  std::string_view bytes() const { return text_of(block_); }
  std::uint64_t last() const { return next_ - 1; }

 private:
  mortise::RecordBlock block_;
  std::uint64_t first_;
  std::uint64_t next_;
};

/// A record that was read back: its kind, session, and the ranges of its fixed part.
struct Row {
  std::uint32_t kind = 0;
  std::uint64_t session = 0;
  std::uint64_t number = 0;
  std::string whole;
  template <class Fixed>
  Fixed as() const {
    Fixed fixed;
    std::memcpy(&fixed, whole.data(), sizeof fixed);
    return fixed;
  }
  std::string bytes(mortise_range range) const { return whole.substr(range.offset, range.length); }
};

/// The rows of one page, and how it ended.
struct Page {
  std::vector<Row> rows;
  bool has_more = false;
  std::string cursor;
};

inline Page read(const mortise::RecordBlock& block) {
  Page page;
  mortise::Records records(text_of(block));
  for (const mortise::RecordView record : records) {
    if (const auto* end = record.as<mortise_end_of_page>()) {
      page.has_more = end->more != 0;
      page.cursor = std::string(record.bytes(end->cursor));
    } else {
      page.rows.push_back({record.kind(), record.session(), record.number(), std::string(record.whole())});
    }
  }
  if (records.status() != mortise::Status::ok) throw std::logic_error("the page is damaged");
  return page;
}

/// Everything load gives, over as many pages as it takes.
inline std::vector<Row> load_all(Database& database, std::uint64_t max_bytes = 1 << 20) {
  std::vector<Row> rows;
  Page page;
  do {
    mortise::RecordBlock block;
    database.load(page.cursor, max_bytes, block);
    page = read(block);
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
  } while (page.has_more);
  return rows;
}

inline Page fetch(Database& database, std::uint64_t session, std::uint64_t after, std::uint64_t max_messages = 1000,
                  std::uint64_t max_bytes = 1 << 20) {
  mortise::RecordBlock block;
  database.fetch(session, after, max_messages, max_bytes, block);
  return read(block);
}

inline std::vector<Row> of_kind(const std::vector<Row>& rows, std::uint32_t kind) {
  std::vector<Row> found;
  for (const Row& row : rows) {
    if (row.kind == kind) found.push_back(row);
  }
  return found;
}

/// Positions in a session's queue.
inline std::vector<std::uint64_t> positions(Database& database, std::uint64_t session) {
  std::vector<std::uint64_t> found;
  for (const Row& row : of_kind(fetch(database, session, 0, 1'000'000, 1u << 30).rows, MORTISE_RECORD_QUEUE_PUT))
    found.push_back(row.as<mortise_queue_put>().position);
  return found;
}

/// Asks the file itself, as the sqlite3 shell would.
inline std::int64_t ask(const std::string& path, const char* sql) { return Connection(path).number(sql); }

}  // namespace store_sqlite::testing
