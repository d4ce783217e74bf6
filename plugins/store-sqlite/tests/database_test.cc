#include "database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <numeric>

#include "database_fixtures.h"

namespace store_sqlite {
namespace {

using namespace store_sqlite::testing;

/// The text and status of the error that `body` throws.
template <class Body>
std::pair<std::string, mortise::Status> error_of(Body body) {
  try {
    body();
  } catch (const mortise::Error& error) {
    return {error.what(), error.status()};
  }
  return {"nothing was thrown", mortise::Status::ok};
}

TEST(Database, GivesBackEverythingThatWasCommitted) {
  const TemporaryFolder folder;
  {
    Database database(at(folder.file()));
    Batch batch(1);
    batch.session(7, "client", 1'700'000'000'000);
    batch.put(mortise_subscription_put{}, 7, {"$share/g/a/#", "sub"});
    mortise_inbound_put inbound{};
    inbound.packet_id = 65535;
    batch.put(inbound, 7);
    mortise_will_put will{};
    will.due_at_ms = 12345;
    batch.put(will, 7, {"will", "payload", "wbody"});
    mortise_retained_put retained{};
    retained.expires_at_ms = MORTISE_EXPIRES_NEVER;
    batch.put(retained, 0, {"kept", std::string_view("\0\xff", 2), "rbody"});
    mortise_mark_put mark{};
    mark.next_session = 4096;
    mark.next_message = 9;
    batch.put(mark, 0, {"mark"});
    batch.queue({7}, 1, "t");
    batch.commit(database);
  }
  Database database(at(folder.file()));
  const auto rows = load_all(database);
  ASSERT_EQ(rows.size(), 7u);
  ASSERT_EQ(rows[0].kind, MORTISE_RECORD_MARK_PUT);
  EXPECT_EQ(rows[0].number, 8u) << "the last operation applied";
  EXPECT_EQ(rows[0].as<mortise_mark_put>().next_session, 4096u);
  EXPECT_EQ(rows[0].bytes(rows[0].as<mortise_mark_put>().body), "mark");
  const Row session = of_kind(rows, MORTISE_RECORD_SESSION_PUT).at(0);
  EXPECT_EQ(session.session, 7u);
  const auto put = session.as<mortise_session_put>();
  EXPECT_EQ(put.expires_at_ms, 1'700'000'000'000u);
  EXPECT_EQ(session.bytes(put.client_id) + session.bytes(put.name_space) + session.bytes(put.body), "clientnsbody");
  const Row subscription = of_kind(rows, MORTISE_RECORD_SUBSCRIPTION_PUT).at(0);
  EXPECT_EQ(subscription.bytes(subscription.as<mortise_subscription_put>().filter), "$share/g/a/#");
  EXPECT_EQ(of_kind(rows, MORTISE_RECORD_INBOUND_PUT).at(0).as<mortise_inbound_put>().packet_id, 65535);
  EXPECT_EQ(of_kind(rows, MORTISE_RECORD_WILL_PUT).at(0).as<mortise_will_put>().due_at_ms, 12345u);
  const Row retained = of_kind(rows, MORTISE_RECORD_RETAINED_PUT).at(0);
  EXPECT_EQ(retained.bytes(retained.as<mortise_retained_put>().payload), std::string("\0\xff", 2));
  EXPECT_EQ(retained.as<mortise_retained_put>().expires_at_ms, MORTISE_EXPIRES_NEVER);
  const auto summary = of_kind(rows, MORTISE_RECORD_QUEUE_SUMMARY).at(0).as<mortise_queue_summary>();
  EXPECT_EQ(summary.count, 1u);
  EXPECT_EQ(summary.bytes, 8u);
}

TEST(Database, TheFileAndItsCompanionsArePrivate) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch(1).session(1, "c").commit(database);
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder.file() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST(Database, PagesOfAnySizeGiveTheSame) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch batch(1);
  for (std::uint64_t session = 1; session <= 30; ++session) {
    batch.session(session, "client-" + std::to_string(session));
    batch.put(mortise_subscription_put{}, session, {"a", "x"}).put(mortise_subscription_put{}, session, {"b", "x"});
    batch.queue({session}, 1, "t");
  }
  batch.commit(database);
  const auto expected = load_all(database).size();
  EXPECT_EQ(expected, 1u + 30 * 4);
  for (const std::uint64_t max_bytes : {1u, 100u, 777u, 5000u})
    EXPECT_EQ(load_all(database, max_bytes).size(), expected);
}

TEST(Database, AQueueIsFetchedInOrderInPages) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch batch(1);
  for (std::uint64_t position = 1; position <= 10; ++position)
    batch.queue({3, 4}, position, "t/" + std::to_string(position));
  mortise_queue_state state{};
  state.position = 2;
  state.state = MORTISE_QUEUE_STATE_RELEASED;
  batch.put(state, 3);
  batch.commit(database);
  const Page first = fetch(database, 3, 0, 4);
  EXPECT_TRUE(first.has_more);
  const auto entries = of_kind(first.rows, MORTISE_RECORD_QUEUE_PUT);
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[1].as<mortise_queue_put>().state, MORTISE_QUEUE_STATE_RELEASED);
  EXPECT_EQ(entries[0].as<mortise_queue_put>().flags, 1);
  EXPECT_EQ(first.rows[0].kind, MORTISE_RECORD_MESSAGE_PUT);
  const Page last = fetch(database, 3, 4);
  EXPECT_FALSE(last.has_more);
  EXPECT_EQ(of_kind(last.rows, MORTISE_RECORD_QUEUE_PUT).size(), 6u);
  EXPECT_EQ(of_kind(fetch(database, 3, 0, 100, 1).rows, MORTISE_RECORD_QUEUE_PUT).size(), 1u)
      << "one is always allowed";
  EXPECT_TRUE(fetch(database, 99, 0).rows.empty());
}

