#include "broker/base/ip_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace mortise {
namespace {

bool contains(const char* network, const char* address) {
  const auto parsed = IpNetwork::parse(network);
  const auto one = IpAddress::parse(address);
  EXPECT_TRUE(parsed) << network;
  EXPECT_TRUE(one) << address;
  return parsed && one && parsed->contains(*one);
}

TEST(IpNetwork, ANetworkHasTheAddressesThatBeginLikeIt) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.3.4"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(contains("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "203.0.113.9"));
}

TEST(IpNetwork, AnAddressIsANetworkOfOne) {
  EXPECT_TRUE(contains("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(contains("::1", "::1"));
  // A socket for both families says an IPv4 peer so.
  EXPECT_TRUE(contains("127.0.0.1", "::ffff:127.0.0.1"));
}

TEST(IpNetwork, WhatIsNoneIsRefused) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::/129",
                           "::1/64", "localhost", "1.2.3", "1.2.3.4.5", "fe80::1%lo", "[::1]"})
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("127.0.0.1\0", 10)));
}

TEST(IpAddress, ASocketsAddressIsTheSameAsItsText) {
  sockaddr_storage storage{};
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0xC0000201);
  std::memcpy(&storage, &four, sizeof four);
  EXPECT_EQ(IpAddress::of(storage), IpAddress::parse("192.0.2.1"));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  std::memcpy(&storage, &six, sizeof six);
  EXPECT_EQ(IpAddress::of(storage), IpAddress::parse("::1"));
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(IpAddress::of(storage));
}

}  // namespace
}  // namespace mortise
