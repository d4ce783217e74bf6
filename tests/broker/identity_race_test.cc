#include <gmock/gmock.h>
#include <malloc.h>

#include <filesystem>

#include "tests/broker/broker_fixture.h"
#include "tests/broker/racers.h"
#include "tests/broker/token_clerk.h"
#include "tests/broker/witness.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MORTISE_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MORTISE_HAS_SANITIZER 1
#endif
#endif
#if defined(MORTISE_HAS_SANITIZER)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

// The first seed bug: what a connection said outlives it, or dies before those who read it. A client with a queue and a
// Will vanishes and comes back from three sockets at once under the same Client Identifier, while a flood is published
// to it, sessions expire, and hooks answer at once, later, too late and never.

namespace mortise::broker_tests {
namespace {

using ::testing::IsEmpty;

constexpr unsigned kActors = 2;
constexpr std::size_t kMemorySlack = std::size_t{512} << 10;  // of caches and buffers; not for each of the connections
constexpr int kRacesForMemory = 3;

/// MORTISE_RACE_ROUNDS; ten thousand with MORTISE_SOAK (tests/run --soak), a few hundred otherwise.
int rounds() {
  if (const char* text = std::getenv("MORTISE_RACE_ROUNDS")) return std::atoi(text);
  return std::getenv("MORTISE_SOAK") != nullptr ? 10'000 : 200;
}

std::size_t allocated_bytes() {
#if defined(MORTISE_HAS_SANITIZER)
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator descriptors("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

bool holds_nothing(const core::ShardHoldings& holdings) {
  return holdings.connections + holdings.sessions + holdings.session_names + holdings.groups + holdings.group_names +
             holdings.queued_messages + holdings.queued_bytes + holdings.attaching + holdings.parked +
             holdings.awaited + holdings.held + holdings.ending + holdings.stalled_publishers ==
         0;
}

class IdentityRace : public BrokerTest {
 protected:
  /// Everybody races for so many rounds; afterwards nothing of them is left.
  void race(int count) {
    Course course{port(), witness_, {"c0", "e0-", "c1", "e1-"}};
    std::thread flooding(flood, std::ref(course)), watching(watch, std::ref(course));
    std::vector<std::unique_ptr<Actor>> actors;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kActors; ++i) {
      Actor* actor = actors.emplace_back(std::make_unique<Actor>(course, i)).get();
      threads.emplace_back([actor, count] { actor->run(count / static_cast<int>(kActors)); });
    }
    for (std::thread& thread : threads) thread.join();
    clerk_->catch_up();
    end_sessions(course);
    course.is_over = true;
    flooding.join();
    watching.join();
    for (const auto& actor : actors) EXPECT_LE(actor->most_alive_at_once(), 1);
    EXPECT_TRUE(wait_until([](const auto& reports) {
      return std::all_of(reports.begin(), reports.end(),
                         [](const auto& report) { return holds_nothing(report.holdings) && report.totals.open == 0; });
    })) << "something is left of clients that are gone";
    clerk_->catch_up();
    witness_.forget();
    ASSERT_THAT(witness_.complaints(), IsEmpty());
  }

  /// Starts a broker, races, and compares what is left with what there was.
  void prove(const std::string& yaml, int count) {
    const ProbeScript script([this](std::uint32_t point, mortise_handle call, mortise_handle self) -> std::uint32_t {
      if (point == MORTISE_HOOK_AUTH_AUTHENTICATE) return clerk_->authenticate(call, self);
      if (point == MORTISE_HOOK_AUTH_AUTHORIZE) return clerk_->authorize(call, self);
      if (point == MORTISE_HOOK_TOPIC_BIND) return clerk_->bind(call, self);
      if (point == MORTISE_HOOK_EVENT_EVENTS) witness_.see_events(call);
      return MORTISE_OK;
    });
    start(yaml);
    clerk_ = std::make_unique<TokenClerk>(witness_);
    const std::size_t descriptors = open_descriptors();
    race(count / 4 + 50);  // fills what is kept for reuse
    // What is kept for reuse may still grow in one race; what is left behind grows in each.
    std::size_t before = 0;
    for (int races = 0; races < kRacesForMemory; ++races) {
      before = allocated_bytes();
      race(count);
      if (allocated_bytes() < before + kMemorySlack) break;
    }
    EXPECT_LT(allocated_bytes(), before + kMemorySlack);
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_GT(total(&core::ShardCounters::take_overs), 0U);
    EXPECT_GT(witness_.wills_seen(), 0U);
    const auto outcomes = clerk_->outcomes();
    EXPECT_GT(outcomes.at("OK"), 0U);
    EXPECT_TRUE(outcomes.contains("E_CANCELLED") || outcomes.contains("E_TIMED_OUT"));
    for (const auto& [status, times] : outcomes) RecordProperty(status, std::to_string(times));
    RecordProperty("principals", std::to_string(witness_.principals_seen()));
    RecordProperty("wills", std::to_string(witness_.wills_seen()));
    stop();
    clerk_.reset();
  }

  Witness witness_;
  std::unique_ptr<TokenClerk> clerk_;
};

TEST_F(IdentityRace, EveryHookSeesThePrincipalOfItsOwnConnectionAndNothingIsLeftBehind) {  // BUG-CLASS A, B, G, H
  // A connection is somebody else each time, so any user may take a Client Identifier over.
  prove(R"(
log: { level: error }
session: { takeover: any, queue: { max_messages: 50 } }
match_cache: { max_entries: 64 }
plugins: [ { name: probe, library: "@test/probe-concurrent.so" } ]
hooks: { auth: [probe], topic: [probe], event: [probe] }
)",
        rounds());
}

TEST_F(IdentityRace, TheSameWhereEveryAnswerWaitsForTheStore) {
  prove(R"(
log: { level: error }
session: { takeover: any, durability: commit, queue: { max_messages: 50 } }
match_cache: { max_entries: 64 }
plugins:
  - { name: probe, library: "@test/probe-concurrent.so" }
  - { name: queue, library: "@plugins/store-sqlite.so", config: { path: mortise.db } }
hooks: { auth: [probe], topic: [probe], event: [probe], store: queue }
)",
        rounds() / 5);
}

}  // namespace
}  // namespace mortise::broker_tests
