#pragma once

#include <cstddef>
#include <cstdint>
#include <mortise/record_block.hpp>
#include <mortise/store.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "schema.h"
#include "sqlite.h"

namespace store_sqlite {

/// Keeps a file locked for this process; the lock goes with the process, however it ends.
class FileLock {
 public:
  /// Errors: e_failed, naming the file: it cannot be made, or another process holds it.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// A broker's durable state in one SQLite file (WAL). Every function throws mortise::Error with one line that names the
/// file and the remedy. Unsynchronised: one thread at a time.
class Database {
 public:
  struct Options {
    std::string path;
    std::uint64_t cache_bytes = 16u << 20;
  };
  /// Makes the file (mode 0600) if it is not there, locks it against other brokers, and checks that it is a store of
  /// this version. Errors: e_failed, e_corrupt, e_no_space.
  explicit Database(Options options);

  /// Closes and opens again, as after a failure.
  void reopen();
  /// `level`: MORTISE_DURABILITY_...
  void set_durability(std::uint64_t level);

  /// Applies all records of a batch or none. Records with numbers that were applied before change nothing.
  /// Errors: e_no_space, e_failed, e_corrupt (a damaged batch, or one that leaves out operations).
  void commit(std::string_view batch, std::uint64_t first_operation, std::uint64_t last_operation);
  /// Writes one page of everything but queues into `page`, with its end_of_page. Errors: e_corrupt, e_failed.
  void load(std::string_view cursor, std::uint64_t max_bytes, mortise::RecordBlock& page);
  /// Writes one page of a session's queue into `page`, with its end_of_page. Errors: e_corrupt, e_failed.
  void fetch(std::uint64_t session, std::uint64_t after, std::uint64_t max_messages, std::uint64_t max_bytes,
             mortise::RecordBlock& page);
  /// The number of the last operation in the file.
  std::uint64_t last_operation() const { return last_operation_; }

 private:
  /// A position of load: which table, and behind which row of it. Its form as bytes is 8 bytes, little-endian, never 0.
  struct Cursor {
    std::uint8_t table = 0;
    std::uint64_t after = 0;
  };
  void open();
  void roll_back() noexcept;
  void apply(const mortise::RecordView& record);
  bool apply_to_session(const mortise::RecordView& record);
  bool apply_to_queue(const mortise::RecordView& record);
  void put_session(const mortise::RecordView& record, const mortise_session_put& put);
  void remove_session(std::uint64_t session);
  void put_message(const mortise::RecordView& record, const mortise_message_put& put);
  void put_queue(const mortise::RecordView& record, const mortise_queue_put& put);
  void remove_queue(std::uint64_t session, std::uint64_t first, std::uint64_t last);
  void drop_reference(std::uint64_t message);

  void put_mark(mortise::RecordBlock& page);
  /// Steps through one table; the row it ended at, or nothing at the table's end.
  std::optional<std::uint64_t> load_table(const Cursor& cursor, std::uint64_t max_bytes, mortise::RecordBlock& page);
  template <class Emit>
  std::optional<std::uint64_t> load_rows(Statement& rows, std::uint64_t after, std::uint64_t max_bytes,
                                         mortise::RecordBlock& page, Emit emit);
  static Cursor decode_cursor(std::string_view bytes);
  static std::string encode_cursor(const Cursor& cursor);

  const Options options_;
  std::optional<FileLock> lock_;
  std::optional<Connection> connection_;
  std::optional<Statements> statements_;
  std::uint64_t durability_ = MORTISE_DURABILITY_COMMIT;
  std::uint64_t last_operation_ = 0;
  // Of the message_put last applied, for the queue entries behind it.
  std::uint64_t message_ = 0;
  std::uint64_t message_bytes_ = 0;
};

}  // namespace store_sqlite
