#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "database.h"
#include "database_fixtures.h"

namespace store_sqlite {
namespace {

using namespace store_sqlite::testing;

/// SQLite's way to its files, with a SIGKILL before the n-th write or sync. Only in a child process.
class KillingFiles {
 public:
  static void install(int operations) {
    left_ = operations;
    original_ = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs killing;
    killing = *original_;
    killing.zName = "killing";
    killing.xOpen = &open;
    sqlite3_vfs_register(&killing, 1);
  }

 private:
  /// The methods of a file, changed, and what they were.
  struct Methods {
    sqlite3_io_methods changed;
    const sqlite3_io_methods* original;
  };
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    const int code = original_->xOpen(original_, name, file, flags, out_flags);
    if (file->pMethods == nullptr) return code;
    auto* methods = new Methods{*file->pMethods, file->pMethods};  // the process is about to be killed
    methods->changed.xWrite = &write;
    methods->changed.xSync = &sync;
    file->pMethods = &methods->changed;
    return code;
  }
  static const sqlite3_io_methods* original_of(sqlite3_file* file) {
    return reinterpret_cast<const Methods*>(file->pMethods)->original;
  }
  static void count() {
    if (--left_ == 0) ::raise(SIGKILL);
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    count();
    return original_of(file)->xWrite(file, bytes, size, offset);
  }
  static int sync(sqlite3_file* file, int flags) {
    count();
    return original_of(file)->xSync(file, flags);
  }
  static inline int left_ = 0;
  static inline sqlite3_vfs* original_ = nullptr;
};

/// Batch k of the crash test puts one message into three queues, and removes one from the first.
constexpr std::uint64_t kOperations = 5;

Batch batch_number(std::uint64_t k) {
  Batch batch((k - 1) * kOperations + 1);
  batch.queue({1, 2, 3}, k, "t/" + std::to_string(k), std::string(500, 'p'));
  batch.remove(1, k > 3 ? k - 3 : 0, k > 3 ? k - 3 : 0);
  return batch;
}

/// Commits batches until killed, saying so after each one.
[[noreturn]] void commit_until_killed(const std::string& path, int operations, int acknowledged) {
  KillingFiles::install(operations);
  Database database(at(path));
  for (std::uint64_t k = database.last_operation() / kOperations + 1;; ++k) {
    batch_number(k).commit(database);
    if (::write(acknowledged, &k, sizeof k) != sizeof k) ::_exit(1);
  }
}

/// Forks a child that is killed at its n-th file operation; returns the last batch it acknowledged.
std::uint64_t run_and_kill(const std::string& path, int operations) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    commit_until_killed(path, operations, pipe[1]);
  }
  ::close(pipe[1]);
  std::uint64_t last = 0;
  for (std::uint64_t k = 0; ::read(pipe[0], &k, sizeof k) == sizeof k;) last = k;
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return last;
}

void expect_exactly(Database& database, const std::string& path, std::uint64_t batches) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t k = 1; k <= batches; ++k) all.push_back(k);
  EXPECT_EQ(positions(database, 2), all);
  EXPECT_EQ(positions(database, 3), all);
  const std::vector<std::uint64_t> rest(all.end() - static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(batches, 3)),
                                        all.end());
  EXPECT_EQ(positions(database, 1), rest);
  EXPECT_EQ(ask(path, "SELECT count(*) FROM messages"), static_cast<std::int64_t>(batches));
  EXPECT_EQ(
      ask(path,
          "SELECT count(*) FROM messages m WHERE refs <> (SELECT count(*) FROM queue q WHERE q.message = m.number)"),
      0);
}

TEST(Crash, KilledAtAnyFileOperationItHasWhatItAcknowledgedAndNothingHalf) {
  const TemporaryFolder folder;
  std::uint64_t acknowledged = 0;
  // Each round goes on with the file that the last one left behind.
  for (int operations = 1; operations < 60; ++operations) {
    acknowledged = std::max(acknowledged, run_and_kill(folder.file(), operations));
    Database database(at(folder.file()));
    ASSERT_EQ(database.last_operation() % kOperations, 0u) << "half a batch";
    const std::uint64_t batches = database.last_operation() / kOperations;
    ASSERT_GE(batches, acknowledged);
    expect_exactly(database, folder.file(), batches);
    if (batches > 0) batch_number(batches).commit(database);  // the broker did not hear of it, and sends it again
    expect_exactly(database, folder.file(), batches);
  }
  EXPECT_GT(acknowledged, 30u);
}

/// Exit status of the child: what was not as it should be, 0 if nothing.
int fill_the_disk(const std::string& path) {
  ::signal(SIGXFSZ, SIG_IGN);
  Database database(at(path));
  batch_number(1).commit(database);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = 400'000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::uint64_t k = 2;
  try {
    while (k < 100'000) batch_number(k++).commit(database);
    return 1;
  } catch (const mortise::Error& error) {
    --k;
    if (error.status() != mortise::Status::e_no_space) return 2;
    if (std::string(error.what()).find("no space is left") == std::string::npos) return 3;
  }
  // Still full: again an error, and what there is can be read.
  try {
    batch_number(k).commit(database);
    return 4;
  } catch (const mortise::Error&) {
  }
  if (positions(database, 2).size() != k - 1) return 5;
  limit.rlim_cur = RLIM_INFINITY;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  database.reopen();
  batch_number(k).commit(database);
  return positions(database, 2).size() == k ? 0 : 6;
}

TEST(Crash, AFullDiskIsAnErrorAndItGoesOnWhenThereIsSpace) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    int result = 9;
    try {
      result = fill_the_disk(folder.file());
    } catch (const mortise::Error& error) {
      (void)!::write(2, error.what(), std::strlen(error.what()));
    }
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace store_sqlite
