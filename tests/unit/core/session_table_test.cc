#include "broker/core/session_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace mortise::core {
namespace {

mqtt::PrincipalPtr principal(std::string name_space, std::string client_id) {
  auto made = std::make_shared<mqtt::Principal>();
  made->name_space = std::move(name_space);
  made->client_id = std::move(client_id);
  return made;
}

class SessionTableTest : public ::testing::Test {
 protected:
  const session::SessionLimits limits{};
  session::QueueScope queues{limits};
  const KeyedHash hash = KeyedHash::random();
  SessionTable table{hash};
};

TEST_F(SessionTableTest, NamesASessionByNamespaceAndClientIdentifierTogether) {
  const ResidentSession& plain = table.emplace(0, principal("", "ab"), queues);
  const ResidentSession& scoped = table.emplace(0, principal("a", "b"), queues);
  EXPECT_EQ(table.find("", "ab"), &plain);
  EXPECT_EQ(table.find("a", "b"), &scoped);
  EXPECT_EQ(table.find("ab", ""), nullptr);
  EXPECT_EQ(table.find("", "b"), nullptr);
  EXPECT_EQ(table.find(plain.id.slot), &plain);
}

TEST_F(SessionTableTest, AgreesWithAMapWhateverIsAddedAndRemoved) {
  std::map<std::string, ResidentSession*> expected;
  std::minstd_rand random(1);
  for (int step = 0; step < 40'000; ++step) {
    // Grows to some hundred names and shrinks to none, again and again: places in a row are taken, freed and moved.
    const bool grows = random() % 100 < ((step / 4000) % 2 == 0 ? 65u : 30u);
    const std::string name = "c" + std::to_string(random() % 700);
    const auto known = expected.find(name);
    ASSERT_EQ(table.find("", name), known == expected.end() ? nullptr : known->second) << step;
    if (grows && known == expected.end()) {
      expected[name] = &table.emplace(0, principal("", name), queues);
    } else if (!grows && known != expected.end()) {
      table.erase(*known->second);
      expected.erase(known);
    }
    ASSERT_EQ(table.names(), expected.size());
    ASSERT_EQ(table.size(), expected.size());
  }
  for (const auto& [name, session] : expected) ASSERT_EQ(table.find("", name), session);
}

TEST_F(SessionTableTest, AnEmptyOneFindsNothing) {
  EXPECT_EQ(table.find("", ""), nullptr);
  ResidentSession& session = table.emplace(0, principal("", "only"), queues);
  const auto late = session.id.slot;
  table.erase(session);
  EXPECT_EQ(table.find("", "only"), nullptr);
  EXPECT_EQ(table.find(late), nullptr);
}

}  // namespace
}  // namespace mortise::core
