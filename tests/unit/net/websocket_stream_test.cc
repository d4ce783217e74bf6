#include "broker/net/websocket_stream.h"

#include <algorithm>
#include <vector>

#include "broker/net/outbox_writer.h"
#include "socket_ends.h"
#include "tests/conformance/proof.h"
#include "websocket_frames.h"

// A WebSocket over a pair of sockets, without a loop: what the peer sends, what the broker reads and says.

namespace mortise::net::test {
namespace {

using Status = Transfer::Status;

std::string close_payload(unsigned code) { return {static_cast<char>(code >> 8), static_cast<char>(code)}; }

/// The broker's end of a WebSocket with its socket, and the Client's socket.
class Pair {
 public:
  enum class Start { kOpened, kConnected };
  explicit Pair(Start start = Start::kOpened) {
    auto [ours, theirs] = socket_pair();
    stream_.socket = std::move(ours);
    stream_.layer =
        std::make_unique<WebSocketStream>(std::make_shared<const WebSocketRules>(WebSocketRules{"/mqtt", {}}), nullptr);
    client_ = std::move(theirs);
    if (start == Start::kConnected) return;
    hear(kUpgrade);
    EXPECT_EQ(answers(), kUpgraded);
  }

  const Descriptor& client() const { return client_; }
  ByteStream& layer() { return *stream_.layer; }
  /// The broker reads until nothing more is there, as a loop does; how that came to its end.
  Status read(std::size_t at_once = 4096) {
    std::vector<std::uint8_t> room(at_once);
    for (;;) {
      const Transfer transfer = stream_.read(room);
      decoded_ += as_text(ByteView(room).first(transfer.bytes));
      if (transfer.status != Status::kDone) return transfer.status;
    }
  }
  /// The Client says `bytes`, and the broker reads them.
  Status hear(std::string_view bytes, std::size_t at_once = 4096) {
    write_all(client_, bytes);
    return read(at_once);
  }
  /// What the broker has read since this was asked.
  std::string decoded() { return std::exchange(decoded_, {}); }
  /// What the layer says of its own, as the Client sees it.
  std::string answers() {
    flush();
    return read_all(client_);
  }
  /// The one frame that the layer says of its own.
  ServerFrame answer() {
    std::string said = answers();
    const std::optional<ServerFrame> frame = take_server_frame(said);
    EXPECT_TRUE(frame && said.empty());
    return frame.value_or(ServerFrame{});
  }
  Transfer flush() { return flush_layer(stream_); }
  Transfer write(std::span<const iovec> vectors) { return stream_.write(vectors); }
  Transfer write(core::Outbox& outbox) { return write_outbox(stream_, outbox, counters_); }

