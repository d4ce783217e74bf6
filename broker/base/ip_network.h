#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

struct sockaddr_storage;

namespace mortise {

/// An IPv4 or IPv6 address, as sixteen bytes: IPv4 is ::ffff:a.b.c.d, as a socket for both would say it. Immutable.
class IpAddress {
 public:
  /// "127.0.0.1", "::1"; nothing for what is no address (a name, a zone).
  static std::optional<IpAddress> parse(std::string_view text);
  /// The peer or the own end of a socket; nothing for another family.
  static std::optional<IpAddress> of(const sockaddr_storage& address);

  /// 127.0.0.0/8 and ::1.
  bool is_loopback() const noexcept;
  bool operator==(const IpAddress&) const = default;

 private:
  friend class IpNetwork;
  friend struct IpNetworkHash;
  std::array<std::uint8_t, 16> bytes_{};
};

/// The addresses that begin alike: "10.0.0.0/8", "fd00::/8", or one address. Immutable.
class IpNetwork {
 public:
  /// Nothing for what is none: no address, a length beyond it, bits set behind the length.
  static std::optional<IpNetwork> parse(std::string_view text);
  /// The network of so many bits, 128 at most, that an address is in.
  static IpNetwork around(const IpAddress& address, unsigned length) noexcept;
  bool contains(const IpAddress& address) const noexcept { return around(address, length_) == *this; }
  /// In bits of sixteen bytes: that of 10.0.0.0/8 is 104.
  unsigned length() const noexcept { return length_; }
  bool operator==(const IpNetwork&) const = default;

 private:
  friend struct IpNetworkHash;
  IpAddress first_;
  unsigned length_ = 128;  // bits
};

/// For tables of networks that an operator has written: not meant against who can choose them.
struct IpNetworkHash {
  std::size_t operator()(const IpNetwork& network) const noexcept;
};

}  // namespace mortise
