#include "broker/config/listener_url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/ip_network.h"

namespace mortise::config {

namespace {

constexpr const char* kForm = "; allowed: tcp://HOST:PORT, for example tcp://127.0.0.1:1883 or tcp://[::1]:1883";

enum class Door : std::uint8_t { kTcp, kTls, kWebSocket, kWebSocketOverTls, kUnix, kOtherName };

struct Scheme {
  const char* name;
  Door door;
  const char* other_name;
  std::uint16_t port;
};
constexpr std::array kSchemes{
    Scheme{"tcp", Door::kTcp, "", 1883},
    Scheme{"ws", Door::kWebSocket, "", 8083},
    Scheme{"unix", Door::kUnix, "", 0},
    Scheme{"tls", Door::kTls, "", 8883},
    Scheme{"wss", Door::kWebSocketOverTls, "", 8084},
    Scheme{"mqtt", Door::kOtherName, "tcp", 0},
    Scheme{"mqtts", Door::kOtherName, "tls", 0},
    Scheme{"ssl", Door::kOtherName, "tls", 0},
};

struct VersionName {
  const char* name;
  mqtt::ProtocolVersion version;
};
constexpr std::array kVersionNames{VersionName{"v3.1", mqtt::ProtocolVersion::k31},
                                   VersionName{"v3.1.1", mqtt::ProtocolVersion::k311},
                                   VersionName{"v5", mqtt::ProtocolVersion::k5}};

/// Takes the scheme off the front of `url`.
Result<Scheme> take_scheme(std::string_view& url) {
  const std::size_t end = url.find("://");
  if (end == std::string_view::npos) return failure(quoted(url, 128) + " has no scheme" + kForm);
  const std::string_view name = url.substr(0, end);
  const auto* found = std::ranges::find_if(kSchemes, [name](const Scheme& scheme) { return name == scheme.name; });
  if (found == kSchemes.end())
    return failure("the scheme " + quoted(name, 32) + " is not known" + kForm +
                   "; tls://HOST:PORT; ws:// or wss://HOST:PORT/PATH; unix:///PATH");
  if (found->door == Door::kOtherName)
    return failure("write " + std::string(found->other_name) + ":// instead of " + found->name + "://");
  url.remove_prefix(end + 3);
  return *found;
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

/// Takes the host off the front of "host:port" or "[host]:port".
Result<std::string> take_host(std::string_view& rest) {
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    const std::string host(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    if (end == std::string_view::npos || host.find(':') == std::string::npos || !IpAddress::parse(host))
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

/// The path of a WebSocket: what a browser would send as it is.
Result<std::string> websocket_path(std::string_view text) {
  if (text.empty()) return std::string("/mqtt");
  const bool is_plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '?' && c != '#'; });
  if (!is_plain || text.size() > 255)
    return failure("the path " + quoted(text, 64) +
                   " is not one; allowed: 1 to 255 visible ASCII characters but ? and #");
  return std::string(text);
}

Result<void> parse_unix(ListenerSettings& listener, std::string_view path) {
  // As much as an address of the kernel takes, less the zero behind it (unix(7)).
  constexpr std::size_t kLongest = 107;
  if (path.empty() || path.ends_with('/'))
    return failure("a Unix socket needs the path of a file, for example unix:///run/mortise/mqtt.sock");
  if (path.size() > kLongest)
    return failure("the path has " + std::to_string(path.size()) + " bytes; the system takes at most " +
                   std::to_string(kLongest) + " for a Unix socket");
  listener.is_unix = true;
  listener.port = 0;
  listener.path = path;
  return {};
}

}  // namespace

Result<void> parse_listener_url(ListenerSettings& listener) {
  std::string_view rest = listener.url;
  const Result<Scheme> scheme = take_scheme(rest);
  if (!scheme) return failure(scheme.error());
  if (scheme->door == Door::kUnix) return parse_unix(listener, rest);
  std::string_view address = rest.substr(0, rest.find('/'));
  const std::string_view path = rest.substr(address.size());
  listener.has_tls = scheme->door == Door::kTls || scheme->door == Door::kWebSocketOverTls;
  listener.has_websocket = scheme->door == Door::kWebSocket || scheme->door == Door::kWebSocketOverTls;
  if (address.find_first_of("?#@") != std::string_view::npos ||
      (!listener.has_websocket && path.find_first_not_of('/') != std::string_view::npos))
    return failure("a TCP address has no path and no user" + std::string(kForm));
  if (listener.has_websocket) {
    auto parsed = websocket_path(path);
    if (!parsed) return std::move(parsed).as_failure();
    listener.path = std::move(*parsed);
  }
  auto host = take_host(address);
  if (!host) return std::move(host).as_failure();
  listener.host = std::move(*host);
  listener.port = scheme->port;
  if (address.empty()) return {};
  auto port = parse_port(address.substr(1));
  if (address.front() != ':' || !port)
    return failure(port ? quoted(address, 64) + " is not a port" + kForm : port.error().message);
  listener.port = *port;
  return {};
}

Result<void> parse_admin_url(AdminSettings& admin) {
  constexpr const char* kAdminForm =
      "; allowed: http://HOST:PORT or https://HOST:PORT, for example http://127.0.0.1:9883";
  std::string_view rest = admin.url;
  admin.has_tls = rest.starts_with("https://");
  if (!admin.has_tls && !rest.starts_with("http://"))
    return failure(quoted(rest, 128) + " is no address of a web server" + kAdminForm);
  rest.remove_prefix(rest.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != std::string_view::npos)
    return failure(quoted(admin.url, 128) + " has more than a host and a port" + kAdminForm);
  auto host = take_host(rest);
  if (!host) return failure(host.error().message.substr(0, host.error().message.rfind("; allowed")) + kAdminForm);
  admin.host = std::move(*host);
  if (!rest.starts_with(':')) return failure(quoted(admin.url, 128) + " has no port" + kAdminForm);
  auto port = parse_port(rest.substr(1));
  if (!port) return std::move(port).as_failure();
  admin.port = *port;
  return {};
}

bool is_loopback_host(std::string_view host) noexcept {
  if (host == "localhost") return true;
  const std::optional<IpAddress> address = IpAddress::parse(host);
  return address && address->is_loopback();
}

bool ListenerSettings::is_local() const { return proxies.empty() && (is_unix || is_loopback_host(host)); }

std::uint8_t ListenerSettings::version_bits() const {
  if (versions.empty()) return 0xFF;
  unsigned bits = 0;
  for (const VersionName& known : kVersionNames) {
    if (std::ranges::find(versions, known.name) != versions.end()) bits |= 1U << static_cast<unsigned>(known.version);
  }
  return static_cast<std::uint8_t>(bits);
}

bool is_version_name(std::string_view text) noexcept {
  return std::ranges::any_of(kVersionNames, [text](const VersionName& known) { return text == known.name; });
}

bool ListenerSettings::admits_only_known() const {
  if (!has_tls || identity == IdentitySource::kConnect) return false;
  return identity == IdentitySource::kPreSharedKey || tls.verify == ClientCertificate::kRequired;
}

}  // namespace mortise::config
