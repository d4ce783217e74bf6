#include "broker/net/websocket_handshake.h"

#include <gtest/gtest.h>

#include "tests/conformance/proof.h"
#include "websocket_frames.h"

namespace mortise::net {
namespace {

const WebSocketRules kRules{"/mqtt", {}};
const WebSocketRules kOwnPages{"/mqtt", {"https://example.com", "http://127.0.0.1:8080"}};

/// The request of the specification with one text in the place of another.
std::string request_with(std::string_view replaced, std::string_view by) {
  std::string request(test::kUpgrade);
  const std::size_t at = request.find(replaced);
  EXPECT_NE(at, std::string::npos) << replaced;
  return request.replace(at, replaced.size(), by);
}
std::string request_adding(std::string_view fields) { return request_with("Host:", std::string(fields) + "\r\nHost:"); }

std::string status_of(const std::string& request, const WebSocketRules& rules = kRules) {
  const UpgradeAnswer answer = answer_upgrade(request, rules);
  const std::string status = answer.response.substr(0, 12);
  EXPECT_EQ(answer.is_accepted, status == "HTTP/1.1 101") << answer.response;
  EXPECT_TRUE(answer.is_accepted || *answer.why != '\0');
  return status.substr(9);
}

TEST(WebSocketHandshake, TheExampleOfTheSpecificationIsAnswered) {
  // RFC 6455, 1.3: the key dGhlIHNhbXBsZSBub25jZQ== and what it is accepted with. The Subprotocol is among the answer.
  PROVES("3.1.1 MQTT-6.0.0-4", "5.0 MQTT-6.0.0-4");
  const UpgradeAnswer answer = answer_upgrade(test::kUpgrade, kRules);
  EXPECT_TRUE(answer.is_accepted);
  EXPECT_EQ(answer.response, test::kUpgraded);
}

TEST(WebSocketHandshake, ARefusalSaysWhyInWholeHttp) {
  EXPECT_EQ(answer_upgrade(request_with("/mqtt", "/chat"), kRules).response,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 29\r\nConnection: close\r\n\r\n"
            "no WebSocket is at this path\n");
}

TEST(WebSocketHandshake, EveryFaultHasItsStatus) {
  struct Fault {
    const char* part;
    const char* instead;
    const char* status;
  };
  for (const Fault& fault : {
           Fault{"GET ", "POST ", "405"},
           {"GET ", "get ", "405"},
           {" HTTP/1.1", " HTTP/1.0", "400"},
           {" HTTP/1.1", "", "400"},
           {" HTTP/1.1", " HTTP/1.1 ", "400"},
           {"/mqtt HTTP", " HTTP", "400"},
           {"Host: server.example.com\r\n", "", "400"},
           {"Host:", "Host: one\r\nHost:", "400"},
           {"Host:", "Host :", "400"},
           {"Host:", " folded\r\nHost:", "400"},
           {"Host:", ": nameless\r\nHost:", "400"},
           {"Host:", "nonsense\r\nHost:", "400"},
           {"server.example", "server\rexample", "400"},
           {"server.example", "server\nexample", "400"},
           {"server.example", "server\x01.example", "400"},
           {"\r\n\r\n", "\r\n", "400"},
           {"Upgrade: websocket\r\n", "", "426"},
           {"Upgrade: websocket", "Upgrade: h2c", "426"},
           {"Upgrade: websocket", "Upgrade: websocket2", "426"},
           {"Connection: Upgrade\r\n", "", "426"},
           {"Connection: Upgrade", "Connection: keep-alive", "426"},
           {"Version: 13", "Version: 8", "426"},
           {"Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", "426"},
           {"Sec-WebSocket-Version: 13\r\n", "", "426"},
           {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"},
           {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "400"},
           {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSBh", "400"},
           {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs*SBub25jZQ==", "400"},
           {"Sec-WebSocket-Key:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key:", "400"},
       }) {
    EXPECT_EQ(status_of(request_with(fault.part, fault.instead)), fault.status)
        << fault.part << " -> " << fault.instead;
  }
  EXPECT_EQ(status_of(""), "400");
  EXPECT_EQ(status_of("\r\n\r\n"), "400");
}

TEST(WebSocketHandshake, AnUpgradeRequiredNamesWhatIsMissing) {
  EXPECT_NE(answer_upgrade(request_with("Version: 13", "Version: 7"), kRules)
                .response.find("\r\nSec-WebSocket-Version: 13\r\n"),
            std::string::npos);
  EXPECT_NE(
      answer_upgrade(request_with("Upgrade: websocket\r\n", ""), kRules).response.find("\r\nUpgrade: websocket\r\n"),
      std::string::npos);
  EXPECT_NE(answer_upgrade(request_with("GET", "PUT"), kRules).response.find("\r\nAllow: GET\r\n"), std::string::npos);
}

TEST(WebSocketHandshake, NamesAndTokensMayBeInAnyCaseAndAmongOthers) {
  EXPECT_EQ(status_of(request_with("Upgrade: websocket", "uPGRADE:WebSocket")), "101");
  EXPECT_EQ(status_of(request_with("Connection: Upgrade", "CONNECTION: keep-alive ,\tupgrade")), "101");
  EXPECT_EQ(status_of(request_with("Upgrade: websocket", "Upgrade: h2c, websocket")), "101");
  EXPECT_EQ(status_of(request_with("Sec-WebSocket-Version: 13", "sec-websocket-version:  13\t")), "101");
}

TEST(WebSocketHandshake, AListMayBeInTwoFields) {
  EXPECT_EQ(status_of(request_with("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket")), "101");
  EXPECT_EQ(status_of(request_with("Connection: Upgrade", "Connection: Upgrade\r\nConnection: keep-alive")), "101");
  EXPECT_EQ(status_of(request_with("Protocol: mqtt", "Protocol: chat\r\nSec-WebSocket-Protocol: mqtt")), "101");
}

std::string subprotocol_for(std::string_view offered) {
  const std::string request = request_with("Protocol: mqtt", "Protocol: " + std::string(offered));
  const std::string response = answer_upgrade(request, kRules).response;
  const std::string_view name = "Sec-WebSocket-Protocol: ";
  const std::size_t at = response.find(name);
  return at == std::string::npos ? "refused"
                                 : response.substr(at + name.size(), response.find("\r\n", at) - at - name.size());
}

TEST(WebSocketHandshake, TheSubprotocolIsOneThatTheClientNamed) {
  PROVES("3.1.1 MQTT-6.0.0-4", "5.0 MQTT-6.0.0-4");
  EXPECT_EQ(subprotocol_for("chat, mqtt"), "mqtt");
  EXPECT_EQ(subprotocol_for("mqttv3.1, mqtt"), "mqtt");
  EXPECT_EQ(subprotocol_for("mqttv3.1"), "mqttv3.1");
  EXPECT_EQ(subprotocol_for("chat"), "refused");
  EXPECT_EQ(subprotocol_for("mqtt5"), "refused");
  // A browser would not take the answer for its own "MQTT".
  EXPECT_EQ(subprotocol_for("MQTT"), "refused");
  EXPECT_EQ(status_of(request_with("Sec-WebSocket-Protocol: mqtt\r\n", "")), "400");
}

TEST(WebSocketHandshake, ThePathMayHaveAQueryBehindIt) {
  EXPECT_EQ(status_of(request_with("/mqtt", "/mqtt?token=a%20b")), "101");
  EXPECT_EQ(status_of(request_with("/mqtt", "/mqtt/")), "404");
  EXPECT_EQ(status_of(request_with("/mqtt", "/mqttx")), "404");
  EXPECT_EQ(status_of(request_with("/mqtt", "/?/mqtt")), "404");
}

TEST(WebSocketHandshake, OnlyListedOriginsMayOpenOne) {
  EXPECT_EQ(status_of(request_adding("Origin: https://example.com"), kOwnPages), "101");
  EXPECT_EQ(status_of(request_adding("origin: http://127.0.0.1:8080"), kOwnPages), "101");
  EXPECT_EQ(status_of(request_adding("Origin: https://evil.example"), kOwnPages), "403");
  EXPECT_EQ(status_of(request_adding("Origin: https://example.com.evil.example"), kOwnPages), "403");
  EXPECT_EQ(status_of(request_adding("Origin: http://example.com"), kOwnPages), "403");
  EXPECT_EQ(status_of(request_adding("Origin: null"), kOwnPages), "403");
  EXPECT_EQ(status_of(request_adding("Origin:"), kOwnPages), "403");
  // Two of them are what nobody sends who means well.
  EXPECT_EQ(status_of(request_adding("Origin: https://example.com\r\nOrigin: https://evil.example"), kOwnPages), "403");
  // Not a page at all: the list is about browsers.
  EXPECT_EQ(status_of(std::string(test::kUpgrade), kOwnPages), "101");
  EXPECT_EQ(status_of(request_adding("Origin: https://evil.example"), kRules), "101");
}

TEST(WebSocketHandshake, SixtyFourFieldsAreReadAndNoMore) {
  const auto with_fields = [](int count) {
    std::string fields = "X-0: 0";
    for (int i = 1; i < count; ++i) fields += "\r\nX-" + std::to_string(i) + ": " + std::to_string(i);
    return request_adding(fields);
  };
  EXPECT_EQ(status_of(with_fields(58)), "101");
  EXPECT_EQ(status_of(with_fields(59)), "400");
}

}  // namespace
}  // namespace mortise::net
