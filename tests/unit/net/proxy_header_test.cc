#include "broker/net/proxy_header.h"

#include <gtest/gtest.h>

#include "proxy_headers.h"

namespace mortise::net::test {
namespace {

/// What the header in front of `bytes` says: "source port destination port common-name", a dash for what it leaves out.
std::string read(std::string_view bytes) {
  const Result<std::optional<ProxyHeader>> outcome = read_proxy_header(as_bytes(bytes));
  if (!outcome) return outcome.error().message;
  if (!*outcome) return "not whole";
  const ProxyHeader& header = **outcome;
  const auto text = [](const std::optional<ProxyHeader::Address>& address) {
    return address ? address->host + " " + std::to_string(address->port) : "-";
  };
  return text(header.source) + " " + text(header.destination) + " " + header.common_name.value_or("-");
}

/// Every beginning is "not whole", and what is behind is nobody's business.
void expect_read(const std::string& header, const std::string& expected) {
  for (std::size_t size = 0; size < header.size(); ++size) EXPECT_EQ(read(header.substr(0, size)), "not whole") << size;
  EXPECT_EQ(read(header), expected);
  EXPECT_EQ(read(header + "behind"), expected);
  EXPECT_EQ((**read_proxy_header(as_bytes(header + "behind"))).size, header.size());
}

constexpr std::string_view kBadLine = "its line does not say TCP4 or TCP6, two addresses and two ports";
constexpr std::string_view kBadAddresses = "its addresses are not whole, or of a family that is not known";
constexpr std::string_view kBadAdditions = "what it adds to the addresses is not whole";

TEST(ProxyHeader, ALineOfVersionOneIsRead) {
  expect_read("PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n", "192.0.2.1 51234 198.51.100.2 1883 -");
  expect_read("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "2001:db8::1 0 ::1 65535 -");
  expect_read("PROXY UNKNOWN\r\n", "- - -");
  expect_read("PROXY UNKNOWN ffff::1 nonsense 1 2 3\r\n", "- - -");
  // The longest line there is has 107 bytes.
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107u);
  expect_read(longest, "- - -");
}

TEST(ProxyHeader, ALineThatIsWrongIsAnError) {
  for (const char* line : {"PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY UNKNOWNX\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n", "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
                           "PROXY TCP6 ::1 example.com 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n"})
    EXPECT_EQ(read(line), kBadLine) << line;
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "its line does not end within 107 bytes");
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(93, 'x')), "its line does not end within 107 bytes");
}

TEST(ProxyHeader, WhatIsNoHeaderIsSeenAtItsFirstByte) {
  for (const std::string& bytes : {std::string("\x10\x0c\x00\x04MQTT", 8), std::string("GET / HTTP/1.1\r\n"),
                                   std::string("PROXy"), std::string("\r\n\r\n\x01"), std::string("\x16\x03\x01")})
    EXPECT_EQ(read(bytes), "it begins with neither version's signature") << bytes;
  EXPECT_EQ(read(""), "not whole");
}

TEST(ProxyHeader, VersionTwoSaysAddressesInBinary) {
  expect_read(proxy_header(0x21, 0x11, kFour), "192.0.2.1 51234 198.51.100.2 1883 -");
  expect_read(proxy_header(0x21, 0x21, kSix), "2001:db8::1 51234 ::1 1883 -");
  std::string paths(216, '\0');
  paths.replace(0, 12, "/run/client.");
  paths.replace(108, 108, std::string(108, 's'));
  expect_read(proxy_header(0x21, 0x31, paths), "/run/client. 0 " + std::string(108, 's') + " 0 -");
  paths[3] = '\xFF';
  EXPECT_EQ(read(proxy_header(0x21, 0x31, paths)).substr(0, 3), " 0 ");
  expect_read(proxy_header(0x21, 0x00, ""), "- - -");
}

