#include "broker/net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "broker/base/ip_network.h"
#include "broker/mqtt/topic.h"

// The PROXY protocol as its specification of 2020 says it: section 2.1 (version 1, a line of text), 2.2 (version 2,
// binary).

namespace mortise::net {

namespace {

using Outcome = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kLongestLine = 107;  // "\r\n" included
constexpr std::array<std::uint8_t, 12> kSignature{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                  0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t kFixedPart = 16;

constexpr std::uint8_t kTypeSsl = 0x20;
constexpr std::uint8_t kSubtypeCommonName = 0x22;
constexpr std::uint8_t kClientSsl = 0x01;

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(line.size(), end + 1));
  return word;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  const bool has_leading_zero = text.size() > 1 && text.front() == '0';
  return is_number && !has_leading_zero ? std::optional(port) : std::nullopt;
}

Outcome read_line(std::string_view text) {
  const std::size_t end = text.substr(0, kLongestLine).find("\r\n");
  if (end == std::string_view::npos) {
    if (text.size() < kLongestLine) return std::optional<ProxyHeader>();
    return failure("its line does not end within 107 bytes");
  }
  std::string_view line = text.substr(kWord.size(), end - kWord.size());
  ProxyHeader header;
  header.size = end + 2;
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return std::optional(std::move(header));
  const std::string_view source = take_word(line);
  const std::string_view destination = take_word(line);
  const std::optional<std::uint16_t> source_port = port_of(take_word(line));
  const std::optional<std::uint16_t> destination_port = port_of(line);
  const bool is_six = family == "TCP6";
  const auto is_address = [is_six](std::string_view address) {
    return IpAddress::parse(address) && (address.find(':') != std::string_view::npos) == is_six;
  };
  if ((!is_six && family != "TCP4") || !is_address(source) || !is_address(destination) || !source_port ||
      !destination_port)
    return failure("its line does not say TCP4 or TCP6, two addresses and two ports");
  header.source = {std::string(source), *source_port};
  header.destination = {std::string(destination), *destination_port};
  return std::optional(std::move(header));
}

std::uint16_t number_at(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::string address_text(int family, ByteView bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return text.data();
}

/// Source and destination of version 2; how many bytes they take, or nothing when they are not whole or not known.
std::optional<std::size_t> read_addresses(std::uint8_t family, ByteView bytes, ProxyHeader& header) {
  constexpr std::size_t kUnixPath = 108;
  switch (family) {
    case 0x00:  // AF_UNSPEC
      return 0;
    case 0x11:  // TCP over IPv4
      if (bytes.size() < 12) return std::nullopt;
      header.source = {address_text(AF_INET, bytes.first(4)), number_at(bytes, 8)};
      header.destination = {address_text(AF_INET, bytes.subspan(4, 4)), number_at(bytes, 10)};
      return 12;
    case 0x21:  // TCP over IPv6
      if (bytes.size() < 36) return std::nullopt;
      header.source = {address_text(AF_INET6, bytes.first(16)), number_at(bytes, 32)};
      header.destination = {address_text(AF_INET6, bytes.subspan(16, 16)), number_at(bytes, 34)};
      return 36;
    case 0x31: {  // a stream over a Unix socket
      if (bytes.size() < 2 * kUnixPath) return std::nullopt;
      const auto path = [bytes](std::size_t at) {
        const std::string_view text = as_text(bytes.subspan(at, kUnixPath));
        const std::string_view taken = text.substr(0, text.find('\0'));
        return mqtt::is_valid_utf8(taken) ? std::string(taken) : std::string();
      };
      header.source = {path(0), 0};
      header.destination = {path(kUnixPath), 0};
      return 2 * kUnixPath;
    }
    default:
      return std::nullopt;
  }
}

/// Calls visit(type, value) for each; false when one does not fit.
template <class Visit>
bool read_vectors(ByteView bytes, Visit&& visit) {
  while (!bytes.empty()) {
    if (bytes.size() < 3) return false;
    const std::size_t size = number_at(bytes, 1);
    if (bytes.size() - 3 < size) return false;
    visit(bytes[0], bytes.subspan(3, size));
    bytes = bytes.subspan(3 + size);
  }
  return true;
}

bool read_additions(ByteView bytes, ProxyHeader& header) {
  bool is_well_formed = true;
  const bool is_whole = read_vectors(bytes, [&](std::uint8_t type, ByteView value) {
    if (type != kTypeSsl || !is_well_formed) return;
    if (value.size() < 5) {
      is_well_formed = false;
      return;
    }
    // `client` says what there was; `verify` is 0 for a certificate that was shown and verified.
    const bool is_verified =
        (value[0] & kClientSsl) != 0 && (value[0] & 0x06) != 0 &&
        std::all_of(value.begin() + 1, value.begin() + 5, [](std::uint8_t byte) { return byte == 0; });
    is_well_formed = read_vectors(value.subspan(5), [&](std::uint8_t subtype, ByteView name) {
      if (subtype == kSubtypeCommonName && is_verified && mqtt::is_valid_utf8(as_text(name)))
        header.common_name = std::string(as_text(name));
    });
  });
  return is_whole && is_well_formed;
}

Outcome read_binary(ByteView bytes) {
  if (bytes.size() < kFixedPart) return std::optional<ProxyHeader>();
  const std::uint8_t version = bytes[12] >> 4;
  const std::uint8_t command = bytes[12] & 0x0F;
  if (version != 2 || command > 1) return failure("its version or command is not known");
  ProxyHeader header;
  header.size = kFixedPart + number_at(bytes, 14);
  if (header.size > kLongestProxyHeader) return failure("it has more than 2,048 bytes");
  if (bytes.size() < header.size) return std::optional<ProxyHeader>();
  const bool is_local = command == 0;
  if (is_local) return std::optional(std::move(header));
  const ByteView rest = bytes.subspan(kFixedPart, header.size - kFixedPart);
  const std::optional<std::size_t> addresses = read_addresses(bytes[13], rest, header);
  if (!addresses) return failure("its addresses are not whole, or of a family that is not known");
  if (!read_additions(rest.subspan(*addresses), header)) return failure("what it adds to the addresses is not whole");
  return std::optional(std::move(header));
}

}  // namespace

Outcome read_proxy_header(ByteView bytes) {
  const auto begins_like = [bytes](ByteView start) {
    return std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(std::min(start.size(), bytes.size())),
                      bytes.begin());
  };
  if (begins_like(kSignature)) return read_binary(bytes);
  if (begins_like(as_bytes(kWord))) {
    return bytes.size() < kWord.size() ? Outcome(std::optional<ProxyHeader>()) : read_line(as_text(bytes));
  }
  return failure("it begins with neither version's signature");
}

}  // namespace mortise::net
