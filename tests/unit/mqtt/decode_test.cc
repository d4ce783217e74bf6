// What the wire vectors (tests/conformance/vectors) do not say: several packets at once, limits, refused versions,
// traps met by other brokers' parsers.

#include "broker/mqtt/decode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/mqtt/encode.h"
#include "broker/mqtt/topic.h"
#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

using namespace std::string_literals;

constexpr std::size_t kMaximum = 1 << 20;

/// The frame that `bytes` begins with.
FrameView frame_of(const std::string& bytes, std::size_t maximum = kMaximum) {
  const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(bytes), maximum);
  EXPECT_TRUE(frame && *frame);
  return **frame;
}

std::string packet(unsigned first_byte, const std::string& body) {
  std::string out(1, static_cast<char>(first_byte));
  std::size_t size = body.size();
  for (; size >= 128; size >>= 7) out += static_cast<char>((size & 0x7F) | 0x80);
  return out + static_cast<char>(size) + body;
}

std::string text(const std::string& value) {
  return std::string{static_cast<char>(value.size() >> 8), static_cast<char>(value.size() & 0xFF)} + value;
}

TEST(NextFrame, WantsMoreUntilThePacketIsWhole) {
  const std::string bytes = packet(0x30, text("a/b") + std::string(200, 'x'));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(part), kMaximum);
    ASSERT_TRUE(frame);
    EXPECT_FALSE(*frame) << size;
  }
  EXPECT_EQ(frame_of(bytes + "more").size, bytes.size());
}

TEST(NextFrame, TakesAThousandPacketsFromOneSegment) {
  std::string segment;
  for (int i = 0; i < 1000; ++i) segment += packet(0x30, text("t/" + std::to_string(i)) + "payload");
  ByteView rest = as_bytes(segment);
  for (int i = 0; i < 1000; ++i) {
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(rest, kMaximum);
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ(decode_publish(**frame, ProtocolVersion::k311)->topic, "t/" + std::to_string(i));
    rest = rest.subspan((*frame)->size);
  }
  EXPECT_TRUE(rest.empty());
}

struct SizeCase {
  std::size_t body;
  std::size_t header;
};

TEST(NextFrame, ReadsRemainingLengthsOfEverySize) {
  for (const SizeCase& c :
       {SizeCase{0, 2}, {127, 2}, {128, 3}, {16'383, 3}, {16'384, 4}, {2'097'151, 4}, {2'097'152, 5}}) {
    const std::string bytes = packet(0x30, std::string(c.body, 'x'));
    const FrameView frame = frame_of(bytes, bytes.size());
    EXPECT_EQ(frame.body.size(), c.body);
    EXPECT_EQ(frame.size, c.body + c.header);
  }
}

TEST(NextFrame, RefusesWhatIsLargerThanTheMaximumAsSoonAsTheHeaderIsThere) {  // [MQTT-3.2.2-15]
  PROVES("5.0 MQTT-3.2.2-15");
  const std::string bytes = packet(0x30, std::string(98, 'x'));
  EXPECT_EQ(frame_of(bytes, 100).size, 100u);
  const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(bytes).first(2), 99);
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().reason, ReasonCode::kPacketTooLarge);
}

TEST(NextFrame,
     RefusesReservedFlagsFromTheFirstByteAlone) {  // [MQTT-2.1.3-1] and one number per packet that has its own
  for (unsigned type = 1; type <= 15; ++type) {
    for (unsigned flags = 0; flags < 16; ++flags) {
      const bool has_flag = type == 6 || type == 8 || type == 10;
      // DUP on these three is judged with the version known, and so are all of CONNECT.
      const bool is_fine = type == 1 || type == 3 || (has_flag ? (flags & 7) == 2 : flags == 0);
      const std::string byte(1, static_cast<char>(type << 4 | flags));
      EXPECT_EQ(next_frame(as_bytes(byte), kMaximum).ok(), is_fine) << type << " " << flags;
    }
  }
}

TEST(Decode, JudgesDupOnPubrelByTheVersion) {  // [MQTT-3.6.1-1]
  PROVES("3.1.1 MQTT-3.6.1-1", "5.0 MQTT-3.6.1-1");
  const std::string bytes = packet(0x6A, "\x00\x01"s);
  EXPECT_TRUE(decode_acknowledgement(frame_of(bytes), ProtocolVersion::k31));
  EXPECT_FALSE(decode_acknowledgement(frame_of(bytes), ProtocolVersion::k311));
  EXPECT_FALSE(decode_acknowledgement(frame_of(bytes), ProtocolVersion::k5));
}

TEST(Decode, TakesTheLongestStrings) {
  const std::string longest(kMaximumStringSize, 'x');
  const std::string bytes = packet(0x82, "\x00\x01\x00"s + text(longest) + "\x01");
  const Result<ControlPacketView, Refusal> subscribe = decode(frame_of(bytes), ProtocolVersion::k5);
  ASSERT_TRUE(subscribe);
  EXPECT_EQ(std::get<SubscribeView>(*subscribe).requests.at(0).filter, longest);
}

