#pragma once

/// What a test asks a plugin: plain structures with the defaults of an ordinary client. An empty optional is a field
/// that is absent.

#include <mortise/abi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mortise::testing {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Certificate {
  std::optional<std::string> subject = {};
  std::optional<std::string> common_name = {};
  Pairs alternative_names = {};
  std::optional<std::string> fingerprint = {};
};

/// The process at the other end of a Unix socket.
struct PeerProcess {
  std::uint64_t user_id = 1000;
  std::uint64_t group_id = 1000;
  std::uint64_t process_id = 4711;
};

struct ConnectRequest {
  std::string client_id = "client";
  std::optional<std::string> user_name = {};
  std::optional<std::string> password = {};
  std::uint64_t protocol_version = 5;
  bool clean_start = true;
  std::uint64_t keep_alive_s = 60;
  std::string listener = "tcp://127.0.0.1:1883";
  std::string peer_address = "127.0.0.1";
  std::uint64_t peer_port = 50000;
  std::string local_address = "127.0.0.1";
  std::uint64_t local_port = 1883;
  Certificate certificate = {};
  struct Will {
    std::string topic;
    std::uint64_t qos = 0;
    bool retain = false;
  };
  std::optional<Will> will = {};
  std::uint64_t session_expiry_s = 0;
  Pairs user_properties = {};
  std::optional<PeerProcess> process = {};
};

struct Principal {
  std::string client_id = "client";
  std::optional<std::string> user_name = {};
  std::string name_space = {};
  std::string listener = "tcp://127.0.0.1:1883";
  std::string peer_address = "127.0.0.1";
  std::uint64_t peer_port = 50000;
  std::uint64_t protocol_version = 5;
  std::uint64_t connected_at_ms = 0;
  Certificate certificate = {};
  Pairs user_properties = {};
  std::uint64_t session_epoch = 1;
  std::optional<std::string> note = {};  // as an answer of authenticate or exchange left it
};

struct AccessRequest {
  std::uint32_t action = MORTISE_ACTION_PUBLISH;
  std::string topic = {};  // routed
  Principal principal = {};
  std::string original_topic = {};  // empty: the same as topic
  std::uint64_t qos = 0;
  bool retain = false;
  std::optional<std::string> share_name = {};
  std::optional<std::string> payload = {};
};

struct BindRequest {
  Principal principal = {};
  std::uint64_t reason = MORTISE_BIND_REASON_CONNECT;
};

/// One step of an enhanced authentication.
struct Exchange {
  std::uint64_t id = 1;
  std::uint64_t step = 1;
  std::uint32_t reason = MORTISE_EXCHANGE_CONNECT;
  std::string authentication_method = {};
  std::optional<std::string> authentication_data = {};
  std::string client_id = "client";
  std::optional<std::string> user_name = {};
  std::string name_space = {};  // shown of a re-authentication
  std::string listener = "tcp://127.0.0.1:1883";
  std::string peer_address = "127.0.0.1";
  std::uint64_t peer_port = 50000;
  Certificate certificate = {};
  std::optional<PeerProcess> process = {};
};

struct Event {
  std::uint64_t kind = MORTISE_EVENT_CLIENT_CONNECTED;
  std::uint64_t at_ms = 0;
  std::string client_id = "client";
  std::optional<std::string> user_name = {};
  std::string name_space = {};
  std::optional<std::string> topic = {};
  std::optional<std::uint64_t> reason_code = {};
  std::optional<std::uint64_t> qos = {};
  std::uint64_t count = 1;
};

}  // namespace mortise::testing
