#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mortise/status.hpp>
#include <string>
#include <string_view>

/// SQLite's C interface as two classes that clean up after themselves and throw mortise::Error, with a line that names
/// the file and the remedy.
namespace store_sqlite {

/// One open database file. Unsynchronised: one thread at a time.
class Connection {
 public:
  /// Opens a file that exists. Errors: as check().
  explicit Connection(const std::string& path);

  /// Runs statements that give no rows. Errors: as check().
  void execute(const char* sql);
  /// The first column of the first row; 0 without a row. Errors: as check().
  std::int64_t number(const char* sql);
  bool is_in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  /// Throws what `code` means, unless it is a success. Errors: e_no_space, e_corrupt, e_failed.
  void check(int code) const;
  sqlite3* get() const { return db_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
};

/// A value to bind. Borrowed for the call.
class ValueView {
 public:
  ValueView(std::uint64_t number) : kind_(Kind::kNumber), number_(static_cast<std::int64_t>(number)) {}
  static ValueView text(std::string_view bytes) { return {Kind::kText, bytes}; }
  static ValueView blob(std::string_view bytes) { return {Kind::kBlob, bytes}; }
  /// Wall clock milliseconds; never is NULL.
  static ValueView time(std::uint64_t milliseconds);
  int bind(sqlite3_stmt* statement, int index) const;

 private:
  enum class Kind { kNumber, kText, kBlob, kNull };
  ValueView(Kind kind, std::string_view bytes) : kind_(kind), bytes_(bytes) {}
  Kind kind_;
  std::int64_t number_ = 0;
  std::string_view bytes_;
};

/// A prepared statement. Lifetime: within that of its connection. Unsynchronised.
class Statement {
 public:
  Statement(const Connection& connection, const char* sql);

  /// Binds the values and steps once without expecting rows; returns how many rows were changed.
  int run(std::initializer_list<ValueView> values);
  /// Binds the values; step() then gives row by row.
  void begin(std::initializer_list<ValueView> values);
  /// False at the end; the statement is reset then.
  bool step();
  void reset() { sqlite3_reset(statement_.get()); }

  std::uint64_t number(int column) const;
  /// Never for NULL.
  std::uint64_t time(int column) const;
  /// Borrowed until the next step.
  std::string_view bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  const Connection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace store_sqlite
