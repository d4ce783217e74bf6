#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/ip_network.h"
#include "broker/base/log.h"
#include "broker/base/result.h"
#include "broker/hooks/chain.h"
#include "broker/mqtt/principal.h"
#include "broker/routing/retained_index.h"
#include "broker/routing/subscription_index.h"
#include "broker/session/limits.h"

namespace mortise::config {

enum class ClientCertificate : std::uint8_t { kNone, kOptional, kRequired };
enum class TlsVersion : std::uint8_t { k12, k11, k10 };
using mqtt::IdentitySource;

/// Paths are absolute once checked.
struct TlsSettings {
  std::vector<std::filesystem::path> certificates;
  std::vector<std::filesystem::path> keys;  // of the certificates, one for each
  std::filesystem::path client_ca;          // empty: none
  ClientCertificate verify = ClientCertificate::kNone;
  std::filesystem::path crl;  // empty: none
  std::filesystem::path psk;  // empty: none
  TlsVersion min_version = TlsVersion::k12;
  std::vector<std::string> ciphers;    // empty: the default
  Millis session_lifetime{3'600'000};  // 0: no resumption
  std::size_t max_handshakes = 1000;   // at once
};

struct ListenerSettings {
  std::string url;   // as written, for messages: "tcp://127.0.0.1:1883"
  std::string name;  // by which systemd passes its socket; empty: by the address alone
  // What the url says (parse_listener_url):
  bool is_unix = false;
  bool has_tls = false;
  bool has_websocket = false;
  std::string host;           // without brackets; empty for a Unix socket
  std::uint16_t port = 1883;  // 0: any free one (tests)
  // Of a Unix socket, absolute, or of a WebSocket: "/mqtt"
  std::string path;

  bool allow_anonymous = false;  // open although no auth plugin is configured and the address is not loopback
  int backlog = 1024;
  std::size_t max_connections = 0;        // 0: as many as descriptors allow
  std::string socket_mode = "0660";       // permissions of a Unix socket's file, octal
  std::vector<std::string> proxies;       // addresses and networks that must send a PROXY header; empty: nobody does
  std::vector<IpNetwork> proxy_networks;  // the same, understood
  std::vector<std::string> origins;       // of web pages that may open a WebSocket; empty: all
  std::size_t max_connect_rate = 0;       // new connections in a second, on average; 0: no limit
  session::ClientRate client_rate;        // of each connection
  std::vector<std::string> versions;      // of MQTT: "v3.1", "v3.1.1", "v5"; empty: all
  Millis tcp_keepalive{0};  // silence before the system asks whether the peer is there; 0: as the system does
  bool tcp_nodelay = true;
  std::string interface;  // whose packets alone are taken: "eth0"; empty: any
  TlsSettings tls;
  IdentitySource identity = IdentitySource::kConnect;
  std::optional<std::vector<std::string>> auth_hooks, topic_hooks;  // instead of those under `hooks`
  int line = 0;                                                     // in the file
  /// The versions as bits: 1 << ProtocolVersion.
  std::uint8_t version_bits() const;
  /// Whether only Clients on this machine can reach it.
  bool is_local() const;
  /// Whether a Client shows who it is before CONNECT, by a certificate or a pre-shared key, and nobody else comes in.
  bool admits_only_known() const;
};

enum class RunMode : std::uint8_t { kInline, kProcess };

enum class StoreFailurePolicy : std::uint8_t { kRefusePersistent, kStopAcks, kMemoryOnly };

struct PluginSettings {
  std::string name;               // of the instance
  std::filesystem::path library;  // resolved: absolute, or found in plugin_dir
  RunMode run = RunMode::kInline;
  hooks::AuthFailurePolicy on_auth_failure = hooks::AuthFailurePolicy::kDeny;
  hooks::TopicFailurePolicy on_topic_failure = hooks::TopicFailurePolicy::kRejectConnection;
  StoreFailurePolicy on_store_failure = StoreFailurePolicy::kRefusePersistent;
  bool accept_fail_open = false;   // the operator meant on_auth_failure allow
  std::string config_json = "{}";  // the `config:` block as JSON text; "{}" without one
  int line = 0;
};

/// Order of the chains, by instance name.
struct HookOrder {
  std::vector<std::string> auth, topic, event;
  std::optional<std::string> store;
};

/// The HTTP listener of operators.
struct AdminSettings {
  std::string url;  // as written: "http://127.0.0.1:9883"; empty: there is none
  // What the url says:
  bool has_tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;