TEST(ProxyHeader, AProxyThatSpeaksForItselfNamesNobody) {
  expect_read(proxy_header(0x20, 0x11, kFour), "- - -");
  expect_read(proxy_header(0x20, 0x00, ""), "- - -");
  // Whatever it says besides is skipped, whole or not.
  expect_read(proxy_header(0x20, 0xFF, "nonsense"), "- - -");
}

TEST(ProxyHeader, AdditionsAreSkipped) {
  const std::string additions = addition(0x01, "mqtt") + addition(0x05, "") + addition(0xEE, std::string(1000, 'e'));
  expect_read(proxy_header(0x21, 0x11, kFour + additions), "192.0.2.1 51234 198.51.100.2 1883 -");
}

TEST(ProxyHeader, TheCommonNameCountsOnlyFromAVerifiedCertificate) {
  const auto says = [](std::uint8_t client, std::string_view verify, std::string_view name) {
    const std::string tls = addition(0x20, std::string(1, static_cast<char>(client)) + std::string(verify) +
                                               addition(0x21, "TLSv1.3") + addition(0x22, name));
    const std::string said = read(proxy_header(0x21, 0x11, kFour + addition(0x01, "mqtt") + tls));
    return said.substr(said.rfind(' ') + 1);
  };
  const std::string_view yes("\0\0\0\0", 4);
  EXPECT_EQ(says(0x03, yes, "device-7"), "device-7");
  EXPECT_EQ(says(0x05, yes, "device-7"), "device-7");
  EXPECT_EQ(says(0x07, yes, "device-7"), "device-7");
  EXPECT_EQ(says(0x01, yes, "no-certificate"), "-");
  EXPECT_EQ(says(0x02, yes, "no-tls"), "-");
  EXPECT_EQ(says(0x00, yes, "nothing"), "-");
  EXPECT_EQ(says(0x03, std::string_view("\0\0\0\1", 4), "not-verified"), "-");
  EXPECT_EQ(says(0x03, std::string_view("\1\0\0\0", 4), "not-verified"), "-");
  EXPECT_EQ(says(0x03, yes, "no\xFFtext"), "-");
}

TEST(ProxyHeader, WhatDoesNotFitIsAnError) {
  EXPECT_EQ(read(proxy_header(0x11, 0x11, kFour)), "its version or command is not known");
  EXPECT_EQ(read(proxy_header(0x31, 0x11, kFour)), "its version or command is not known");
  EXPECT_EQ(read(proxy_header(0x22, 0x11, kFour)), "its version or command is not known");
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour.substr(1))), kBadAddresses);
  EXPECT_EQ(read(proxy_header(0x21, 0x21, kSix.substr(1))), kBadAddresses);
  EXPECT_EQ(read(proxy_header(0x21, 0x31, std::string(215, 'x'))), kBadAddresses);
  for (const int family : {0x12, 0x22, 0x32, 0x10, 0x01, 0x41})
    EXPECT_EQ(read(proxy_header(0x21, static_cast<std::uint8_t>(family), std::string(216, 'x'))), kBadAddresses)
        << family;
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + "\x01")), kBadAdditions);
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + addition(0x01, "mqtt").substr(0, 6))), kBadAdditions);
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + addition(0x20, "\x01xxx"))), kBadAdditions);
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + addition(0x20, "\x01xxxx" + addition(0x22, "cn").substr(0, 4)))),
            kBadAdditions);
}

TEST(ProxyHeader, TwoKibibytesAreReadAndNoMore) {
  const std::string most = addition(0xEE, std::string(kLongestProxyHeader - 16 - kFour.size() - 3, 'e'));
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + most)), "192.0.2.1 51234 198.51.100.2 1883 -");
  // Its size alone says so, before the rest has come.
  EXPECT_EQ(read(proxy_header(0x21, 0x11, kFour + most + "x").substr(0, 16)), "it has more than 2,048 bytes");
}

}  // namespace
}  // namespace mortise::net::test