TEST(Database, AMessageGoesWithTheLastQueueThatNamesIt) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch batch(1);
  batch.session(1, "a").session(2, "b").session(3, "c");
  batch.queue({1, 2, 3}, 1, "shared").queue({1}, 2, "own");
  batch.commit(database);
  Batch(batch.last() + 1).remove(1, 0, UINT64_MAX).commit(database);
  EXPECT_EQ(ask(folder.file(), "SELECT refs FROM messages"), 2);
  EXPECT_EQ(ask(folder.file(), "SELECT count(*) FROM messages"), 1);
  Batch(batch.last() + 2).remove(2, 1, 1).remove(2, 1, 1).remove(2, 5, 9).commit(database);
  EXPECT_EQ(ask(folder.file(), "SELECT refs FROM messages"), 1);
  Batch(batch.last() + 5).put(mortise_session_remove{}, 3).commit(database);
  EXPECT_EQ(ask(folder.file(), "SELECT count(*) FROM messages"), 0);
}

TEST(Database, NothingOfARemovedSessionStays) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch batch(1);
  for (const std::uint64_t session : {1u, 2u}) {
    batch.session(session, "c" + std::to_string(session)).queue({session}, 1, "t");
    batch.put(mortise_subscription_put{}, session, {"a", ""});
    mortise_inbound_put inbound{};
    inbound.packet_id = 1;
    batch.put(inbound, session).put(mortise_will_put{}, session, {"w", "", ""});
  }
  batch.put(mortise_session_remove{}, 1);
  batch.commit(database);
  for (const Row& row : load_all(database)) EXPECT_NE(row.session, 1u) << row.kind;
  EXPECT_EQ(load_all(database).size(), 6u);
}

