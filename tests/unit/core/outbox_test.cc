#include "broker/core/outbox.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "broker/core/timers.h"
#include "tests/unit/allocated_bytes.h"

namespace mortise::core {
namespace {

mqtt::MessagePtr message(std::size_t size) {
  const std::string payload(size, 'p');
  mqtt::MessageView fields;
  fields.topic = "t";
  fields.payload = as_bytes(payload);
  return mqtt::Message::make(fields);
}

TEST(Outbox, WhateverIsWrittenInWhateverPiecesComesOutInOrder) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    Outbox outbox;
    std::string expected, written;
    for (int step = 0; step < 200; ++step) {
      if (random() % 2 == 0) {
        const std::string text(random() % 5000, static_cast<char>('a' + step % 26));
        outbox.append(text);
        expected += text;
        if (random() % 4 == 0) {
          const std::size_t size = Outbox::kReferenceFrom - 2 + random() % 9000;
          outbox.append_payload(message(size));
          expected += std::string(size, 'p');
        }
      }
      std::array<iovec, 4> vectors{};
      std::size_t most = random() % 9000;
      std::size_t taken = 0;
      for (std::size_t i = 0; i < outbox.gather(vectors) && most > 0; ++i) {
        const std::size_t part = std::min(most, vectors[i].iov_len);
        written.append(static_cast<const char*>(vectors[i].iov_base), part);
        taken += part;
        most -= part;
      }
      outbox.consume(taken);
      ASSERT_EQ(outbox.size(), expected.size() - written.size()) << "seed " << seed;
      ASSERT_EQ(outbox.empty(), expected.size() == written.size()) << "seed " << seed;
    }
    EXPECT_EQ(expected.substr(0, written.size()), written) << "seed " << seed;
  }
}

TEST(Outbox, AnIdleOneOwnsNoMemoryAndItsBufferServesTheNext) {
  OutboxPool pool;
  const mortise::testing::Growth growth;
  for (int i = 0; i < 10'000; ++i) {
    Outbox outbox(pool);
    outbox.append(std::string(60'000, 'x'));
    outbox.consume(60'000);
    EXPECT_TRUE(outbox.empty());
    Outbox other(pool);
    EXPECT_GE(other.buffer().capacity(), 60'000u);
    other.append("x");
    other.consume(1);
  }
  EXPECT_LT(growth.bytes(), 130'000) << "one buffer, which the pool has";
}

TEST(Outbox, ThePoolOfBuffersIsBounded) {
  OutboxPool pool;
  std::vector<Outbox> outboxes;
  for (int i = 0; i < 1000; ++i) outboxes.emplace_back(pool).append(std::string(100'000, 'x'));
  for (Outbox& outbox : outboxes) outbox.consume(outbox.size());
  EXPECT_GT(pool.bytes(), OutboxPool::kMaximumBytes / 2);
  EXPECT_LE(pool.bytes(), OutboxPool::kMaximumBytes);
  Outbox large(pool);
  large.append(std::string(1'000'000, 'x'));
  const std::size_t before = pool.bytes();
  large.consume(1'000'000);
  EXPECT_EQ(pool.bytes(), before) << "what one large packet needed is given back";
}

TEST(Timers, WhatIsDueComesInItsOrderAndNotBefore) {
  Timers timers;
  const SteadyTime start{std::chrono::hours(1)};
  for (const std::uint32_t at : {5u, 1u, 3u}) timers.arm({start + Seconds(at), at, 1, Timers::Kind::kSession});
  Timers::Entry entry{};
  EXPECT_FALSE(timers.pop_due(start, entry));
  EXPECT_EQ(timers.next(), start + 1s);
  for (const std::uint32_t at : {1u, 3u}) {
    ASSERT_TRUE(timers.pop_due(start + 3s, entry));
    EXPECT_EQ(entry.index, at);
  }
  EXPECT_FALSE(timers.pop_due(start + 3s, entry));
  EXPECT_EQ(timers.size(), 1u);
}

}  // namespace
}  // namespace mortise::core
