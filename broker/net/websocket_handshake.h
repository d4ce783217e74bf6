#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mortise::net {

/// Who may open a WebSocket, and where. Immutable once filled.
struct WebSocketRules {
  std::string path;                  // "/mqtt"
  std::vector<std::string> origins;  // of web pages; empty: all
};

/// More than this before its empty line is no request for a WebSocket (bytes).
inline constexpr std::size_t kLongestUpgrade = 8192;

/// What a server answers to the request that opens a WebSocket (RFC 6455, 4.2). Not accepted: an HTTP error that says
/// why, after which the connection ends.
struct UpgradeAnswer {
  bool is_accepted = false;
  std::string response;
  const char* why = "";  // of a refusal, for the log
};

/// `head`: the whole request, its empty line included. The Subprotocol is `mqtt` [MQTT-6.0.0-3] [MQTT-6.0.0-4]; a
/// Client of 3.1, which is older than that name, may say `mqttv3.1`.
UpgradeAnswer answer_upgrade(std::string_view head, const WebSocketRules& rules);

}  // namespace mortise::net
