#include "broker/base/registry.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace mortise {
namespace {

struct Named {
  Named(Id<Named> own_id, std::string own_name) : id(own_id), name(std::move(own_name)) {}
  Id<Named> id;
  std::string name;
};

TEST(Registry, FindsWhatItOwns) {
  Registry<Named> registry;
  const Named& one = registry.emplace("one");
  const Named& two = registry.emplace("two");
  EXPECT_EQ(registry.size(), 2u);
  EXPECT_EQ(registry.find(one.id), &one);
  EXPECT_EQ(registry.find(two.id)->name, "two");
}

TEST(Registry, AnEmptyIdNamesNothing) {
  Registry<Named> registry;
  registry.emplace("one");
  EXPECT_FALSE(Id<Named>());
  EXPECT_EQ(registry.find({}), nullptr);
  EXPECT_EQ(registry.find({7, 1}), nullptr);
}

TEST(Registry, ALateIdFindsNothingThoughItsSlotIsUsedAgain) {
  Registry<Named> registry;
  const Id<Named> late = registry.emplace("first").id;
  EXPECT_TRUE(registry.erase(late));
  const Id<Named> fresh = registry.emplace("second").id;
  EXPECT_EQ(fresh.index, late.index);
  EXPECT_NE(fresh.generation, late.generation);
  EXPECT_EQ(registry.find(late), nullptr);
  EXPECT_FALSE(registry.erase(late));
  EXPECT_EQ(registry.find(fresh)->name, "second");
  EXPECT_EQ(registry.size(), 1u);
}

TEST(Registry, ManyGenerationsOfOneSlotAreAllDifferent) {
  Registry<Named> registry;
  std::unordered_set<Id<Named>> seen;
  for (int i = 0; i < 1000; ++i) {
    const Id<Named> id = registry.emplace("again").id;
    EXPECT_TRUE(id);
    EXPECT_TRUE(seen.insert(id).second);
    EXPECT_TRUE(registry.erase(id));
  }
}

struct LooksItselfUp {
  LooksItselfUp(Id<LooksItselfUp> own_id, Registry<LooksItselfUp>& registry, bool& seen)
      : id(own_id), owner(registry), found(seen) {}
  ~LooksItselfUp() { found = owner.find(id) != nullptr; }
  Id<LooksItselfUp> id;
  Registry<LooksItselfUp>& owner;
  bool& found;
};

TEST(Registry, AnObjectBeingDestroyedIsNotFound) {
  Registry<LooksItselfUp> registry;
  bool found = true;
  const Id<LooksItselfUp> id = registry.emplace(registry, found).id;
  EXPECT_TRUE(registry.erase(id));
  EXPECT_FALSE(found);
}

TEST(Registry, AVisitorMayEraseWhatItVisits) {
  Registry<Named> registry;
  for (int i = 0; i < 10; ++i) registry.emplace(std::to_string(i));
  int visits = 0;
  registry.for_each([&](Named& named) {
    ++visits;
    if (named.name < "5") registry.erase(named.id);
  });
  EXPECT_EQ(visits, 10);
  EXPECT_EQ(registry.size(), 5u);
}

TEST(Registry, ObjectsDoNotMoveWhenItGrows) {
  Registry<Named> registry;
  const Named* const first = &registry.emplace("first");
  for (int i = 0; i < 1000; ++i) registry.emplace("more");
  EXPECT_EQ(registry.find(first->id), first);
}

}  // namespace
}  // namespace mortise