 private:
  Stream stream_;
  Descriptor client_;
  LoopCounters counters_;
  std::string decoded_;
};

TEST(WebSocketStream, TheHandshakeMayBeCutAnywhereAndFramesBeRightBehindIt) {
  const std::string all = std::string(kUpgrade) + client_frame("one") + client_frame("two");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    Pair pair(Pair::Start::kConnected);
    EXPECT_EQ(pair.hear(all.substr(0, cut)), Status::kWouldBlock);
    EXPECT_EQ(pair.layer().owes_bytes(), cut >= kUpgrade.size()) << cut;
    EXPECT_EQ(pair.hear(all.substr(cut)), Status::kWouldBlock);
    EXPECT_EQ(pair.decoded(), "onetwo") << cut;
    EXPECT_EQ(pair.answers(), kUpgraded) << cut;
  }
}

TEST(WebSocketStream, EverythingMayComeByteByByteIntoASmallBuffer) {
  Pair pair(Pair::Start::kConnected);
  for (const char byte : std::string(kUpgrade) + client_frame("one") + client_frame(std::string(200, 'x')))
    EXPECT_EQ(pair.hear({&byte, 1}, 1), Status::kWouldBlock);
  EXPECT_EQ(pair.decoded(), "one" + std::string(200, 'x'));
  EXPECT_EQ(pair.answers(), kUpgraded);
}

TEST(WebSocketStream, ARefusedUpgradeIsAnsweredAndEnds) {
  Pair pair(Pair::Start::kConnected);
  EXPECT_EQ(pair.hear("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + client_frame("not for the broker")), Status::kFailed);
  EXPECT_EQ(pair.answers().substr(0, 24), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_EQ(pair.decoded(), "");
  pair.layer().say_farewell();
  EXPECT_EQ(pair.answers(), "");
}

TEST(WebSocketStream, AnOverlongUpgradeIsRefusedBeforeItEnds) {
  Pair pair(Pair::Start::kConnected);
  const std::string start = "GET /mqtt HTTP/1.1\r\nX: ";
  EXPECT_EQ(pair.hear(start + std::string(kLongestUpgrade - start.size(), 'x')), Status::kWouldBlock);
  EXPECT_FALSE(pair.layer().owes_bytes());
  EXPECT_EQ(pair.hear("x"), Status::kFailed);
  EXPECT_EQ(pair.answers().substr(0, 26), "HTTP/1.1 400 Bad Request\r\n");
}

TEST(WebSocketStream, BytesMayBeCutOverFramesAnywhere) {
  PROVES("3.1.1 MQTT-6.0.0-2", "5.0 MQTT-6.0.0-2");
  const std::string text = "two packets, or three, or a piece of one";
  Pair pair;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(pair.hear(client_frame(text.substr(0, cut)) + client_frame(text.substr(cut))), Status::kWouldBlock);
    EXPECT_EQ(pair.decoded(), text) << cut;
  }
  for (const char byte : text) pair.hear(client_frame({&byte, 1}));
  EXPECT_EQ(pair.decoded(), text);
  EXPECT_EQ(pair.answers(), "");
}

TEST(WebSocketStream, FramesOfEverySizeOfHeaderAreReadWithEverySizeOfBuffer) {
  Pair pair;
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65'535u, 65'536u, 70'000u}) {
    for (const std::size_t at_once : {1u, 7u, 4096u, 100'000u}) {
      const std::string text(size, static_cast<char>('a' + size % 26));
      EXPECT_EQ(pair.hear(client_frame(text), at_once), Status::kWouldBlock);
      EXPECT_TRUE(pair.decoded() == text) << size << " " << at_once;
    }
  }
}

TEST(WebSocketStream, AMessageMayBeFragmentedAndAPingBeAnsweredBetween) {
  Pair pair;
  EXPECT_EQ(pair.hear(client_frame("frag", kBinary) + client_frame("are you there", 0x80 | kPing) +
                      client_frame("men", kContinuation) + client_frame("", kContinuation)),
            Status::kWouldBlock);
  EXPECT_EQ(pair.decoded(), "fragmen");
  const ServerFrame pong = pair.answer();
  EXPECT_EQ(pong.head, 0x80u | kPong);
  EXPECT_EQ(pong.payload, "are you there");
  EXPECT_EQ(pair.hear(client_frame("nobody asked", 0x80 | kPong) + client_frame("ted", 0x80 | kContinuation)),
            Status::kWouldBlock);
  EXPECT_EQ(pair.decoded(), "ted");
  EXPECT_EQ(pair.answers(), "");
}

TEST(WebSocketStream, WhoPingsAndNeverReadsIsEnded) {
  Pair pair;
  const std::string ping = client_frame(std::string(125, 'p'), 0x80 | kPing);
  std::size_t taken = 0;
  Status status = Status::kWouldBlock;
  for (std::size_t pings = 0; status == Status::kWouldBlock && pings < 1'000'000; ++pings) {
    status = pair.hear(ping);
    const Transfer flushed = pair.flush();
    // From the first pong on that the socket does not take, 16 KiB of them are kept.
    taken = flushed.status == Status::kWouldBlock ? taken + ping.size() : 0;
  }
  EXPECT_EQ(status, Status::kFailed);
  EXPECT_GT(taken, 16u << 10);
  EXPECT_LT(taken, 20u << 10);
}

TEST(WebSocketStream, WhoPingsAndReadsIsAnsweredForEver) {
  Pair pair;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = std::to_string(i);
    EXPECT_EQ(pair.hear(client_frame(name, 0x80 | kPing)), Status::kWouldBlock);
    EXPECT_EQ(pair.answer().payload, name);
  }
}

TEST(WebSocketStream, TextEndsTheConnectionWithUnsupportedData) {
  PROVES("3.1.1 MQTT-6.0.0-1", "5.0 MQTT-6.0.0-1");
  for (const unsigned head : {0x80u | kText, unsigned{kText}}) {
    Pair pair;
    EXPECT_EQ(pair.hear(client_frame("before") + client_frame("text", head) + client_frame("behind")), Status::kFailed);
    EXPECT_EQ(pair.decoded(), "before");
    const ServerFrame close = pair.answer();
    EXPECT_EQ(close.head, 0x80u | kClose);
    EXPECT_EQ(close.payload, close_payload(1003));
    // Nothing is said behind it.
    pair.layer().say_farewell();
    EXPECT_EQ(pair.answers(), "");
    core::Outbox outbox;
    outbox.append("too late");
    EXPECT_EQ(pair.write(outbox).status, Status::kFailed);
  }
}

TEST(WebSocketStream, WhatIsNoFrameEndsTheConnectionWithAProtocolError) {
  const std::string too_long =
      client_frame("x", 0x80 | kBinary, false).substr(0, 1) + "\xFF\x80" + std::string(11, '\0');
  for (const std::string& wrong : {
           client_frame("not masked", 0x80 | kBinary, false),
           client_frame("reserved", 0xC0 | kBinary),
           client_frame("reserved", 0xA0 | kBinary),
           client_frame("reserved", 0x90 | kBinary),
           client_frame("an unknown opcode", 0x83),
           client_frame("an unknown control frame", 0x8B),
           client_frame("a piece of a ping", kPing),
           client_frame(std::string(126, 'p'), 0x80 | kPing),
           client_frame("continues nothing", 0x80 | kContinuation),
           client_frame("begun", kBinary) + client_frame("anew", 0x80 | kBinary),
           too_long,
       }) {
    Pair pair;
    EXPECT_EQ(pair.hear(wrong + client_frame("behind")), Status::kFailed) << wrong;
    const std::string decoded = pair.decoded();
    EXPECT_TRUE(decoded.empty() || decoded == "begun") << decoded;
    const ServerFrame close = pair.answer();
    EXPECT_EQ(close.head, 0x80u | kClose);
    EXPECT_EQ(close.payload.substr(0, 2), close_payload(1002)) << wrong;
  }
}

TEST(WebSocketStream, ACloseIsAnsweredAndTheEndComesBehindTheBytesBefore) {
  Pair pair;
  EXPECT_EQ(pair.hear(client_frame("last words") + client_frame(close_payload(1001) + "going", 0x80 | kClose) +
                      client_frame("behind")),
            Status::kEnded);
  EXPECT_EQ(pair.decoded(), "last words");
  const ServerFrame close = pair.answer();
  EXPECT_EQ(close.head, 0x80u | kClose);
  EXPECT_EQ(close.payload.substr(0, 2), close_payload(1001));
  pair.layer().say_farewell();
  EXPECT_EQ(pair.answers(), "");
}

TEST(WebSocketStream, APeerThatLeavesWithoutAWordHasEnded) {
  Pair pair;
  write_all(pair.client(), client_frame("last words") + client_frame("half").substr(0, 8));
  ::shutdown(pair.client().get(), SHUT_WR);
  EXPECT_EQ(pair.read(), Status::kEnded);
  EXPECT_EQ(pair.decoded(), "last wordsha");
}

/// Everything the outbox holds, read by a Client that begins late; the payloads of the frames.
std::string written_through(Pair& pair, core::Outbox& outbox, std::size_t& longest) {
  std::string bytes, payloads;
  for (bool is_over = false; !is_over;) {
    const Transfer written = pair.write(outbox);
    EXPECT_NE(written.status, Status::kFailed);
    is_over = written.status == Status::kDone;
    bytes += read_all(pair.client());
    while (const std::optional<ServerFrame> frame = take_server_frame(bytes)) {
      EXPECT_EQ(frame->head, 0x80u | kBinary);
      longest = std::max(longest, frame->payload.size());
      payloads += frame->payload;
    }
  }
  EXPECT_EQ(bytes, "");
  return payloads;
}

TEST(WebSocketStream, MoreThanASocketHoldsArrivesWholeAndInOrder) {
  for (const std::size_t size : {1u, 125u, 126u, 65'535u, 65'536u, 65'537u, 3'000'000u}) {
    Pair pair;
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i ^ i >> 8);
    core::Outbox outbox;
    outbox.append(text);
    std::size_t longest = 0;
    EXPECT_TRUE(written_through(pair, outbox, longest) == text) << size;
    EXPECT_EQ(longest, std::min<std::size_t>(size, 65'535));
  }
}

TEST(WebSocketStream, WhatIsGatheredFromManyPlacesIsOneFrame) {
  Pair pair;
  std::vector<std::string> pieces;
  std::vector<iovec> vectors;
  for (int i = 0; i < 128; ++i) pieces.push_back(std::to_string(i) + ",");
  std::string all;
  for (std::string& piece : pieces) {
    vectors.push_back({piece.data(), piece.size()});
    all += piece;
  }
  EXPECT_EQ(pair.write(vectors).bytes, all.size());
  EXPECT_EQ(pair.answer().payload, all);
}

TEST(WebSocketStream, AReaderWhoIsSlowMayStillSendAndAsk) {
  Pair pair;
  core::Outbox outbox;
  outbox.append(std::string(3'000'000, 'x'));
  EXPECT_EQ(pair.write(outbox).status, Status::kWouldBlock);
  ASSERT_TRUE(pair.layer().owes_bytes());
  // Far more than pongs may be is owed now, and it is no fault of the peer's.
  EXPECT_EQ(pair.hear(client_frame("an acknowledgement") + client_frame("?", 0x80 | kPing)), Status::kWouldBlock);
  EXPECT_EQ(pair.decoded(), "an acknowledgement");
  std::string bytes;
  while (!outbox.empty() || pair.layer().owes_bytes()) {
    bytes += read_all(pair.client());
    pair.write(outbox);
  }
  bytes += read_all(pair.client());
  std::size_t payload = 0;
  std::vector<std::string> pongs;
  while (const std::optional<ServerFrame> frame = take_server_frame(bytes)) {
    if (frame->head == (0x80u | kPong)) pongs.push_back(frame->payload);
    if (frame->head == (0x80u | kBinary)) payload += frame->payload.size();
  }
  EXPECT_EQ(payload, 3'000'000u);
  EXPECT_EQ(pongs, std::vector<std::string>{"?"});
}

TEST(WebSocketStream, TheFarewellIsBehindTheLastBytes) {
  Pair pair;
  core::Outbox outbox;
  outbox.append("DISCONNECT");
  EXPECT_EQ(pair.write(outbox).bytes, 10u);
  pair.layer().say_farewell();
  pair.layer().say_farewell();
  std::string said = pair.answers();
  EXPECT_EQ(take_server_frame(said)->payload, "DISCONNECT");
  const std::optional<ServerFrame> close = take_server_frame(said);
  ASSERT_TRUE(close);
  EXPECT_EQ(close->head, 0x80u | kClose);
  EXPECT_EQ(close->payload, close_payload(1000));
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace mortise::net::test
