#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "broker/base/bytes.h"
#include "broker/base/result.h"

namespace mortise::net {

/// The longest header that is read (bytes): what proxies add to the addresses is some hundred.
inline constexpr std::size_t kLongestProxyHeader = 2048;

/// What a proxy says of the connection it passes on (the PROXY protocol, versions 1 and 2).
struct ProxyHeader {
  struct Address {
    std::string host;  // "192.0.2.1", "2001:db8::1", or the path of a Unix socket
    std::uint16_t port = 0;
  };
  std::size_t size = 0;  // bytes of it
  // Nothing: the proxy speaks for itself (a health check), or does not know.
  std::optional<Address> source;
  std::optional<Address> destination;
  // Of the client certificate the proxy verified.
  std::optional<std::string> common_name;
};

/// Reads the header at the beginning of `bytes`. Nothing: it is not whole yet.
/// Errors: it is none, or longer than kLongestProxyHeader.
Result<std::optional<ProxyHeader>> read_proxy_header(ByteView bytes);

}  // namespace mortise::net