TEST(Database, AKeyBelongsToTheSessionThatTookItLast) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch(1).session(1, "same").queue({1}, 1, "t").session(2, "same").session(2, "same").commit(database);
  const auto rows = load_all(database);
  ASSERT_EQ(of_kind(rows, MORTISE_RECORD_SESSION_PUT).size(), 1u);
  EXPECT_EQ(of_kind(rows, MORTISE_RECORD_SESSION_PUT)[0].session, 2u);
  EXPECT_EQ(ask(folder.file(), "SELECT count(*) FROM messages"), 0);
}

TEST(Database, ABatchAppliedTwiceChangesNothing) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  const Batch batch = Batch(1).session(1, "c").queue({1, 2}, 1, "t");
  batch.commit(database);
  batch.commit(database);
  database.reopen();
  batch.commit(database);
  EXPECT_EQ(database.last_operation(), batch.last());
  EXPECT_EQ(ask(folder.file(), "SELECT refs FROM messages"), 2);
  EXPECT_EQ(positions(database, 1), std::vector<std::uint64_t>{1});
}

TEST(Database, ABatchBehindAGapIsRefused) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch(1).session(1, "c").commit(database);
  const auto [text, status] = error_of([&] { Batch(5).session(2, "d").commit(database); });
  EXPECT_EQ(status, mortise::Status::e_corrupt);
  EXPECT_NE(text.find("ends at operation 1, but 5 comes next"), std::string::npos) << text;
}

TEST(Database, OfADamagedBatchNothingIsApplied) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  const Batch batch = Batch(1).session(1, "c").session(2, "d");
  std::vector<std::uint64_t> aligned((batch.bytes().size() + 7) / 8);
  std::memcpy(aligned.data(), batch.bytes().data(), batch.bytes().size());
  const std::string_view cut(reinterpret_cast<const char*>(aligned.data()), batch.bytes().size() - 8);
  EXPECT_EQ(error_of([&] { database.commit(cut, 1, 2); }).second, mortise::Status::e_corrupt);
  EXPECT_EQ(load_all(database).size(), 1u);
  batch.commit(database);
  EXPECT_EQ(load_all(database).size(), 3u);
}

TEST(Database, RecordsOfAnUnknownKindAreKeptAndGivenBack) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch batch(1);
  batch.session(1, "c");
  std::string later(batch.bytes());
  const std::uint16_t kind = 900;
  std::memcpy(later.data() + offsetof(mortise_record, kind), &kind, sizeof kind);
  std::vector<std::uint64_t> aligned(later.size() / 8);
  std::memcpy(aligned.data(), later.data(), later.size());
  database.commit({reinterpret_cast<const char*>(aligned.data()), later.size()}, 1, 1);
  database.reopen();
  const auto rows = load_all(database);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].kind, 900u);
  EXPECT_EQ(rows[1].whole, later);
}

TEST(Database, NamesAreBoundAndNeverPastedIntoSql) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  const std::vector<std::string> names = {
      "'; DROP TABLE sessions; --",  "\"", "%s%n", "a\\b\nc", "#", "\xf0\x9f\x98\x80", std::string(65535, 'x'),
      std::string("nul\0inside", 10)};
  Batch batch(1);
  std::uint64_t session = 0;
  for (const std::string& name : names) {
    ++session;
    batch.session(session, name).put(mortise_subscription_put{}, session, {name, name});
    batch.put(mortise_retained_put{}, 0, {name, name, name});
  }
  batch.commit(database);
  const auto rows = load_all(database);
  const auto sessions = of_kind(rows, MORTISE_RECORD_SESSION_PUT);
  const auto retained = of_kind(rows, MORTISE_RECORD_RETAINED_PUT);
  ASSERT_EQ(sessions.size(), names.size());
  ASSERT_EQ(retained.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(sessions[i].bytes(sessions[i].as<mortise_session_put>().client_id), names[i]);
    EXPECT_EQ(retained[i].bytes(retained[i].as<mortise_retained_put>().topic), names[i]);
  }
}

