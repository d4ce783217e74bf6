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

TEST(ListenerUrl, AWebSocketHasAPath) {
  const ListenerSettings listener = parsed("ws://127.0.0.1:8084/mqtt/v5");
  EXPECT_TRUE(listener.has_websocket);
  EXPECT_EQ(listener.host, "127.0.0.1");
  EXPECT_EQ(listener.port, 8084);
  EXPECT_EQ(listener.path, "/mqtt/v5");
  EXPECT_EQ(parsed("ws://[::1]").path, "/mqtt");
  EXPECT_EQ(parsed("ws://[::1]").port, 8083);
  EXPECT_EQ(parsed("ws://localhost/").path, "/");
  EXPECT_FALSE(parsed("tcp://localhost").has_websocket);
  EXPECT_THAT(url_error("ws://localhost/a?b"), HasSubstr("the path \"/a?b\" is not one"));
  EXPECT_THAT(url_error("ws://localhost/a b"), HasSubstr("the path \"/a b\" is not one"));
  EXPECT_THAT(url_error("ws://me@localhost/a"), HasSubstr("has no path and no user"));
}

TEST(ListenerUrl, AUnixSocketIsAFile) {
  const ListenerSettings listener = parsed("unix:///run/mortise/mqtt.sock");
  EXPECT_TRUE(listener.is_unix);
  EXPECT_EQ(listener.path, "/run/mortise/mqtt.sock");
  EXPECT_EQ(listener.port, 0);
  EXPECT_TRUE(listener.is_local());
  EXPECT_EQ(parsed("unix://here.sock").path, "here.sock");
  EXPECT_THAT(url_error("unix://"), HasSubstr("needs the path of a file"));
  EXPECT_THAT(url_error("unix:///run/"), HasSubstr("needs the path of a file"));
  EXPECT_FALSE(url_error("unix:///" + std::string(106, 'a')) != "no error");
  EXPECT_THAT(url_error("unix:///" + std::string(107, 'a')),
              HasSubstr("the path has 108 bytes; the system takes at most 107"));
}

TEST(ListenerUrl, TlsIsSpokenByItselfAndUnderAWebSocket) {
  EXPECT_TRUE(parsed("tls://127.0.0.1").has_tls);
  EXPECT_FALSE(parsed("tls://127.0.0.1").has_websocket);
  EXPECT_EQ(parsed("tls://127.0.0.1").port, 8883);
  EXPECT_TRUE(parsed("wss://127.0.0.1").has_tls);
  EXPECT_TRUE(parsed("wss://127.0.0.1").has_websocket);
  EXPECT_EQ(parsed("wss://127.0.0.1").port, 8084);
  EXPECT_EQ(parsed("wss://127.0.0.1").path, "/mqtt");
  EXPECT_FALSE(parsed("ws://127.0.0.1").has_tls);
}

TEST(ListenerUrl, OtherSchemesAreErrorsThatShowTheForm) {
  EXPECT_EQ(url_error("mqtt://127.0.0.1"), "write tcp:// instead of mqtt://");
  EXPECT_EQ(url_error("mqtts://127.0.0.1"), "write tls:// instead of mqtts://");
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

TEST(ListenerUrl, WhatOnlySomeListenersHaveIsCheckedWithThem) {
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, socket_mode: \"0600\"}]"),
              HasSubstr("listeners[0].socket_mode: only a unix:// listener has a file; remove this key"));
  for (const char* mode : {"600x", "66", "0888", "1777", "rw"})
    EXPECT_THAT(error_of("listeners: [{url: unix://s, socket_mode: \"" + std::string(mode) + "\"}]"),
                HasSubstr("is none; allowed: three octal digits"))
        << mode;
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, websocket: {origins: [\"https://a.example\"]}}]"),
              HasSubstr("listeners[0].websocket.origins: only pages that open a WebSocket have an Origin"));
  EXPECT_THAT(error_of("listeners: [{url: unix://s, proxy_protocol: {from: [\"::1\"]}, allow_anonymous: true}]"),
              HasSubstr("who connects to a Unix socket has no address"));
  EXPECT_THAT(
      error_of("listeners: [{url: tcp://127.0.0.1, proxy_protocol: {from: [10.0.0.1/8]}, allow_anonymous: true}]"),
      HasSubstr("listeners[0].proxy_protocol.from[0]: \"10.0.0.1/8\" is no address or network"));
  EXPECT_THAT(error_of("listeners: [{url: unix://s}, {url: unix://./s}]"), HasSubstr("is listed twice; keep one"));
}

