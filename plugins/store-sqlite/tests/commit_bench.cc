// Publishes per second that reach one persistent queue each, by how many one commit gathers: commit_bench [FOLDER]

#include <chrono>
#include <cstdio>
#include <string>

#include "database.h"
#include "database_fixtures.h"

namespace {

using namespace store_sqlite;
using namespace store_sqlite::testing;

constexpr std::uint64_t kPublishes = 100'000;
constexpr std::uint64_t kSessions = 1000;

double publishes_per_second(const std::string& path, std::uint64_t gathered) {
  Database database(at(path));
  std::uint64_t next = 1;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t done = 0; done < kPublishes; done += gathered) {
    Batch batch(next);
    for (std::uint64_t i = done; i < done + gathered; ++i)
      batch.queue({i % kSessions + 1}, i / kSessions + 1, "plant/line/3/temperature", std::string(64, 'x'));
    batch.commit(database);
    next = batch.last() + 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(kPublishes) / took.count();
}

}  // namespace

int main(int count, char** arguments) {
  for (const std::uint64_t gathered : {10u, 100u, 1000u, 10'000u}) {
    const TemporaryFolder folder;
    const std::string path =
        count > 1 ? std::string(arguments[1]) + "/bench-" + std::to_string(gathered) + ".db" : folder.file();
    std::printf("%5llu publishes a commit: %8.0f publishes/s\n", static_cast<unsigned long long>(gathered),
                publishes_per_second(path, gathered));
  }
  return 0;
}
