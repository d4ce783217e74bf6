#include "database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace store_sqlite {
namespace {

mortise::Error cannot_open(const std::string& path) {
  return mortise::Error(path + ": " + std::strerror(errno) +
                        ": its folder must exist and the broker's user must be able to write there");
}

/// SQLite gives its other files the mode of this one.
void make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) throw cannot_open(path);
  struct stat status {};
  const bool is_known = ::fstat(descriptor, &status) == 0;
  const bool is_file = is_known && S_ISREG(status.st_mode);
  if (is_file && (status.st_mode & 077) != 0 && status.st_uid == ::geteuid()) (void)::fchmod(descriptor, 0600);
  ::close(descriptor);
  if (!is_file) throw mortise::Error(path + ": is not a file: give the path of a file");
}

}  // namespace

FileLock::FileLock(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw cannot_open(path);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(descriptor_);
  throw mortise::Error(path + ": another broker uses this store: stop it, or give this one another path");
}

FileLock::~FileLock() { ::close(descriptor_); }

Database::Database(Options options) : options_(std::move(options)) {
  make_private_file(options_.path);
  lock_.emplace(options_.path + "-lock");
  open();
}

void Database::open() {
  connection_.emplace(options_.path);
  Connection& connection = *connection_;
  // The first statement that reads the file; a file that is no database is found here.
  connection.execute("PRAGMA journal_mode = WAL");
  prepare_schema(connection);
  connection.execute(("PRAGMA cache_size = -" + std::to_string(options_.cache_bytes / 1024)).c_str());
  connection.execute("PRAGMA temp_store = MEMORY");
  connection.execute("PRAGMA wal_autocheckpoint = 4000");
  connection.execute("PRAGMA journal_size_limit = 67108864");
  statements_.emplace(connection);
  set_durability(durability_);
  last_operation_ = static_cast<std::uint64_t>(connection.number("SELECT last_operation FROM state"));
}

void Database::reopen() {
  statements_.reset();
  connection_.reset();
  make_private_file(options_.path);
  open();
}

void Database::set_durability(std::uint64_t level) {
  durability_ = level;
  if (!connection_) return;
  // The broker spaces commits itself when it asks for an interval, so each one may be synchronous.
  connection_->execute(level == MORTISE_DURABILITY_NONE ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
}

void Database::commit(std::string_view batch, std::uint64_t first_operation, std::uint64_t last_operation) {
  if (!statements_) reopen();
  if (last_operation <= last_operation_) return;
  if (first_operation > last_operation_ + 1) {
    throw mortise::Error(options_.path + ": ends at operation " + std::to_string(last_operation_) + ", but " +
                             std::to_string(first_operation) +
                             " comes next: it was replaced while the broker ran; start the broker again",
                         mortise::Status::e_corrupt);
  }
  statements_->begin.run({});
  try {
    mortise::Records records(batch);
    for (const mortise::RecordView record : records) {
      if (record.number() > last_operation_) apply(record);
    }
    if (records.status() != mortise::Status::ok)
      throw mortise::Error(options_.path + ": the broker sent a damaged batch", mortise::Status::e_corrupt);
    statements_->applied_put.run({last_operation});
    statements_->commit.run({});
  } catch (...) {
    roll_back();
    throw;
  }
  last_operation_ = last_operation;
}

void Database::roll_back() noexcept {
  try {
    if (connection_->is_in_transaction()) statements_->rollback.run({});
  } catch (const mortise::Error&) {
    // What could not be rolled back goes with the connection; the next commit opens another.
    statements_.reset();
    connection_.reset();
  }
}

}  // namespace store_sqlite