TEST(ListenerUrl, TheVersionsAreThoseOfMqtt) {
  const auto bits = [](const std::string& versions) {
    return settings_of("listeners: [{url: tcp://127.0.0.1, versions: " + versions + "}]")
        ->listeners.at(0)
        .version_bits();
  };
  EXPECT_EQ(bits("[]"), 0xFF);
  EXPECT_EQ(bits("[v3.1]"), 1U << 3);
  EXPECT_EQ(bits("[v5, v3.1.1]"), 1U << 4 | 1U << 5);
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, versions: [v5, v4]}]"),
              HasSubstr("listeners[0].versions[1]: \"v4\" is no version of MQTT; allowed: v3.1, v3.1.1, v5"));
  EXPECT_THAT(error_of("listeners: [{url: unix://s, tcp: {interface: eth0}}]"),
              HasSubstr("nothing comes to a Unix socket by the network"));
}

TEST(ListenerUrl, ClientsBehindAProxyAreNotLocal) {
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, proxy_protocol: {from: [127.0.0.1]}}]"),
              HasSubstr("would let anybody in from outside of this machine"));
}

std::string tls_error(const std::string& settings) {
  return error_of("listeners: [{url: tls://127.0.0.1, " + settings + "}]");
}

TEST(ListenerUrl, TlsNeedsACertificateWithItsKeyOrPreSharedKeys) {
  EXPECT_EQ(error_of("listeners:\n  - url: tls://0.0.0.0:8883\n"),
            "test.yaml:2:10: listeners[0].url: TLS needs tls.certificate and tls.key, or tls.psk");
  EXPECT_THAT(tls_error("tls: {certificate: a.pem}"),
              HasSubstr("listeners[0].tls.key: there are 0 keys for 1 certificates; list one for each"));
  EXPECT_THAT(tls_error("tls: {certificate: [a.pem, b.pem], key: a.key}"),
              HasSubstr("there are 1 keys for 2 certificates"));
  const ListenerSettings one =
      settings_of(
          "listeners: [{url: tls://0.0.0.0, allow_anonymous: true, tls: {certificate: a.pem, key: "
          "a.key}}]")
          ->listeners.at(0);
  EXPECT_EQ(one.tls.certificates.size(), 1u);
  EXPECT_TRUE(one.tls.certificates.at(0).is_absolute() || one.tls.certificates.at(0) == "a.pem");
  EXPECT_EQ(settings_of("listeners: [{url: tls://127.0.0.1, tls: {certificate: [a.pem, b.pem], key: [a.key, b.key]}}]")
                ->listeners.at(0)
                .tls.keys.size(),
            2u);
  EXPECT_THAT(tls_error("tls: {certificate: [a.pem, a.pem]}"), HasSubstr("a.pem is in this list twice; keep one"));
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, tls: {psk: keys}}]"),
              HasSubstr("listeners[0].tls: this listener does not speak TLS; use tls:// or wss:// in its url"));
}

TEST(ListenerUrl, WhoIsAskedForACertificateAndWhoIsKnownByItFitTogether) {
  const std::string own = "certificate: a.pem, key: a.key";
  EXPECT_THAT(tls_error("tls: {" + own + ", verify: required}"),
              HasSubstr("listeners[0].tls.verify: name in tls.client_ca"));
  EXPECT_THAT(tls_error("tls: {" + own + ", client_ca: ca.pem}"), HasSubstr("write optional or required"));
  EXPECT_THAT(tls_error("tls: {" + own + ", crl: c.pem}"), HasSubstr("certificates of Clients are not asked for"));
  EXPECT_THAT(tls_error("identity: certificate_cn, tls: {" + own + "}"),
              HasSubstr("listeners[0].identity: needs tls.verify"));
  EXPECT_THAT(tls_error("identity: psk, tls: {" + own + "}"), HasSubstr("listeners[0].identity: needs tls.psk"));
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, identity: certificate_cn}]"),
              HasSubstr("only a Client of TLS shows a certificate"));
}

TEST(ListenerUrl, WhoeverShowsWhoItIsMayComeFromOutside) {
  const auto opens = [](const std::string& settings) {
    return error_of("listeners: [{url: tls://0.0.0.0, " + settings + "}]") == "no error";
  };
  const std::string asked = "tls: {certificate: a.pem, key: a.key, client_ca: ca.pem, verify: ";
  EXPECT_TRUE(opens("identity: certificate_cn, " + asked + "required}"));
  EXPECT_TRUE(opens("identity: psk, tls: {psk: keys}"));
  EXPECT_FALSE(opens(asked + "required}"));
  EXPECT_FALSE(opens("identity: certificate_cn, " + asked + "optional}"));
  EXPECT_FALSE(opens("tls: {psk: keys}"));
}

}  // namespace
}  // namespace mortise::config
