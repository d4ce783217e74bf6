#include "broker/net/websocket_handshake.h"

#include <mbedtls/base64.h>

#include <algorithm>
#include <array>
#include <optional>

#include "broker/net/mbedtls_version.h"

// Design note: Debian's only library that parses HTTP for servers of somebody else's sockets is not kept any more, and
// nng's parses for its own. What a WebSocket needs of HTTP is a request line and header fields, which this file reads
// strictly: no folding, no whitespace before a colon, no body.

namespace mortise::net {

namespace {

bool is_same_word(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(one, other, [lower](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before `end` off the front of `text`; all of it when `end` does not come.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(text.size(), at + end.size()));
  return taken;
}

/// The header fields of a request; each may come more than once where HTTP allows a list (RFC 7230, 3.2.2).
class FieldsView {
 public:
  /// False: not header fields.
  bool read(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = take_until(text, "\r\n");
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || colon == 0) return false;
      const std::string_view name = line.substr(0, colon);
      if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; })) return false;
      if (!std::ranges::all_of(line, [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= ' '; }))
        return false;
      if (count_ == fields_.size()) return false;
      fields_[count_++] = {name, trimmed(line.substr(colon + 1))};
    }
    return true;
  }
  /// Nothing when it is missing, or there twice.
  std::optional<std::string_view> only(std::string_view name) const {
    std::optional<std::string_view> found;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!is_same_word(fields_[i].name, name)) continue;
      if (found) return std::nullopt;
      found = fields_[i].value;
    }
    return found;
  }
  bool has(std::string_view name) const {
    return std::any_of(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [name](const FieldView& field) { return is_same_word(field.name, name); });
  }
  /// Whether `word`, in capitals or not, is in the list (or lists) of that name.
  bool lists(std::string_view name, std::string_view word) const {
    return any_listed(name, [word](std::string_view listed) { return is_same_word(listed, word); });
  }
  /// Subprotocols differ by case, too: a Client takes none that it did not name.
  bool offers(std::string_view subprotocol) const {
    return any_listed("Sec-WebSocket-Protocol", [&](std::string_view listed) { return listed == subprotocol; });
  }

 private:
  struct FieldView {
    std::string_view name, value;
  };

  template <class Is>
  bool any_listed(std::string_view name, Is&& is) const {
    for (std::size_t i = 0; i < count_; ++i) {
      std::string_view rest = is_same_word(fields_[i].name, name) ? fields_[i].value : std::string_view{};
      while (!rest.empty()) {
        if (is(trimmed(take_until(rest, ",")))) return true;
      }
    }
    return false;
  }

  std::array<FieldView, 64> fields_{};
  std::size_t count_ = 0;
};

UpgradeAnswer refuse(const char* status, const char* why, const char* field = "") {
  std::string body = std::string(why) + "\n";
  return {false,
          std::string("HTTP/1.1 ") + status + "\r\nContent-Type: text/plain\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\nConnection: close\r\n" + field + "\r\n" + body,
          why};
}

/// A key is sixteen bytes in base64 (RFC 6455, 4.1).
bool is_key(std::string_view key) {
  std::array<unsigned char, 32> bytes{};
  std::size_t size = 0;
  return key.size() == 24 &&
         mbedtls_base64_decode(bytes.data(), bytes.size(), &size, reinterpret_cast<const unsigned char*>(key.data()),
                               key.size()) == 0 &&
         size == 16;
}

/// Proves that the server understood (RFC 6455, 4.2.2): no secret, hence SHA-1.
std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  mbed::sha1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> encoded{};
  std::size_t size = 0;
  mbedtls_base64_encode(encoded.data(), encoded.size(), &size, digest.data(), digest.size());
  return {reinterpret_cast<const char*>(encoded.data()), size};
}

bool is_path(std::string_view target, std::string_view path) { return target.substr(0, target.find('?')) == path; }

}  // namespace

UpgradeAnswer answer_upgrade(std::string_view head, const WebSocketRules& rules) {
  if (!head.ends_with("\r\n\r\n")) return refuse("400 Bad Request", "this is no HTTP request");
  head.remove_suffix(2);
  std::string_view line = take_until(head, "\r\n");
  const std::string_view method = take_until(line, " ");
  const std::string_view target = take_until(line, " ");
  FieldsView fields;
  if (line != "HTTP/1.1" || target.empty() || !fields.read(head) || !fields.only("Host"))
    return refuse("400 Bad Request", "this is no HTTP/1.1 request");
  if (method != "GET") return refuse("405 Method Not Allowed", "a WebSocket is opened with GET", "Allow: GET\r\n");
  if (!is_path(target, rules.path)) return refuse("404 Not Found", "no WebSocket is at this path");
  if (!fields.lists("Upgrade", "websocket") || !fields.lists("Connection", "Upgrade"))
    return refuse("426 Upgrade Required", "only a WebSocket is here", "Upgrade: websocket\r\n");
  if (fields.only("Sec-WebSocket-Version") != "13")
    return refuse("426 Upgrade Required", "the WebSocket version must be 13", "Sec-WebSocket-Version: 13\r\n");
  const std::optional<std::string_view> key = fields.only("Sec-WebSocket-Key");
  if (!key || !is_key(*key)) return refuse("400 Bad Request", "Sec-WebSocket-Key must be sixteen bytes in base64");
  const bool is_mqtt = fields.offers("mqtt");
  if (!is_mqtt && !fields.offers("mqttv3.1")) return refuse("400 Bad Request", "the Subprotocol must be mqtt");
  const std::optional<std::string_view> origin = fields.only("Origin");
  const bool may_open = rules.origins.empty() || !fields.has("Origin") ||
                        (origin && std::ranges::find(rules.origins, *origin) != rules.origins.end());
  if (!may_open) return refuse("403 Forbidden", "pages of this Origin may not open a WebSocket here");
  return {true,
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
              accept_of(*key) + "\r\nSec-WebSocket-Protocol: " + (is_mqtt ? "mqtt" : "mqttv3.1") + "\r\n\r\n",
          ""};
}

}  // namespace mortise::net