TEST(Decode, GivesViewsIntoTheBufferItRead) {
  const std::string bytes = packet(0x30, text("a/b") + "payload");
  const Result<PublishView, Refusal> publish = decode_publish(frame_of(bytes), ProtocolVersion::k311);
  ASSERT_TRUE(publish);
  EXPECT_EQ(publish->topic.data(), bytes.data() + 4);
  EXPECT_EQ(as_text(publish->payload), "payload");
}

TEST(Decode, AFlaggedFieldThatIsAbsentIsNeverMadeUp) {
  // No Will, User Name, Password: absent, not empty.
  const std::string bytes = packet(0x10, text("MQTT") + "\x04\x02\x00\x3C"s + text("c"));
  const Result<ConnectView, Refusal> connect = decode_connect(frame_of(bytes));
  ASSERT_TRUE(connect);
  EXPECT_FALSE(connect->will || connect->user_name || connect->password);
  // Empty ones are there, and empty.
  const std::string empty = packet(0x10, text("MQTT") + "\x04\xC2\x00\x3C"s + text("c") + text("") + text(""));
  const Result<ConnectView, Refusal> with_empty = decode_connect(frame_of(empty));
  ASSERT_TRUE(with_empty);
  EXPECT_TRUE(with_empty->user_name && with_empty->user_name->empty());
  EXPECT_TRUE(with_empty->password && with_empty->password->empty());
}

TEST(Decode, AllowsClientIdentifiersBeyondThoseOf31) {  // [MQTT-3.1.3-5]
  for (const std::string& id : {std::string(23, 'a'), std::string(24, 'a'), std::string(1000, 'a'), "a b/#+\"'%\\"s}) {
    const std::string bytes = packet(0x10, text("MQIsdp") + "\x03\x02\x00\x3C"s + text(id));
    const Result<ConnectView, Refusal> connect = decode_connect(frame_of(bytes));
    ASSERT_TRUE(connect) << id;
    EXPECT_EQ(connect->client_id, id);
  }
}

struct VersionCase {
  std::string name;
  int level;
  ProtocolVersion answer;
};

TEST(AnswerVersion, IsOneTheRefusedClientUnderstands) {  // [MQTT-3.1.2-2]
  for (const VersionCase& c :
       {VersionCase{"MQTT", 6, ProtocolVersion::k5}, VersionCase{"MQTT", 127, ProtocolVersion::k5},
        VersionCase{"MQTT", 3, ProtocolVersion::k311}, VersionCase{"MQTT", 0, ProtocolVersion::k5},
        VersionCase{"MQTT", 0x84, ProtocolVersion::k311}, VersionCase{"MQTT", 0x85, ProtocolVersion::k5},
        VersionCase{"MQIsdp", 4, ProtocolVersion::k31}, VersionCase{"MQIsdp", 6, ProtocolVersion::k5},
        VersionCase{"MQIsdp", 0x83, ProtocolVersion::k31}, VersionCase{"HTTP", 4, ProtocolVersion::k311}}) {
    const std::string bytes = packet(0x10, text(c.name) + static_cast<char>(c.level) + "\x02\x00\x3C"s + text("c"));
    const Result<ConnectView, Refusal> connect = decode_connect(frame_of(bytes));
    ASSERT_FALSE(connect);
    EXPECT_EQ(connect.error().reason, ReasonCode::kUnsupportedProtocolVersion);
    EXPECT_EQ(answer_version(frame_of(bytes)), c.answer) << c.name << " " << c.level;
  }
}

TEST(AnswerVersion, IsThatOfTheClientWhenSomethingElseIsWrong) {
  EXPECT_EQ(answer_version(frame_of(packet(0x10, text("MQTT") + "\x05"))), ProtocolVersion::k5);
  EXPECT_EQ(answer_version(frame_of(packet(0x10, text("MQTT") + "\x04"))), ProtocolVersion::k311);
  EXPECT_EQ(answer_version(frame_of(packet(0x10, text("MQIsdp") + "\x03"))), ProtocolVersion::k31);
  EXPECT_EQ(answer_version(frame_of(packet(0x10, "\x00"s))), ProtocolVersion::k311);
  EXPECT_EQ(answer_version(frame_of(packet(0x10, ""))), ProtocolVersion::k311);
}

TEST(Decode, ManySmallTopicFiltersAreAllThere) {
  std::string body = "\x00\x01"s;
  for (int i = 0; i < 10'000; ++i) body += text("a") + "\x01";
  const std::string bytes = packet(0x82, body);
  const Result<ControlPacketView, Refusal> subscribe = decode(frame_of(bytes), ProtocolVersion::k311);
  ASSERT_TRUE(subscribe);
  EXPECT_EQ(std::get<SubscribeView>(*subscribe).requests.size(), 10'000u);
}

}  // namespace
}  // namespace mortise::mqtt
