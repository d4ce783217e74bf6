#include "broker/net/proxy_stream.h"

#include <array>

#include "broker/net/websocket_stream.h"
#include "proxy_headers.h"
#include "socket_ends.h"
#include "websocket_frames.h"

namespace mortise::net::test {
namespace {

using Status = Transfer::Status;

const std::string kLine = "PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n";

/// A connection behind a proxy, without a loop.
class Passed {
 public:
  explicit Passed(std::unique_ptr<ByteStream> next = nullptr) : stream(std::move(next)) {
    std::tie(ours, theirs) = socket_pair();
  }
  Status hear(std::string_view bytes) {
    write_all(theirs, bytes);
    return read();
  }
  Status read() {
    std::array<std::uint8_t, 4096> room;
    for (;;) {
      const Transfer transfer = stream.read(ours.get(), room);
      decoded += as_text(ByteView(room).first(transfer.bytes));
      if (transfer.status != Status::kDone) return transfer.status;
    }
  }
  /// "peer port local port", as it is introduced.
  std::string introduction() {
    core::PeerInfo peer;
    peer.peer_address = "proxy";
    peer.local_address = "here";
    stream.introduce(peer);
    return peer.peer_address + " " + std::to_string(peer.peer_port) + " " + peer.local_address + " " +
           std::to_string(peer.local_port) + (peer.certificate ? " " + peer.certificate->common_name : "");
  }

  Descriptor ours, theirs;
  ProxyStream stream;
  std::string decoded;
};

TEST(ProxyStream, TheHeaderMayBeCutAnywhereAndBytesBeRightBehindIt) {
  const std::string binary = proxy_header(0x21, 0x11, kFour + addition(0xEE, "e"));
  for (const std::string& header : {kLine, binary}) {
    const std::string all = header + "CONNECT";
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      Passed passed;
      EXPECT_EQ(passed.hear(all.substr(0, cut)), Status::kWouldBlock);
      EXPECT_EQ(passed.stream.has_introduction(), cut >= header.size()) << cut;
      EXPECT_EQ(passed.hear(all.substr(cut)), Status::kWouldBlock);
      EXPECT_EQ(passed.decoded, "CONNECT") << cut;
      EXPECT_EQ(passed.introduction(), "192.0.2.1 51234 198.51.100.2 1883");
      EXPECT_FALSE(passed.stream.has_introduction());
    }
  }
}

TEST(ProxyStream, AProxyThatSpeaksForItselfKeepsItsAddress) {
  for (const std::string& header : {std::string("PROXY UNKNOWN\r\n"), proxy_header(0x20, 0, "")}) {
    Passed passed;
    EXPECT_EQ(passed.hear(header + "x"), Status::kWouldBlock);
    EXPECT_EQ(passed.decoded, "x");
    EXPECT_EQ(passed.introduction(), "proxy 0 here 0");
  }
}

TEST(ProxyStream, ACertificateThatTheProxyVerifiedIsTheClients) {
  Passed passed;
  const std::string tls = addition(0x20, std::string("\x03\0\0\0\0", 5) + addition(0x22, "device-7"));
  EXPECT_EQ(passed.hear(proxy_header(0x21, 0x11, kFour + tls)), Status::kWouldBlock);
  EXPECT_EQ(passed.introduction(), "192.0.2.1 51234 198.51.100.2 1883 device-7");
}

TEST(ProxyStream, WithoutAHeaderItEnds) {
  Passed passed;
  EXPECT_EQ(passed.hear("\x10\x0c"), Status::kFailed);
  EXPECT_EQ(passed.decoded, "");
  EXPECT_FALSE(passed.stream.owes_bytes());
}

TEST(ProxyStream, APeerThatLeavesWithinTheHeaderHasEnded) {
  Passed passed;
  EXPECT_EQ(passed.hear(kLine.substr(0, 20)), Status::kWouldBlock);
  passed.theirs.reset();
  EXPECT_EQ(passed.read(), Status::kEnded);
}

TEST(ProxyStream, OnlyTheFirstHeaderIsOne) {
  Passed passed;
  EXPECT_EQ(passed.hear(kLine + kLine), Status::kWouldBlock);
  EXPECT_EQ(passed.decoded, kLine);
}

TEST(ProxyStream, AWebSocketMayBeBehindIt) {
  const auto rules = std::make_shared<const WebSocketRules>(WebSocketRules{"/mqtt", {}});
  const std::string all = kLine + std::string(kUpgrade) + client_frame("hello");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    Passed passed(std::make_unique<WebSocketStream>(rules, nullptr));
    EXPECT_EQ(passed.hear(all.substr(0, cut)), Status::kWouldBlock);
    EXPECT_EQ(passed.hear(all.substr(cut)), Status::kWouldBlock);
    EXPECT_EQ(passed.decoded, "hello") << cut;
    EXPECT_TRUE(passed.stream.owes_bytes());
    EXPECT_EQ(passed.stream.flush(passed.ours.get()).status, Status::kDone);
    EXPECT_EQ(read_all(passed.theirs), kUpgraded);
    passed.stream.say_farewell();
    EXPECT_EQ(passed.stream.flush(passed.ours.get()).status, Status::kDone);
    std::string farewell = read_all(passed.theirs);
    EXPECT_EQ(take_server_frame(farewell)->head, 0x80u | kClose);
  }
}

}  // namespace
}  // namespace mortise::net::test
