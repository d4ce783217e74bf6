#include "broker/config/access.h"

namespace mortise::config {

namespace {

using L = ListenerSettings;
using P = PluginSettings;

constexpr Row<L> kListenerRows[] = {
    row(required(
            "url", ValueKind::kText,
            "The address: tcp://HOST:PORT, ws://HOST:PORT/PATH (WebSocket; the path is /mqtt when it is left out), or "
            "unix:///PATH; port 0 is any free one.",
            "tcp://127.0.0.1:1883"),
        text<&L::url>()),
    row(flag("allow_anonymous",
             "Opens an address that is not loopback although no auth plugin decides who may connect."),
        number<&L::allow_anonymous>()),
    row(count("max_connections", {1, 10'000'000},
              "Most connections at once; unlimited is as many as the system allows.", {"unlimited", 0}),
        number<&L::max_connections>()),
    row(count("backlog", {1, 65535}, "How many connections may wait to be accepted."), number<&L::backlog>()),
    not_yet<L>("tls", "TLS is not there yet in this version; use a tcp:// listener behind a TLS proxy, or on loopback"),
    row(other("socket_mode", ValueKind::kText,
              "Permissions of a Unix socket's file, three or four octal digits in quotes: who may connect is who may "
              "write it."),
        text<&L::socket_mode>()),
    row(other("proxy_protocol.from", ValueKind::kTexts,
              "Addresses and networks of the proxies in front of this listener. Each connection of theirs begins with "
              "a PROXY "
              "header (version 1 or 2), which says who the Client is; whoever else connects is turned away. Empty: no "
              "proxy.",
              "[127.0.0.1, 10.0.0.0/8]"),
        names<&L::proxies>()),
    row(other("websocket.origins", ValueKind::kTexts,
              "The Origins whose web pages may open a WebSocket here; programs, which send no Origin, always may. "
              "Empty: all pages.",
              "[https://dashboard.example]"),
        names<&L::origins>()),
};

constexpr Row<P> kPluginRows[] = {
    row(required("name", ValueKind::kName, "What this instance is called in logs, metrics and under hooks.",
                 "passwords"),
        text<&P::name>()),
    row(required("library", ValueKind::kText, "The library's file name in plugin_dir, or an absolute path.",
                 "auth-file.so"),
        text<&P::library>()),
    row(choice("run", "inline|process",
               "Where it runs: inside of the broker, or (not there yet) in a process of its own."),
        number<&P::run>()),
    row(choice("on_failure.auth", "deny|next|allow",
               "For connect, publish and subscribe; allow needs accept_fail_open."),
        number<&P::on_auth_failure>()),
    row(choice("on_failure.topic", "reject_connection|passthrough", "For the Client's topics."),
        number<&P::on_topic_failure>()),
    row(choice("on_failure.store", "refuse_persistent|stop_acks|memory_only", "For what must survive a restart."),
        number<&P::on_store_failure>()),
    row(choice("on_failure.event", "ignore", "For events there is one answer."),
        Access<P>{[](P&, const Value&) {}, [](const P&) { return Value{}; }}),
    row(flag("accept_fail_open",
             "Says that on_failure.auth: allow, which lets everybody in when the plugin fails, is meant."),
        number<&P::accept_fail_open>()),
    row(other("config", ValueKind::kAnything, "The plugin's own settings; its documentation says which.",
              "{ passwords: passwd }"),
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
