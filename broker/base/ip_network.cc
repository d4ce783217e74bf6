#include "broker/base/ip_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mortise {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_mapped(const std::array<std::uint8_t, 16>& bytes) noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

/// The first `length` bits are the same.
bool begins_alike(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b,
                  unsigned length) noexcept {
  const unsigned whole = length / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (length % 8 == 0) return true;
  return ((a[whole] ^ b[whole]) >> (8 - length % 8)) == 0;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  IpAddress address;
  if (::inet_pton(AF_INET6, terminated.data(), address.bytes_.data()) == 1) return address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  if (::inet_pton(AF_INET, terminated.data(), &address.bytes_[kMapped.size()]) == 1) return address;
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::of(const sockaddr_storage& address) {
  IpAddress found;
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address, sizeof six);
    std::memcpy(found.bytes_.data(), &six.sin6_addr, found.bytes_.size());
    return found;
  }
  if (address.ss_family != AF_INET) return std::nullopt;
  sockaddr_in four{};
  std::memcpy(&four, &address, sizeof four);
  std::copy(kMapped.begin(), kMapped.end(), found.bytes_.begin());
  std::memcpy(&found.bytes_[kMapped.size()], &four.sin_addr, sizeof four.sin_addr);
  return found;
}

bool IpAddress::is_loopback() const noexcept {
  if (is_mapped(bytes_)) return bytes_[kMapped.size()] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         bytes_.back() == 1;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network;
  network.first_ = *address;
  if (slash == std::string_view::npos) return network;
  const bool is_four = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc{} || end != length.data() + length.size() || bits > (is_four ? 32U : 128U))
    return std::nullopt;
  network.length_ = is_four ? 96 + bits : bits;
  // An address inside of the network instead of its first is mostly a slip.
  for (unsigned bit = network.length_; bit < 128; ++bit) {
    if ((network.first_.bytes_[bit / 8] & (0x80U >> (bit % 8))) != 0) return std::nullopt;
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  return begins_alike(first_.bytes_, address.bytes_, length_);
}

}  // namespace mortise
