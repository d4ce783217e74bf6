#include "broker/plugin_host/scratch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "broker/plugin_host/address_sanitizer.h"

namespace mortise::plugin_host {
namespace {

/// Reads a stale byte as an uninstrumented plugin does.
__attribute__((no_sanitize("address"))) unsigned char stale(const char* at) { return static_cast<unsigned char>(*at); }

ByteView text(const std::string& value) { return as_bytes(std::string_view(value)); }

TEST(Scratch, a_field_stays_poison_for_64_scopes_after_its_own) {
  ScratchLane lane(1 << 20);
  ScratchArena* first = lane.take();
  const char* shown = first->put({1, 0}, text("a secret"));
  EXPECT_EQ(std::string(shown, 8), "a secret");
  EXPECT_EQ(lane.give_back(*first), 0U);
  for (int scope = 0; scope < 64; ++scope) {
    ScratchArena* arena = lane.take();
    (void)arena->put({1, 0}, text("another"));
    EXPECT_EQ(stale(shown), ScratchLane::kPoison);
    EXPECT_EQ(stale(shown + 7), ScratchLane::kPoison);
    lane.give_back(*arena);
  }
  ScratchArena* again = lane.take();
  EXPECT_EQ(again->put({1, 0}, text("shown now")), shown);
  lane.give_back(*again);
}

TEST(Scratch, finds_what_was_written_one_byte_behind_or_before_a_field) {
  ScratchLane lane(1 << 20);
  for (const std::ptrdiff_t at : {std::ptrdiff_t{5}, std::ptrdiff_t{-1}}) {
    ScratchArena* arena = lane.take();
    char* shown = const_cast<char*>(arena->put({1, 0}, text("field")));
    shown[at] = 'X';
    EXPECT_EQ(lane.give_back(*arena), 1U) << at;
  }
  ScratchArena* arena = lane.take();
  (void)arena->put({1, 0}, text("field"));
  EXPECT_EQ(lane.give_back(*arena), 0U);
}

TEST(Scratch, shows_a_field_once_and_keeps_empty_ones_apart_from_nothing) {
  ScratchLane lane(1 << 20);
  ScratchArena* arena = lane.take();
  const char* shown = arena->put({1, 0}, text("field"));
  std::size_t size = 0;
  EXPECT_EQ(arena->find({1, 0}, size), shown);
  EXPECT_EQ(size, 5U);
  EXPECT_EQ(arena->find({2, 0}, size), nullptr);
  EXPECT_NE(arena->put({2, 0}, {}), nullptr);
  lane.give_back(*arena);
}

TEST(Scratch, large_fields_are_aligned_checked_and_poisoned_too) {
  ScratchLane lane(1 << 20);
  const std::string large(100'000, 'x');
  ScratchArena* arena = lane.take();
  char* shown = const_cast<char*>(arena->put({1, 0}, text(large)));
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(shown) % 16, 0U);
  EXPECT_EQ(std::memcmp(shown, large.data(), large.size()), 0);
  shown[large.size()] = 'X';
  EXPECT_EQ(lane.give_back(*arena), 1U);
  EXPECT_EQ(stale(shown + 99'999), ScratchLane::kPoison);
}

TEST(Scratch, gives_nothing_beyond_its_limit_and_goes_on_within_it) {
  ScratchLane lane(64 << 10);
  const std::string fits(20'000, 'x');
  const std::string never(70'000, 'x');
  for (int scope = 0; scope < 500; ++scope) {
    ScratchArena* arena = lane.take();
    EXPECT_EQ(arena->put({1, 0}, text(never)), nullptr);
    EXPECT_NE(arena->put({2, 0}, text(fits)), nullptr);
    EXPECT_NE(arena->put({3, 0}, text(fits)), nullptr);
    EXPECT_EQ(arena->put({4, 0}, text(fits)), nullptr) << "a third one would make it 96 KiB";
    EXPECT_EQ(lane.give_back(*arena), 0U);
  }
}

TEST(Scratch, arenas_of_retained_handles_live_on_beside_those_of_scopes) {
  ScratchLane lane(1 << 20);
  auto kept = lane.make_arena();
  const char* shown = kept->put({1, 0}, text("kept"));
  for (int scope = 0; scope < 200; ++scope) {
    ScratchArena* arena = lane.take();
    (void)arena->put({1, 0}, text("passing"));
    lane.give_back(*arena);
  }
  EXPECT_EQ(std::string(shown, 4), "kept");
  EXPECT_EQ(lane.give_back(*kept), 0U);
  EXPECT_EQ(stale(shown), ScratchLane::kPoison);
}

}  // namespace
}  // namespace mortise::plugin_host
