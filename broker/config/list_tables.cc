#include "broker/config/access.h"

namespace mortise::config {

namespace {

using L = ListenerSettings;
using P = PluginSettings;
using T = TlsSettings;
using session::ClientRate;

constexpr Row<L> kListenerRows[] = {
    row(required("url", ValueKind::kText,
                 "The address: tcp://HOST:PORT, tls://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH "
                 "(WebSocket; the path is "
                 "/mqtt when it is left out), or unix:///PATH; port 0 is any free one.",
                 "tcp://127.0.0.1:1883"),
        text<&L::url>()),
    row(other(
            "name", ValueKind::kName,
            "By which a service manager passes its socket (FileDescriptorName= of systemd), where not by the address.",
            "mqtt"),
        text<&L::name>()),
    row(live(flag("allow_anonymous",
                  "Opens an address that is not loopback although no auth plugin decides who may connect.")),
        number<&L::allow_anonymous>()),
    row(live(count("max_connections", {1, 10'000'000},
                   "Most connections at once; unlimited is as many as the system allows.", {"unlimited", 0})),
        number<&L::max_connections>()),
    row(count("backlog", {1, 65535}, "How many connections may wait to be accepted."), number<&L::backlog>()),
    row(live(count("max_connect_rate", {1, 1'000'000},
                   "Connections taken in a second; a second's worth may come at once, whoever comes then waits to be "
                   "accepted.",
                   {"unlimited", 0})),
        number<&L::max_connect_rate>()),
    row(live(
            count("client_rate.messages_per_second", {1, 10'000'000},
                  "Messages a second that one Client may publish. Who is faster is read more slowly, so that it waits; "
                  "nothing is "
                  "lost, and its Keep Alive is not counted meanwhile.",
                  {"unlimited", 0})),
        number<&L::client_rate, &ClientRate::messages_per_second>()),
    row(live(size("client_rate.bytes_per_second", {1024, std::uint64_t{8} << 30},
                  "Bytes a second that one Client may send, whatever it sends; likewise.", {"unlimited", 0})),
        number<&L::client_rate, &ClientRate::bytes_per_second>()),
    row(live(
            duration("client_rate.burst", {100, 60'000}, "What a Client did not use for so long it may send at once.")),
        number<&L::client_rate, &ClientRate::burst>()),
    row(live(other("versions", ValueKind::kTexts,
                   "The versions of MQTT that are spoken, of v3.1, v3.1.1 and v5. Empty: all.", "[v3.1.1, v5]")),
        names<&L::versions>()),
    row(duration("tcp.keepalive", {0, 86'400'000},
                 "After so much silence the system asks whether the peer is still there, and thrice again at a third "
                 "of it; 0: as "
                 "the system is set. MQTT's own Keep Alive is apart from it."),
        number<&L::tcp_keepalive>()),
    row(flag("tcp.nodelay", "Small packets leave at once instead of waiting for an acknowledgement of those before."),
        number<&L::tcp_nodelay>()),
    row(other("tcp.interface", ValueKind::kText, "Only what comes in by this network interface is taken.", "eth0"),
        text<&L::interface>()),
    row(live(other(
            "tls.certificate", ValueKind::kPaths,
            "The server's certificate in PEM or DER, the certificates of its issuers behind it. Of several, a Client "
            "gets the "
            "first whose names match the one it asks for (SNI), else the first.",
            "server.pem")),
        paths<&L::tls, &T::certificates>()),
    row(live(other("tls.key", ValueKind::kPaths, "The private key of each certificate, in the same order.",
                   "server.key")),
        paths<&L::tls, &T::keys>()),
    row(live(other("tls.client_ca", ValueKind::kPath,
                   "Who may issue certificates of Clients: one or more certificates.", "ca.pem")),
        text<&L::tls, &T::client_ca>()),
    row(live(choice(
            "tls.verify", "none|optional|required",
            "Whether a Client shows a certificate: it is not asked, it may, or it must. One that is shown must be "
            "valid.")),
        number<&L::tls, &T::verify>()),
    row(live(other("tls.crl", ValueKind::kPath,
                   "Certificates of Clients that are revoked; who is connected already stays until kicked or banned.",
                   "revoked.pem")),
        text<&L::tls, &T::crl>()),
    row(live(other("tls.psk", ValueKind::kPath,
                   "Pre-shared keys instead of certificates: a file with a line IDENTITY:KEY for each, the key in "
                   "hexadecimal.",
                   "clients.psk")),
        text<&L::tls, &T::psk>()),
    row(live(choice("tls.min_version", "tls1.2|tls1.1|tls1.0",
                    "The oldest version of TLS that is spoken. Before tls1.2 it is no longer held to be safe.")),
        number<&L::tls, &T::min_version>()),
    row(live(other(
            "tls.ciphers", ValueKind::kTexts,
            "The cipher suites allowed, the best first, by the names mbedTLS gives them. Empty: those with forward "
            "secrecy and "
            "authenticated encryption.",
            "[TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256]")),
        names<&L::tls, &T::ciphers>()),
    row(live(duration(
            "tls.session_lifetime", {0, 7 * 86'400'000ULL},
            "For how long a Client may go on with an earlier session (by ticket) instead of a whole handshake; 0: "
            "never.")),
        number<&L::tls, &T::session_lifetime>()),
    row(live(count(
            "tls.max_handshakes", {1, 1'000'000},
            "Handshakes at once; whoever comes then is turned away, so that a flood does not keep those out who are "
            "in.")),
        number<&L::tls, &T::max_handshakes>()),
    row(live(choice(
            "identity", "none|certificate_cn|certificate_san|psk",
            "Where the user name comes from instead of CONNECT: the common name or the first alternative name of "
            "the Client's "
            "certificate, or the identity of its pre-shared key. Who has none is refused.")),
        number<&L::identity>()),
    row(live(other(
            "hooks.auth", ValueKind::kNames,
            "Who decides who may connect here, and what those Clients may publish and subscribe, instead of the list "
            "of "
            "that name under hooks; [] is nobody.",
            "[passwords]")),
        optional_names<&L::auth_hooks>()),
    row(live(other("hooks.topic", ValueKind::kNames, "Likewise, what the topics of Clients are called.", "[tenants]")),
        optional_names<&L::topic_hooks>()),
    row(other("socket_mode", ValueKind::kText,
              "Permissions of a Unix socket's file, three or four octal digits in quotes: who may connect is who may "
              "write it."),
        text<&L::socket_mode>()),
    row(live(other(
            "proxy_protocol.from", ValueKind::kTexts,
            "Addresses and networks of the proxies in front of this listener. Each connection of theirs begins with "
            "a PROXY "
            "header (version 1 or 2), which says who the Client is; whoever else connects is turned away. Empty: no "
            "proxy.",
            "[127.0.0.1, 10.0.0.0/8]")),
        names<&L::proxies>()),
    row(live(other("websocket.origins", ValueKind::kTexts,
                   "The Origins whose web pages may open a WebSocket here; programs, which send no Origin, always may. "
                   "Empty: all pages.",
                   "[https://dashboard.example]")),
        names<&L::origins>()),
};

constexpr Row<P> kPluginRows[] = {
    row(required("name", ValueKind::kName, "What this instance is called in logs, metrics and under hooks.",
                 "passwords"),
        text<&P::name>()),
    row(live(required("library", ValueKind::kText, "The library's file name in plugin_dir, or an absolute path.",
                      "auth-file.so")),
        text<&P::library>()),
    row(choice("run", "inline|process",
               "Where it runs: inside of the broker, or (not there yet) in a process of its own."),
        number<&P::run>()),
    row(live(choice("on_failure.auth", "deny|next|allow",
                    "For connect, publish and subscribe; allow needs accept_fail_open.")),
        number<&P::on_auth_failure>()),
    row(live(choice("on_failure.topic", "reject_connection|passthrough", "For the Client's topics.")),
        number<&P::on_topic_failure>()),
    row(choice("on_failure.store", "refuse_persistent|stop_acks|memory_only", "For what must survive a restart."),
        number<&P::on_store_failure>()),
    row(live(choice("on_failure.event", "ignore", "For events there is one answer.")),
        Access<P>{[](P&, const Value&) {}, [](const P&) { return Value{}; }}),
    row(live(flag("accept_fail_open",
                  "Says that on_failure.auth: allow, which lets everybody in when the plugin fails, is meant.")),
        number<&P::accept_fail_open>()),
    row(live(other("config", ValueKind::kAnything, "The plugin's own settings; its documentation says which.",
                   "{ passwords: passwd }")),
        text<&P::config_json>()),
    not_yet<P>("memory", "checked memory is not there yet in this version; remove this key"),
    not_yet<P>("quarantine", "quarantine is not there yet in this version; remove this key"),
    not_yet<P>("caps", "capabilities come with run: process, which is not there yet in this version; remove this key"),
};

}  // namespace

template <>
std::span<const Row<ListenerSettings>> rows_of() {
  return kListenerRows;
}
template <>
std::span<const Row<PluginSettings>> rows_of() {
  return kPluginRows;
}

}  // namespace mortise::config
