#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "broker/net/event_loop.h"
#include "proxy_headers.h"
#include "test_loops.h"
#include "tls_peer.h"
#include "websocket_frames.h"

// Loops whose sockets have something between them and their bytes.

namespace mortise::net::test {
namespace {

TestLoops::Options behind_proxies(std::size_t loops = 1) {
  TestLoops::Options options;
  options.loops = loops;
  options.listener.proxy_networks = {*IpNetwork::parse("127.0.0.0/8")};
  return options;
}

TestLoops::Options with_websocket(std::size_t loops = 1) {
  TestLoops::Options options;
  options.loops = loops;
  options.listener.has_websocket = true;
  options.listener.path = "/mqtt";
  return options;
}

/// A Client with an open WebSocket.
class WebPeer {
 public:
  explicit WebPeer(const TestLoops& loops, int receive_buffer = 0) : peer(loops.port(), receive_buffer) {
    peer.send(kUpgrade);
    EXPECT_EQ(peer.receive(kUpgraded.size()), kUpgraded);
  }
  void send(std::string_view bytes) { peer.send(client_frame(bytes)); }
  /// The next frame; nothing when the stream ended before it was whole.
  std::optional<ServerFrame> frame() {
    std::optional<ServerFrame> whole;
    while (!(whole = take_server_frame(bytes_))) {
      const std::string one = peer.receive(1);
      if (one.empty()) return std::nullopt;
      bytes_ += one;
    }
    return whole;
  }
  std::string payload() { return frame().value_or(ServerFrame{}).payload; }

  Peer peer;

 private:
  std::string bytes_;
};

TEST(EventLoopLayers, TheShardHearsWhoTheClientBehindAProxyIsBeforeItsFirstPacket) {
  TestLoops loops(behind_proxies());
  Peer peer = loops.connect();
  peer.send("PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n" + order('W'));
  EXPECT_EQ(peer.line(), "192.0.2.1 51234 -\n");
  Peer other = loops.connect();
  const std::string tls = addition(0x20, std::string("\x03\0\0\0\0", 5) + addition(0x22, "device-7"));
  for (const char byte : proxy_header(0x21, 0x21, kSix + tls) + order('W')) {
    other.send({&byte, 1});
    loops.come_round();
  }
  EXPECT_EQ(other.line(), "2001:db8::1 51234 device-7\n");
}

TEST(EventLoopLayers, WhoTheClientIsGoesWithItToAnotherLoop) {
  TestLoops loops(behind_proxies(2));
  Peer peer = loops.connect();
  peer.send("PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n" + order('M', 0) + order('W'));
  EXPECT_EQ(peer.line(), "moved\n");
  EXPECT_EQ(peer.line(), "192.0.2.1 51234 -\n");
  peer.send(order('M', 1) + order('I') + order('W'));
  EXPECT_EQ(peer.line(), "moved\n");
  EXPECT_EQ(peer.line(), "loop 1\n");
  EXPECT_EQ(peer.line(), "192.0.2.1 51234 -\n");
}

TEST(EventLoopLayers, WhoSendsNoProxyHeaderIsClosedUnheard) {
  TestLoops loops(behind_proxies());
  Peer peer = loops.connect();
  peer.send(order('E', "hello"));
  EXPECT_EQ(peer.rest(), "");
  peer.stream().close();
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 0; }));
  EXPECT_EQ(watches[0].closed, 1);
}

TEST(EventLoopLayers, AStrangerIsTurnedAwayAndCounted) {
  TestLoops::Options options;
  options.listener.proxy_networks = {*IpNetwork::parse("192.0.2.0/24"), *IpNetwork::parse("::1")};
  TestLoops loops(options);
  EXPECT_EQ(loops.connect().rest(), "");
  EXPECT_EQ(loops.connect().rest(), "");
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().strangers == 2; }));
  EXPECT_EQ(loops.group().totals().accepted, 0u);
  EXPECT_EQ(watches[0].accepted, 0);
}

TEST(EventLoopLayers, AWebSocketCarriesPacketsOfAnySizeBothWays) {
  TestLoops loops(with_websocket());
  WebPeer peer(loops);
  for (const std::size_t size : {1u, 200u, 20'000u, 65'600u}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    peer.send(order('E', text));
    std::string got;
    while (got.size() < size) {
      const std::string more = peer.payload();
      ASSERT_FALSE(more.empty());
      got += more;
    }
    EXPECT_TRUE(got == text) << size;
  }
}

TEST(EventLoopLayers, APingIsAnsweredThoughTheBrokerHasNothingToSay) {
  TestLoops loops(with_websocket());
  WebPeer peer(loops);
  peer.peer.send(client_frame("there?", 0x80 | kPing));
  const std::optional<ServerFrame> pong = peer.frame();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->head, 0x80u | kPong);
  EXPECT_EQ(pong->payload, "there?");
}

