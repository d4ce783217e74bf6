#include "sqlite.h"

#include <mortise/abi.h>
#include <mortise/detail/store_layouts.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace store_sqlite {
namespace {

bool is_out_of_space(int code, int system_error) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  return (code & 0xff) == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG);
}

/// The errno of the file operation that failed; 0 if none did. SQLite keeps it with the file: the database or its WAL.
int system_error_of(sqlite3* db) {
  int error = sqlite3_system_errno(db);
  if (error == 0) (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  sqlite3_file* wal = nullptr;
  const int found = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (error == 0 && found == SQLITE_OK && wal != nullptr && wal->pMethods != nullptr)
    (void)wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &error);
  return error;
}

const char* remedy_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "it is damaged, or no store: move it away or restore a copy (`sqlite3 FILE .recover` may save the rest)";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program has locked it: close that program";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return "the broker's user must be able to write the file and its folder";
    default:
      return "check the disk";
  }
}

}  // namespace

Connection::Connection(const std::string& path) : path_(path) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  check(code);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 2000);
}

void Connection::execute(const char* sql) { check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr)); }

std::int64_t Connection::number(const char* sql) {
  Statement statement(*this, sql);
  statement.begin({});
  const std::int64_t value = statement.step() ? static_cast<std::int64_t>(statement.number(0)) : 0;
  statement.reset();
  return value;
}

void Connection::check(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  const std::string said = sqlite3_errmsg(db_.get());
  const bool is_of_file = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  const int system_error = is_of_file ? system_error_of(db_.get()) : 0;
  if (is_out_of_space(code, system_error)) {
    throw mortise::Error(path_ + ": no space is left on its disk: free some, then it goes on by itself",
                         mortise::Status::e_no_space);
  }
  std::string text = path_ + ": " + said;
  if (system_error != 0) text += std::string(" (") + std::strerror(system_error) + ")";
  text += std::string(": ") + remedy_of(code);
  const bool is_damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
  throw mortise::Error(text, is_damaged ? mortise::Status::e_corrupt : mortise::Status::e_failed);
}

ValueView ValueView::time(std::uint64_t milliseconds) {
  if (milliseconds == MORTISE_EXPIRES_NEVER) return {Kind::kNull, {}};
  return ValueView(std::min(milliseconds, static_cast<std::uint64_t>(INT64_MAX)));
}

int ValueView::bind(sqlite3_stmt* statement, int index) const {
  // The bytes outlive the step that reads them. A null pointer would bind NULL.
  const char* const data = bytes_.data() == nullptr ? "" : bytes_.data();
  switch (kind_) {
    case Kind::kNumber:
      return sqlite3_bind_int64(statement, index, number_);
    case Kind::kText:
      return sqlite3_bind_text64(statement, index, data, bytes_.size(), SQLITE_STATIC, SQLITE_UTF8);
    case Kind::kBlob:
      return sqlite3_bind_blob64(statement, index, data, bytes_.size(), SQLITE_STATIC);
    case Kind::kNull:
      return sqlite3_bind_null(statement, index);
  }
  return SQLITE_MISUSE;
}

Statement::Statement(const Connection& connection, const char* sql) : connection_(&connection) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  connection.check(code);
}

int Statement::run(std::initializer_list<ValueView> values) {
  begin(values);
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_DONE && code != SQLITE_ROW) {
    // Before the reset, so that the error's text and number are still those of the step.
    try {
      connection_->check(code);
    } catch (...) {
      reset();
      throw;
    }
  }
  reset();
  return sqlite3_changes(connection_->get());
}

void Statement::begin(std::initializer_list<ValueView> values) {
  reset();
  int index = 0;
  for (const ValueView& value : values) connection_->check(value.bind(statement_.get(), ++index));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    try {
      connection_->check(code);
    } catch (...) {
      reset();
      throw;
    }
  }
  reset();
  return false;
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::uint64_t Statement::time(int column) const {
  const bool is_never = sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  return is_never ? MORTISE_EXPIRES_NEVER : number(column);
}

std::string_view Statement::bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

}  // namespace store_sqlite
