#include "broker/config/listener_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::HasSubstr;

ListenerSettings parsed(const std::string& url) {
  ListenerSettings listener;
  listener.url = url;
  const auto outcome = parse_listener_url(listener);
  EXPECT_TRUE(outcome) << url;
  return listener;
}

std::string url_error(const std::string& url) {
  ListenerSettings listener;
  listener.url = url;
  const auto outcome = parse_listener_url(listener);
  return outcome ? "no error" : outcome.error().message;
}

TEST(ListenerUrl, HostAndPortAreTakenApart) {
  EXPECT_EQ(parsed("tcp://127.0.0.1:1884").host, "127.0.0.1");
  EXPECT_EQ(parsed("tcp://127.0.0.1:1884").port, 1884);
  EXPECT_EQ(parsed("tcp://[::1]:1884").host, "::1");
  EXPECT_EQ(parsed("tcp://[::1]:1884").port, 1884);
  EXPECT_EQ(parsed("tcp://broker.example:0").host, "broker.example");
  EXPECT_EQ(parsed("tcp://broker.example:0").port, 0);
}

TEST(ListenerUrl, ThePortIs1883WhenItIsLeftOut) {
  EXPECT_EQ(parsed("tcp://127.0.0.1").port, 1883);
  EXPECT_EQ(parsed("tcp://127.0.0.1/").port, 1883);
  EXPECT_EQ(parsed("tcp://[::1]").port, 1883);
}

TEST(ListenerUrl, SchemesThatAreNotThereYetAreRefusedWithWhatToUse) {
  EXPECT_EQ(url_error("tls://0.0.0.0:8883"), "TLS (tls://): not there yet in this version; use tcp://HOST:PORT");
  EXPECT_EQ(url_error("ws://127.0.0.1:8083/mqtt"),
            "WebSocket (ws://): not there yet in this version; use tcp://HOST:PORT");
  EXPECT_EQ(url_error("wss://127.0.0.1:8083/mqtt"),
            "WebSocket (wss://): not there yet in this version; use tcp://HOST:PORT");
  EXPECT_EQ(url_error("unix:///run/mortise/mqtt.sock"),
            "Unix sockets (unix://): not there yet in this version; use tcp://HOST:PORT");
}

TEST(ListenerUrl, OtherSchemesAreErrorsThatShowTheForm) {
  EXPECT_EQ(url_error("mqtt://127.0.0.1"), "write tcp:// instead of mqtt://");
  EXPECT_THAT(url_error("http://127.0.0.1"), HasSubstr("the scheme \"http\" is not known; allowed: tcp://HOST:PORT"));
  EXPECT_THAT(url_error("127.0.0.1:1883"), HasSubstr("\"127.0.0.1:1883\" has no scheme; allowed: tcp://HOST:PORT"));
  EXPECT_THAT(url_error("1883"), HasSubstr("has no scheme"));
}

TEST(ListenerUrl, HostsAndPortsThatAreNoneAreErrors) {
  EXPECT_THAT(url_error("tcp://"), HasSubstr("the host is missing"));
  EXPECT_THAT(url_error("tcp://:1883"), HasSubstr("the host is missing"));
  EXPECT_THAT(url_error("tcp://a b:1883"), HasSubstr("the host \"a b\" is not one"));
  EXPECT_THAT(url_error("tcp://*:1883"), HasSubstr("the host \"*\" is not one"));
  EXPECT_THAT(url_error("tcp://127.0.0.1:70000"), HasSubstr("the port \"70000\" is not one; allowed: 0 to 65535"));
  EXPECT_THAT(url_error("tcp://127.0.0.1:"), HasSubstr("the port \"\" is not one"));
  EXPECT_THAT(url_error("tcp://127.0.0.1:12x"), HasSubstr("the port \"12x\" is not one"));
  EXPECT_THAT(url_error("tcp://127.0.0.1:-1"), HasSubstr("is not one"));
  EXPECT_THAT(url_error("tcp://::1:1883"), HasSubstr("an IPv6 address goes in brackets"));
  EXPECT_THAT(url_error("tcp://[::1"), HasSubstr("does not begin with an IPv6 address in brackets"));
  EXPECT_THAT(url_error("tcp://[nonsense]:1883"), HasSubstr("does not begin with an IPv6 address in brackets"));
  EXPECT_THAT(url_error("tcp://[::1]1883"), HasSubstr("is not a port"));
  EXPECT_THAT(url_error("tcp://127.0.0.1/mqtt"), HasSubstr("has no path and no user"));
  EXPECT_THAT(url_error("tcp://me@127.0.0.1"), HasSubstr("has no path and no user"));
}

TEST(ListenerUrl, OnlyAddressesOfThisMachineAreLoopback) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "localhost", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "192.168.0.1", "128.0.0.1", "localhost.example", "127.0.0.1.example",
                           "::ffff:10.0.0.1", "::2", "", "127.1"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(ListenerUrl, ErrorsInAFileNameTheListener) {
  EXPECT_EQ(error_of("listeners:\n  - url: tls://0.0.0.0:8883\n"),
            "test.yaml:2:10: listeners[0].url: TLS (tls://): not there yet in this version; use tcp://HOST:PORT");
}

}  // namespace
}  // namespace mortise::config
