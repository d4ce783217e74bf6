#include <limits>

#include "broker/config/access.h"

namespace mortise::config {

namespace {

using S = Settings;
using session::MqttLimits;
using session::QueueLimits;
using session::SessionLimits;

constexpr std::uint64_t kKiB = 1u << 10, kGiB = 1u << 30;
constexpr std::uint64_t kSecond = 1000, kMinute = 60 * kSecond;
constexpr std::uint64_t kMillion = 1'000'000;
/// Of MQTT: the largest number of seconds, which also means "never", and the largest Control Packet.
constexpr std::uint64_t kForever = std::uint64_t{std::numeric_limits<std::uint32_t>::max()} * kSecond;
constexpr std::uint64_t kLargestPacket = 268'435'455 + 5;

constexpr Row<S> kRows[] = {
    row(other("node.name", ValueKind::kName, "What this broker is called in logs and metrics."), text<&S::node_name>()),
    row(other("node.data_dir", ValueKind::kPath, "Where the broker and its plugins keep what must survive a restart."),
        text<&S::data_dir>()),
    row(count("node.loops", {1, 256}, "Event loops, one thread each; auto is one per processor core.", {"auto", 0}),
        number<&S::loops>()),
    row(size("node.memory_budget", {0, kGiB << 20},
             "Memory that the broker should stay within; auto is four fifths of what the control group or the machine "
             "has, 0B is no limit. From 80 % of it on new Clients are refused, from 90 % on publishers wait, at 100 % "
             "Clients that do not read are cut off; each ends 5 % lower.",
             {"auto", S::kAutomaticBudget}),
        number<&S::memory_budget>()),
    row(live(other(
            "node.server_reference", ValueKind::kText,
            "Where 5.0 Clients are sent, as \"host\" or \"host:port\", several with blanks between them: with Use "
            "another server when this broker shuts down, and whenever a plugin sends one away.",
            "other.example:1883")),
        text<&S::mqtt, &MqttLimits::server_reference>()),
    row(live(flag("node.server_moved",
                  "Whether everybody is sent there for good: each CONNECT is refused with Server moved.")),
        number<&S::mqtt, &MqttLimits::server_moved>()),

    row(live(choice("log.level", "debug|info|warning|error", "The least important kind of line that is written.")),
        number<&S::log_level>()),

    row(live(duration("sys.interval", {kSecond, 24 * 60 * kMinute},
                      "How often the topics under $SYS/broker are brought up to date.", {"off", 0})),
        number<&S::sys_interval>()),

    row(size("mqtt.max_packet_size", {128, kLargestPacket}, "Largest Control Packet taken from a Client."),
        number<&S::mqtt, &MqttLimits::max_packet_size>()),
    row(count("mqtt.receive_maximum", {1, 65535},
              "How many QoS 1 and 2 messages a Client may have on their way to the broker at once."),
        number<&S::mqtt, &MqttLimits::receive_maximum>()),
    row(count("mqtt.topic_alias_maximum", {0, 65535}, "How many topic aliases a Client may use; 0 forbids them."),
        number<&S::mqtt, &MqttLimits::topic_alias_maximum>()),
    row(live(count("mqtt.outbound_topic_alias_maximum", {0, 256},
                   "How many topic aliases the broker uses towards a Client that takes them, for the topics that come "
                   "again; 0 "
                   "is none.")),
        number<&S::mqtt, &MqttLimits::outbound_topic_alias_maximum>()),
    row(count("mqtt.maximum_qos", {0, 2}, "Highest QoS at which a Client may publish."),
        number<&S::mqtt, &MqttLimits::maximum_qos>()),
    row(flag("mqtt.retain_available", "Whether retained messages are kept."),
        number<&S::mqtt, &MqttLimits::retain_available>()),
    row(flag("mqtt.wildcard_subscription_available", "Whether filters with + and # are granted."),
        number<&S::mqtt, &MqttLimits::wildcard_subscription_available>()),
    row(flag("mqtt.shared_subscription_available", "Whether $share subscriptions are granted."),
        number<&S::mqtt, &MqttLimits::shared_subscription_available>()),
    row(flag("mqtt.subscription_identifier_available", "Whether subscriptions may carry an identifier."),
        number<&S::mqtt, &MqttLimits::subscription_identifier_available>()),
    row(live(duration("mqtt.max_keep_alive", {kSecond, 65535 * kSecond},
                      "Longest keep alive granted, in whole seconds; unlimited grants what the Client asks for.",
                      {"unlimited", 0})),
        seconds<&S::mqtt, &MqttLimits::max_keep_alive>()),
    row(live(duration("mqtt.connect_timeout", {100, 10 * kMinute},
                      "How long a new connection may take to send its CONNECT and, by an Authentication Method, to be "
                      "authenticated; and how long a re-authentication may take.")),
        number<&S::mqtt, &MqttLimits::connect_timeout>()),
    row(live(size("mqtt.max_client_id_length", {23, 65535}, "Longest client id accepted.")),
        number<&S::mqtt, &MqttLimits::max_client_id_length>()),
    row(live(count("mqtt.max_topic_levels", {1, 65536}, "Most levels a topic or filter may have.", {"unlimited", 0})),
        number<&S::mqtt, &MqttLimits::topic, &mqtt::TopicLimits::maximum_levels>()),
    row(live(size("mqtt.max_topic_length", {1, 65535}, "Longest topic or filter accepted.")),
        number<&S::mqtt, &MqttLimits::topic, &mqtt::TopicLimits::maximum_length>()),
    row(live(flag("mqtt.check_payload_format", "Whether a payload that claims to be UTF-8 is checked.")),
        number<&S::mqtt, &MqttLimits::check_payload_format>()),
    row(live(choice(
            "mqtt.reason_strings", "requested|always|never",
            "Who is told in words why something is refused: a 5.0 Client that asks for it with Request Problem "
            "Information 1, every 5.0 Client that does not decline it (and at the end of a connection every one), or "
            "nobody.")),
        number<&S::mqtt, &MqttLimits::reason_strings>()),
    row(live(other(
            "mqtt.response_information", ValueKind::kText,
            "What a 5.0 Client that asks for Response Information is told to begin its Response Topics with; %c, %u, "
            "%n and %l are its client id, user name, namespace and listener. It grants nothing: the ACL has to.",
            "responses/%c/")),
        text<&S::mqtt, &MqttLimits::response_information>()),

    row(live(duration(
            "session.expiry_interval_max", {0, kForever - kSecond},
            "Longest time, in whole seconds, that a session outlives its connection; a Client that asks for more "
            "gets this.",
            {"unlimited", kForever})),
        number<&S::session, &SessionLimits::expiry_interval_max>()),
    row(live(choice(
            "session.takeover", "same_user|any",
            "Who may take over a session by connecting with its client id: only the user it belongs to, or anybody "
            "who is let in.")),
        number<&S::session, &SessionLimits::takeover>()),
    row(choice("session.durability", "commit|interval|none",
               "When acknowledgements leave, with a store: after what they promise is on disk, at once and written "
               "every durability_interval, or at "
               "once and written as it comes."),
        number<&S::session, &SessionLimits::durability>()),
    row(duration("session.durability_interval", {10, 10 * kMinute}, "With durability interval: how often is written."),
        number<&S::session, &SessionLimits::durability_interval>()),
    row(live(count("session.queue.max_messages", {1, 1000 * kMillion}, "Most messages that wait for one Client.")),
        number<&S::session, &SessionLimits::queue, &QueueLimits::max_messages>()),
    row(live(size("session.queue.max_bytes", {kKiB, 1024 * kGiB}, "Most bytes that wait for one Client.")),
        number<&S::session, &SessionLimits::queue, &QueueLimits::max_bytes>()),
    row(live(choice(
            "session.queue.when_full", "drop_oldest|drop_new|reject",
            "What happens to a message for a full queue: the oldest makes room, it is dropped itself, or it is "
            "dropped and its publisher told Quota exceeded. With reject whoever has room gets the message, and "
            "PUBACK and PUBREC wait for all loops: 0x97 says that not everybody got it, and to send it again later "
            "gives it twice to those who did. Before 5.0 there is no such answer: the message is acknowledged. For "
            "Wills, retained messages of new subscriptions, messages of plugins and what a shared subscription hands "
            "from its queue to a member, reject is drop_new.")),
        number<&S::session, &SessionLimits::queue, &QueueLimits::when_full>()),
    row(count("session.max_inflight", {1, 65535},
              "Most QoS 1 and 2 messages on their way to one Client at once; its own Receive Maximum may be lower."),
        number<&S::session, &SessionLimits::max_inflight>()),
    row(live(count("session.max_subscriptions", {1, 10 * kMillion}, "Most subscriptions of one Client.")),
        number<&S::session, &SessionLimits::max_subscriptions>()),
    row(live(size("session.outbox_max_bytes", {64 * kKiB, kGiB},
                  "Most bytes that wait for one connection to take them.")),
        number<&S::session, &SessionLimits::outbox_max_bytes>()),
    row(size("session.read_ahead_max_bytes", {4 * kKiB, kGiB},
             "Most bytes read from one connection while a plugin's answer is awaited."),
        number<&S::session, &SessionLimits::read_ahead_max_bytes>()),
    row(live(
            count("session.parked_acks_max", {1, 65535},
                  "Most acknowledgements of one connection that wait for the store, or with when_full reject for other "
                  "loops; then reading stops.")),
        number<&S::session, &SessionLimits::parked_acks_max>()),
    row(count("session.authorization_cache_entries", {0, kMillion},
              "How many answers of authorization are remembered per session."),
        number<&S::session, &SessionLimits::authorization_cache_entries>()),

    row(count("retained.max_messages", {1, 1000 * kMillion},
              "Most retained messages; a new topic beyond it is refused."),
        number<&S::retained, &routing::RetainedIndex::Limits::maximum_messages>()),
    row(size("retained.max_bytes", {kKiB, 1024 * kGiB}, "Most bytes of retained messages."),
        number<&S::retained, &routing::RetainedIndex::Limits::maximum_bytes>()),

    row(size("subscriptions.max_bytes", {64 * kKiB, 1024 * kGiB},
             "Most memory of all subscriptions together; one beyond it is refused with Quota exceeded."),
        number<&S::subscriptions, &routing::SubscriptionIndex::Limits::maximum_bytes>()),

    row(count("match_cache.max_entries", {1, 100 * kMillion}, "How many topics each loop remembers the receivers of."),
        number<&S::match_cache, &routing::MatchCache::Limits::maximum_entries>()),
    row(size("match_cache.max_bytes", {64 * kKiB, 64 * kGiB}, "Most memory each loop uses for that."),
        number<&S::match_cache, &routing::MatchCache::Limits::maximum_bytes>()),

    row(live(other("plugin_dir", ValueKind::kPath,
                   "Where plugin libraries are looked for; without it, where they were installed with the broker.",
                   "/usr/lib/mortise/plugins")),
        text<&S::plugin_dir>()),
    row(duration("plugin_limits.token_deadline_max", {1, 60 * kMinute},
                 "Longest time a plugin may take for an answer that it gives later."),
        number<&S::plugin_token_deadline_max>()),
    row(count("plugin_limits.tokens_max", {1, 10 * kMillion}, "Most answers that one plugin may owe at once."),
        number<&S::plugin_tokens_max>()),

    row(live(other("hooks.auth", ValueKind::kNames,
                   "Who decides who may connect, publish and subscribe, in this order.")),
        names<&S::hooks, &HookOrder::auth>()),
    row(live(other("hooks.topic", ValueKind::kNames, "Who decides what a Client's topics are called, in this order.")),
        names<&S::hooks, &HookOrder::topic>()),
    row(other("hooks.store", ValueKind::kName,
              "Who keeps sessions, queued and retained messages; without it they live in memory only.", "queue"),
        optional_text<&S::hooks, &HookOrder::store>()),
    row(live(other("hooks.event", ValueKind::kNames, "Who is told what happened, in this order.")),
        names<&S::hooks, &HookOrder::event>()),

    row(live(other("admin.url", ValueKind::kText,
                   "Where the HTTP API of operators, health, and metrics listen: http://HOST:PORT, or https:// with "
                   "admin.tls; without it there is none. Port 0 is any free one.",
                   "http://127.0.0.1:9883")),
        text<&S::admin, &AdminSettings::url>()),
    row(live(flag("admin.expose", "Says that an address which is not loopback is meant; it needs https.")),
        number<&S::admin, &AdminSettings::expose>()),
    row(live(
            other("admin.token_file", ValueKind::kPath,
                  "The bearer token that every request shows; made, for its owner alone, when it is not there. Without "
                  "this key admin.token in node.data_dir.",
                  "/etc/mortise/admin.token")),
        text<&S::admin, &AdminSettings::token_file>()),
    row(live(other("admin.tls.certificate", ValueKind::kPath,
                   "The certificate in PEM, the certificates of its issuers behind it.", "admin.pem")),
        text<&S::admin, &AdminSettings::certificate>()),
    row(live(other("admin.tls.key", ValueKind::kPath, "Its private key in PEM.", "admin.key")),
        text<&S::admin, &AdminSettings::key>()),
    row(live(flag("admin.open_metrics", "Whether /metrics is told to whoever asks, without the token.")),
        number<&S::admin, &AdminSettings::open_metrics>()),
    row(live(count("admin.max_connections", {1, 1000}, "Most connections of operators at once.")),
        number<&S::admin, &AdminSettings::max_connections>()),
    row(live(size("admin.max_body", {kKiB, 256 * 1024 * kKiB}, "Longest body of a request.")),
        number<&S::admin, &AdminSettings::max_body>()),
};

constexpr Section kSections[] = {
    {"node", "This broker."},
    {"log", "Lines on standard error."},
    {"listeners",
     "Where Clients connect. Without an auth plugin only loopback addresses open, unless allow_anonymous says "
     "otherwise."},
    {"admin", "The HTTP API of operators: loopback, unless expose says otherwise; a token, always."},
    {"mqtt", "What is announced to Clients and enforced."},
    {"session", "What one Client may use, connected or not."},
    {"session.queue", "Messages that wait for one Client, while it is away or slow."},
    {"retained", "Retained messages, of all Clients together."},
    {"subscriptions", "Subscriptions, of all Clients together."},
    {"match_cache", "Who receives a topic is looked up once and remembered."},
    {"plugin_limits", "What every plugin is held to."},
    {"plugins", "Plugins to load; each is asked only where hooks names it."},
    {"plugins[].on_failure",
     "What happens when the plugin gives no answer: it failed, was too late, answered nonsense or is not loaded. Per "
     "family of hooks."},
    {"hooks", "Which plugin is asked for what, by the names under plugins."},
};

}  // namespace

template <>
std::span<const Row<Settings>> rows_of() {
  return kRows;
}
std::span<const Section> sections() { return kSections; }

}  // namespace mortise::config