  bool expose = false;               // an address that is not loopback is meant
  std::filesystem::path token_file;  // absolute once checked; empty: Settings::admin_token_file() says which
  std::filesystem::path certificate, key;
  bool open_metrics = false;  // /metrics asks for no token
  std::size_t max_connections = 32;
  std::size_t max_body = 1u << 20;  // bytes of a request

  bool is_on() const noexcept { return !url.empty(); }
  bool operator==(const AdminSettings&) const = default;
};

/// One immutable, validated configuration. Shared by whoever runs with it; a reload makes another.
struct Settings {
  std::filesystem::path file;       // empty: defaults
  std::filesystem::path directory;  // what relative paths are relative to
  std::string node_name = "mortise";
  std::filesystem::path data_dir = "data";  // made absolute from `directory` by load and parse
  /// Where the API's token is: with the rest of what the broker keeps, unless something else is said.
  std::filesystem::path admin_token_file() const {
    return admin.token_file.empty() ? data_dir / "admin.token" : admin.token_file;
  }
  std::size_t loops = 0;  // 0: auto, one per core
  static constexpr std::uint64_t kAutomaticBudget = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t memory_budget = kAutomaticBudget;  // bytes of the whole process; 0: none
  LogLevel log_level = LogLevel::kInfo;
  Millis sys_interval{10'000};  // between updates of `$SYS`; 0: never
  std::vector<ListenerSettings> listeners;
  AdminSettings admin;
  session::MqttLimits mqtt;
  session::SessionLimits session;
  routing::RetainedIndex::Limits retained;
  routing::SubscriptionIndex::Limits subscriptions;
  routing::MatchCache::Limits match_cache;
  std::filesystem::path plugin_dir;
  std::vector<PluginSettings> plugins;
  HookOrder hooks;
  Millis plugin_token_deadline_max{60'000};
  std::size_t plugin_tokens_max = 10'000;  // pending at once, per instance
  std::vector<std::string> warnings;  // one line each, for the log: nothing is wrong, but something is not as it seems
};
using SettingsPtr = std::shared_ptr<const Settings>;

/// Reads and validates a file. Errors: one line that names file, line, column, the key meant and the values allowed.
/// `default_plugin_dir`: where plugins are when the file does not say (next to the program).
Result<SettingsPtr> load(const std::filesystem::path& file, const std::filesystem::path& default_plugin_dir);
/// The same from text; `name` stands for the file in messages.
Result<SettingsPtr> parse(std::string_view text, const std::filesystem::path& name,
                          const std::filesystem::path& default_plugin_dir);

/// The chain that is asked about who comes by this listener: its own, or the one under `hooks`.
const std::vector<std::string>& auth_chain(const Settings& settings, const ListenerSettings& listener);
const std::vector<std::string>& topic_chain(const Settings& settings, const ListenerSettings& listener);

/// Whether a listener opens: secure by default, only loopback does while nobody decides who may connect, unless it says
/// allow_anonymous.
bool is_open(const ListenerSettings& listener, bool somebody_authenticates);
/// Why it does not, and the ways out: one line.
std::string closed_because(const ListenerSettings& listener);
/// The same for all listeners, for use once plugins are loaded and it is known whose chain has an authenticate hook.
/// Errors: one line that names the first listener that must not open.
Result<void> check_exposure(const Settings& settings,
                            const std::function<bool(const ListenerSettings&)>& has_authenticate);

}  // namespace mortise::config
