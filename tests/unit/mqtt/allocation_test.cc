// The path of a PUBLISH through this folder allocates nothing but its Message. Left out under sanitizers, which bring
// an operator new of their own.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MORTISE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MORTISE_TEST_SANITIZED
#endif
#endif

#ifndef MORTISE_TEST_SANITIZED

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"

namespace {
thread_local std::size_t allocations = 0;  // NOLINT: counted by the operators below
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
// Inlined alone, their free() looks to gcc as if it had not the operator above for a partner.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mortise::mqtt {
namespace {

template <class Run>
std::size_t allocations_of(Run&& run) {
  const std::size_t before = allocations;
  run();
  return allocations - before;
}

ByteBuffer encoded_publish(ProtocolVersion version) {
  PropertyWriter properties;
  properties.put_pair("a user property", "with a value");
  properties.put(PropertyId::kContentType, "text/plain");
  ByteBuffer encoded;
  encode(
      encoded,
      PublishView{false, QoS::kAtLeastOnce, false, 7, "a/topic/of/some/length", properties.view(), as_bytes("payload")},
      version);
  return encoded;
}

TEST(HotPath, DecodesAndEncodesAPublishWithoutAllocating) {
  for (const ProtocolVersion version : {ProtocolVersion::k311, ProtocolVersion::k5}) {
    const ByteBuffer encoded = encoded_publish(version);
    ByteBuffer out;
    out.reserve(1000);
    const std::size_t counted = allocations_of([&] {
      const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(encoded), 1000);
      const Result<PublishView, Refusal> publish = decode_publish(**frame, version);
      static_cast<void>(publish->properties.text(PropertyId::kContentType));
      encode_publish_head(out, *publish, {}, version);
      ASSERT_EQ(out.size() + publish->payload.size(), publish_size(*publish, {}, version));
    });
    EXPECT_EQ(counted, 0u);
  }
}

TEST(HotPath, AcknowledgesWithoutAllocating) {
  ByteBuffer out;
  out.reserve(1000);
  const std::size_t counted = allocations_of([&] {
    encode(out, AcknowledgementView{PacketType::kPuback, 7, ReasonCode::kSuccess, {}}, ProtocolVersion::k5);
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(out), 1000);
    ASSERT_EQ(decode_acknowledgement(**frame, ProtocolVersion::k5)->packet_id, 7);
  });
  EXPECT_EQ(counted, 0u);
}

TEST(HotPath, RefusesWithoutAllocating) {
  const std::string bad = {'\x36', '\x01', 'x'};
  const std::size_t counted = allocations_of([&] {
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(bad), 1000);
    ASSERT_FALSE(decode_publish(**frame, ProtocolVersion::k5));
  });
  EXPECT_EQ(counted, 0u);
}

TEST(HotPath, TheCounterCounts) {
  EXPECT_GT(allocations_of([] { std::string(1000, 'x').push_back('y'); }), 0u);
}

}  // namespace
}  // namespace mortise::mqtt

#endif  // MORTISE_TEST_SANITIZED