TEST(Database, IsReadableWithTheShellWhileItRuns) {
  const TemporaryFolder folder;
  Database database(at(folder.file()));
  Batch(1).session(1, "alice", 1000).queue({1}, 1, "a/b").commit(database);
  EXPECT_EQ(ask(folder.file(), "SELECT count(*) FROM sessions WHERE client_id = 'alice' AND expires_at = 1000"), 1);
  EXPECT_EQ(ask(folder.file(), "SELECT count(*) FROM messages WHERE topic = 'a/b'"), 1);
}

TEST(Database, ASecondBrokerOnTheSameFileIsRefused) {
  const TemporaryFolder folder;
  const Database database(at(folder.file()));
  const auto [text, status] = error_of([&] { Database second(at(folder.file())); });
  EXPECT_NE(text.find(folder.file()), std::string::npos) << text;
  EXPECT_NE(text.find("another broker uses this store"), std::string::npos) << text;
}

TEST(Database, AFileAnotherProgramHasLockedIsRefused) {
  const TemporaryFolder folder;
  { Database database(at(folder.file())); }
  Connection other(folder.file());
  other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE state SET next_session = 1");
  const auto [text, status] = error_of([&] { Database second(at(folder.file())); });
  EXPECT_NE(text.find("another program has locked it"), std::string::npos) << text;
}

TEST(Database, AFileThatIsNoDatabaseIsRefusedAndLeftAsItIs) {
  const TemporaryFolder folder;
  const std::string garbage(10'000, 'g');
  std::ofstream(folder.file()) << garbage;
  const auto [text, status] = error_of([&] { Database database(at(folder.file())); });
  EXPECT_EQ(status, mortise::Status::e_corrupt);
  EXPECT_EQ(text.find(folder.file()), 0u) << text;
  EXPECT_NE(text.find("move it away or restore a copy"), std::string::npos) << text;
  std::ifstream file(folder.file());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), garbage);
}

TEST(Database, ADamagedFileIsRefusedAtTheLatestWhenItIsLoaded) {
  const TemporaryFolder folder;
  {
    Database database(at(folder.file()));
    Batch batch(1);
    for (std::uint64_t session = 1; session <= 500; ++session)
      batch.session(session, std::string(200, 'c') + std::to_string(session));
    batch.commit(database);
  }
  const auto size = std::filesystem::file_size(folder.file());
  std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(static_cast<std::size_t>(size) - 4096, '\x5a');
  file.close();
  const auto [text, status] = error_of([&] {
    Database database(at(folder.file()));
    load_all(database);
  });
  EXPECT_EQ(status, mortise::Status::e_corrupt) << text;
}

TEST(Database, AnotherProgramsDatabaseAndANewerStoreAreRefused) {
  const TemporaryFolder folder;
  { Database database(at(folder.file())); }
  Connection(folder.file()).execute("PRAGMA user_version = 7");
  EXPECT_NE(error_of([&] {
              Database database(at(folder.file()));
            }).first.find("newer store-sqlite (schema 7, this one knows 1)"),
            std::string::npos);
  Connection(folder.file()).execute("PRAGMA application_id = 1");
  EXPECT_NE(error_of([&] { Database database(at(folder.file())); }).first.find("database of another program"),
            std::string::npos);
}

TEST(Database, APathThatCannotBeAFileIsRefused) {
  const TemporaryFolder folder;
  const auto missing = error_of([&] { Database database(at(folder.file("nowhere/mortise.db"))); });
  EXPECT_NE(missing.first.find("its folder must exist"), std::string::npos) << missing.first;
  std::filesystem::create_directory(folder.file("folder"));
  const auto is_folder = error_of([&] { Database database(at(folder.file("folder"))); });
  EXPECT_EQ(is_folder.first.find(folder.file("folder")), 0u) << is_folder.first;
}

}  // namespace
}  // namespace store_sqlite
