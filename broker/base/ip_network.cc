#include "broker/base/ip_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>

namespace mortise {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_mapped(const std::array<std::uint8_t, 16>& bytes) noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
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
  if (slash == std::string_view::npos) return around(*address, 128);
  const bool is_four = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc{} || end != length.data() + length.size() || bits > (is_four ? 32U : 128U))
    return std::nullopt;
  const IpNetwork network = around(*address, is_four ? 96 + bits : bits);
  // An address inside of the network instead of its first is mostly a slip.
  return network.first_ == *address ? std::optional(network) : std::nullopt;
}

IpNetwork IpNetwork::around(const IpAddress& address, unsigned length) noexcept {
  IpNetwork network;
  network.length_ = length;
  const unsigned whole = length / 8;
  std::copy_n(address.bytes_.begin(), whole, network.first_.bytes_.begin());
  if (length % 8 != 0)
    network.first_.bytes_[whole] = static_cast<std::uint8_t>(address.bytes_[whole] & (0xFF00U >> (length % 8)));
  return network;
}

std::size_t IpNetworkHash::operator()(const IpNetwork& network) const noexcept {
  const auto& bytes = network.first_.bytes_;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::hash<std::string_view>{}(text) + network.length_;
}

}  // namespace mortise