TEST(EventLoopLayers, AWebSocketMovesWithAFrameHalfRead) {
  TestLoops loops(with_websocket(2));
  WebPeer peer(loops);
  peer.send(order('M', 0) + order('I'));
  EXPECT_EQ(peer.payload(), "moved\n");
  EXPECT_EQ(peer.payload(), "loop 0\n");
  const std::string text(30'000, 'x');
  const std::string frame = client_frame(order('M', 1) + order('E', text));
  peer.peer.send(std::string_view(frame).substr(0, 10'000));
  EXPECT_EQ(peer.payload(), "moved\n");
  peer.peer.send(std::string_view(frame).substr(10'000));
  std::string got;
  while (got.size() < text.size()) {
    const std::string more = peer.payload();
    ASSERT_FALSE(more.empty());
    got += more;
  }
  EXPECT_TRUE(got == text);
}

TEST(EventLoopLayers, TheLastPacketAndTheCloseFrameReachASlowReader) {
  TestLoops loops(with_websocket());
  WebPeer slow(loops, 1 << 18);
  slow.send(order('B', "3000000") + order('Q', "good-bye") + std::string(5000, 'P'));
  std::string got;
  std::optional<ServerFrame> last;
  for (std::optional<ServerFrame> frame = slow.frame(); frame; frame = slow.frame()) {
    if (frame->head == (0x80u | kBinary)) got += frame->payload;
    last = frame;
  }
  EXPECT_TRUE(got == std::string(3'000'000, 'b') + "good-bye");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->head, 0x80u | kClose);
  EXPECT_EQ(last->payload, "\x03\xE8");
}

TEST(EventLoopLayers, ACloseFrameEndsTheConnectionBehindWhatCameBefore) {
  TestLoops loops(with_websocket());
  WebPeer listener(loops);
  listener.send(order('S'));
  EXPECT_EQ(listener.payload(), "listening\n");
  WebPeer leaving(loops);
  leaving.peer.send(client_frame(order('L', 0, "published before leaving")) + client_frame("\x03\xE9", 0x80 | kClose));
  EXPECT_EQ(listener.payload(), "published before leaving");
  const std::optional<ServerFrame> close = leaving.frame();
  ASSERT_TRUE(close);
  EXPECT_EQ(close->head, 0x80u | kClose);
  EXPECT_EQ(close->payload, "\x03\xE9");
  EXPECT_EQ(leaving.peer.rest(), "");
  leaving.peer.stream().close();
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 1; }));
  EXPECT_EQ(watches[0].closed, 1);
}

/// The whole answer to `bytes`, which are all there before the loop reads the first of them; then how the stream ends.
std::string answer_to(std::string_view bytes, Transfer::Status& end) {
  TestLoops loops(with_websocket());
  Peer peer = loops.connect();
  {
    const StandStill still(loops, 0);
    peer.send(bytes);
  }
  std::string answer;
  std::array<std::uint8_t, 4096> room;
  do {
    const Transfer read = peer.stream().read(room);
    answer += as_text(ByteView(room).first(read.bytes));
    end = read.status;
  } while (end == Transfer::Status::kDone ||
           (end == Transfer::Status::kWouldBlock && peer.stream().wait_readable(steady_now() + kPatience)));
  peer.stream().close();
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 0; }));
  return answer;
}

TEST(EventLoopLayers, WhyAWebSocketIsRefusedIsNotLostInAReset) {
  Transfer::Status end{};
  const std::string behind(500'000, 'x');
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + behind, end).substr(0, 24), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_EQ(end, Transfer::Status::kEnded);
  EXPECT_EQ(
      answer_to(std::string(kUpgrade) + client_frame("text", 0x80 | kText) + behind, end).substr(kUpgraded.size()),
      "\x88\x02\x03\xEB");
  EXPECT_EQ(end, Transfer::Status::kEnded);
}

TEST(EventLoopLayers, AWebSocketMayBeBehindAProxy) {
  TestLoops::Options options = with_websocket();
  options.listener.proxy_networks = behind_proxies().listener.proxy_networks;
  TestLoops loops(options);
  Peer peer = loops.connect();
  peer.send(proxy_header(0x21, 0x11, kFour) + std::string(kUpgrade) + client_frame(order('W')));
  EXPECT_EQ(peer.receive(kUpgraded.size()), kUpgraded);
  EXPECT_EQ(peer.receive(20).substr(2), "192.0.2.1 51234 -\n");
}

/// What a TLS client says first.
std::string client_hello() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  TlsClient client{Descriptor(ends[0]), TlsClient::Options{}};
  const Descriptor other(ends[1]);
  client.shake_hands();
  std::string hello(4096, '\0');
  const ssize_t size = ::read(other.get(), hello.data(), hello.size());
  EXPECT_GT(size, 0);
  hello.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return hello;
}

TEST(EventLoopLayers, OneIterationTakesSoManyStepsOfHandshakesAndNoMore) {
  constexpr std::size_t kClients = 24;
  Authority authority;
  const Authority::Files files = authority.issue("server", "CN=localhost", {"localhost"});
  TestLoops::Options options;
  options.limits.handshakes_per_iteration = 1;
  options.listener.has_tls = true;
  options.listener.tls.certificates = {files.certificate};
  options.listener.tls.keys = {files.key};
  TestLoops loops(options);
  const std::string hello = client_hello();

  // All ask while the loop stands, so that it finds them in one iteration.
  std::vector<std::unique_ptr<Peer>> peers;
  std::uint64_t before = 0;
  {
    const StandStill still(loops, 0);
    for (std::size_t i = 0; i < kClients; ++i) {
      peers.push_back(std::make_unique<Peer>(loops.port()));
      peers.back()->send(hello);
    }
    before = loops.group().totals().iterations;
  }
  for (const auto& peer : peers) EXPECT_EQ(peer->receive(1), "\x16") << "the handshake goes on";
  EXPECT_GE(loops.group().totals().iterations - before, kClients - 1);
}

}  // namespace
}  // namespace mortise::net::test
