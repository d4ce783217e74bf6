#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mortise/testing/fake_host.hpp>

#include "database_fixtures.h"

namespace store_sqlite {
namespace {

using mortise::RecordBlock;
using mortise::Status;
using mortise::testing::FakeHost;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr const char* kLibrary = STORE_SQLITE_LIBRARY;

RecordBlock session_and_queue(std::uint64_t messages) {
  RecordBlock block;
  std::uint64_t number = 0;
  block.put(mortise_session_put{}, ++number, 1, {"key", "client", "", "body"});
  for (std::uint64_t position = 1; position <= messages; ++position) {
    mortise_message_put message{};
    message.message = ++number;
    message.refs = 1;
    block.put(message, number, 0, {"topic", std::string(100, 'p'), ""});
    mortise_queue_put entry{};
    entry.position = position;
    entry.message = number;
    entry.qos = 1;
    block.put(entry, ++number, 1, {""});
  }
  return block;
}

TEST(Plugin, KeepsWhatItIsGivenUntilTheNextStart) {
  const TemporaryFolder folder;
  const std::string base = std::filesystem::path(folder.file()).parent_path();
  {
    FakeHost host((std::string(kLibrary)));
    ASSERT_EQ(host.start(R"({"path": "mortise.db", "cache": "1MiB"})", base), Status::ok) << host.failure();
    ASSERT_EQ(host.open_store(), Status::ok);
    EXPECT_EQ(host.commit(session_and_queue(2000)), Status::ok);
    EXPECT_EQ(host.commit(session_and_queue(2000)), Status::ok) << "again, as after a failure";
    EXPECT_EQ(host.stop(), Status::ok);
  }
  EXPECT_TRUE(std::filesystem::exists(folder.file())) << "relative to the configuration file";
  FakeHost host((std::string(kLibrary)));
  ASSERT_EQ(host.start(R"({"path": "mortise.db"})", base), Status::ok) << host.failure();
  ASSERT_EQ(host.open_store(MORTISE_DURABILITY_NONE), Status::ok);
  const auto loaded = host.load();
  EXPECT_EQ(loaded.status, Status::ok);
  EXPECT_TRUE(loaded.is_ended);
  EXPECT_EQ(loaded.records.size(), 3u) << "mark, session, summary";
  const auto page = host.fetch(1, 0, 10'000, 20'000);
  EXPECT_EQ(page.status, Status::ok);
  EXPECT_TRUE(page.more);
  EXPECT_GT(page.records.size(), 10u);
  EXPECT_EQ(host.open_store(), Status::ok) << "opened again, as after a failure";
  EXPECT_EQ(host.fetch(1, 1999).records.size(), 2u);
}

TEST(Plugin, AStartThatCannotWorkSaysWhatAndWhere) {
  const TemporaryFolder folder;
  const std::string base = std::filesystem::path(folder.file()).parent_path();
  const auto refusal = [&](const std::string& config) {
    FakeHost host((std::string(kLibrary)));
    EXPECT_NE(host.start(config, base), Status::ok);
    return host.failure();
  };
  EXPECT_THAT(refusal("{}"), HasSubstr("/path is missing"));
  EXPECT_THAT(refusal(R"({"path": "a.db", "cash": 1})"), HasSubstr("/cash is not known; known are: path, cache"));
  EXPECT_THAT(refusal(R"({"path": "a.db", "cache": "1MB"})"), HasSubstr("/cache must be a size"));
  EXPECT_THAT(refusal(R"({"path": "nowhere/a.db"})"), HasSubstr("nowhere/a.db: No such file or directory"));
  std::ofstream(folder.file()) << std::string(5000, 'g');
  EXPECT_THAT(refusal(R"({"path": "mortise.db"})"), HasSubstr("mortise.db: file is not a database: it is damaged"));
}

TEST(Plugin, ABatchItCannotApplyIsAnErrorWithALineInTheLog) {
  const TemporaryFolder folder;
  FakeHost host((std::string(kLibrary)));
  ASSERT_EQ(host.start(R"({"path": ")" + folder.file() + R"("})"), Status::ok) << host.failure();
  ASSERT_EQ(host.open_store(), Status::ok);
  RecordBlock late;
  late.put(mortise_session_put{}, 50, 1, {"key", "client", "", "body"});
  EXPECT_EQ(host.commit(late), Status::e_corrupt);
  EXPECT_TRUE(host.has_logged("ends at operation 0, but 50 comes next"));
  EXPECT_EQ(host.commit(late), Status::e_corrupt);
  EXPECT_EQ(host.log().size(), 1u) << "told once, as long as it lasts";
  EXPECT_EQ(host.commit(session_and_queue(1)), Status::ok);
  RecordBlock later;
  later.put(mortise_session_put{}, 60, 1, {"key", "client", "", "body"});
  EXPECT_EQ(host.commit(later), Status::e_corrupt);
  EXPECT_EQ(host.commit(late), Status::e_corrupt);
  EXPECT_EQ(host.log().size(), 3u) << "another failure is told";
}

}  // namespace
}  // namespace store_sqlite
