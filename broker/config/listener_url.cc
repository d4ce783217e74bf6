#include "broker/config/listener_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "broker/base/bytes.h"

namespace mortise::config {

namespace {

constexpr const char* kForm = "; allowed: tcp://HOST:PORT, for example tcp://127.0.0.1:1883 or tcp://[::1]:1883";

struct NotYet {
  const char* scheme;
  const char* what;
};
constexpr std::array<NotYet, 5> kNotYet{
    {{"tls", "TLS"}, {"mqtts", "TLS"}, {"ws", "WebSocket"}, {"wss", "WebSocket"}, {"unix", "Unix sockets"}}};

Result<std::string_view> after_scheme(std::string_view url) {
  const std::size_t end = url.find("://");
  if (end == std::string_view::npos) return failure(quoted(url, 128) + " has no scheme" + kForm);
  const std::string_view scheme = url.substr(0, end);
  for (const NotYet& known : kNotYet) {
    if (scheme == known.scheme)
      return failure(std::string(known.what) + " (" + known.scheme +
                     "://): not there yet in this version; use tcp://HOST:PORT");
  }
  if (scheme == "mqtt") return failure("write tcp:// instead of mqtt://");
  if (scheme != "tcp") return failure("the scheme " + quoted(scheme, 32) + " is not known" + kForm);
  return url.substr(end + 3);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size())
    return failure("the port " + quoted(text, 32) + " is not one; allowed: 0 to 65535");
  return port;
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Takes the host off the front of "host:port" or "[host]:port".
Result<std::string> take_host(std::string_view& rest) {
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    const std::string host(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    if (end == std::string_view::npos || !is_ipv6(host))
      return failure(quoted(rest, 64) + " does not begin with an IPv6 address in brackets" + kForm);
    rest.remove_prefix(end + 1);
    return host;
  }
  const std::size_t end = std::min(rest.find(':'), rest.size());
  if (rest.find(':', end + 1) != std::string_view::npos && end < rest.size())
    return failure("an IPv6 address goes in brackets" + std::string(kForm));
  const std::string_view host = rest.substr(0, end);
  if (!is_host(host))
    return failure((host.empty() ? "the host is missing" : "the host " + quoted(host, 64) + " is not one") + kForm);
  rest.remove_prefix(end);
  return std::string(host);
}

}  // namespace

Result<void> parse_listener_url(ListenerSettings& listener) {
  auto rest = after_scheme(listener.url);
  if (!rest) return std::move(rest).as_failure();
  std::string_view address = *rest;
  if (address.ends_with('/')) address.remove_suffix(1);
  if (address.find_first_of("/?#@") != std::string_view::npos)
    return failure("a TCP address has no path and no user" + std::string(kForm));
  auto host = take_host(address);
  if (!host) return std::move(host).as_failure();
  listener.kind = ListenerKind::kTcp;
  listener.host = std::move(*host);
  listener.port = 1883;
  if (address.empty()) return {};
  auto port = parse_port(address.substr(1));
  if (address.front() != ':' || !port)
    return failure(port ? quoted(address, 64) + " is not a port" + kForm : port.error().message);
  listener.port = *port;
  return {};
}

bool is_loopback_host(std::string_view host) noexcept {
  if (host == "localhost") return true;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (host.size() >= text.size()) return false;
  std::copy(host.begin(), host.end(), text.begin());
  in_addr four{};
  if (inet_pton(AF_INET, text.data(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, text.data(), &six) != 1) return false;
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &six, bytes.size());
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return bytes[12] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; }) && bytes.back() == 1;
}

bool ListenerSettings::is_loopback() const { return is_loopback_host(host); }

}  // namespace mortise::config
