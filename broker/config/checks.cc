#include "broker/config/checks.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/config/keys.h"
#include "broker/config/listener_url.h"
#include "broker/config/nearest.h"

namespace mortise::config {

namespace {

using Outcome = Result<void, Problem>;

/// Of the beginning of a topic with placeholders; empty when nothing is.
std::string wrong_with_topic_pattern(std::string_view pattern) {
  if (pattern.find_first_of("+#") != std::string_view::npos) return "has a wildcard; a Topic Name has none";
  if (pattern.starts_with('$')) return "begins with '$', which is the broker's own";
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size() || std::string_view("cunl%").find(pattern[i]) == std::string_view::npos)
      return "has a % that is no placeholder; allowed: %c, %u, %n, %l, and %% for a percent sign";
  }
  return {};
}

std::string entry_path(const char* list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

/// The checks of one reading; each public step leaves what the next one relies on.
class Checker {
 public:
  Checker(Reading& reading, const std::filesystem::path& default_plugin_dir)
      : reading_(reading), settings_(reading.settings), default_plugin_dir_(default_plugin_dir) {}

  void resolve_directories();
  Outcome check_memory();
  Outcome check_references();
  Outcome check_listeners();
  Outcome check_admin();
  Outcome check_plugins();
  Outcome check_hooks();
  Outcome check_who_may_connect();
  void warn_of_what_has_no_effect();

 private:
  Failure<Problem> problem(const std::string& path, const std::string& what) const {
    return failure(Problem{reading_.place_of(path), path + ": " + what});
  }
  void warn(const std::string& path, const std::string& what) {
    settings_.warnings.push_back(settings_.file.string() + ":" + std::to_string(reading_.place_of(path).line) + ": " +
                                 path + ": " + what);
  }
  std::filesystem::path from_here(const std::filesystem::path& path) const {
    return (settings_.directory / path).lexically_normal();
  }

  Outcome check_door(std::size_t index);
  Outcome check_tls(std::size_t index);
  Outcome check_identity(std::size_t index);
  Outcome check_plugin(std::size_t index);
  Outcome find_library(const std::string& path, PluginSettings& plugin);
  std::string libraries_near(const std::filesystem::path& library) const;
  std::vector<std::string> plugin_names() const;
  Outcome check_chain(const std::string& path, const std::vector<std::string>& chain) const;
  Outcome check_own_chains(std::size_t index) const;
  bool is_asked(const std::vector<std::string>& chain,
                const std::optional<std::vector<std::string>> ListenerSettings::*own, const std::string& name) const;
  Outcome check_named(const std::string& path, const std::string& name) const;
  bool is_in(const std::vector<std::string>& chain, const std::string& name) const {
    return std::find(chain.begin(), chain.end(), name) != chain.end();
  }

  Reading& reading_;
  Settings& settings_;
  const std::filesystem::path& default_plugin_dir_;
};

void Checker::resolve_directories() {
  settings_.data_dir = from_here(settings_.data_dir);
  AdminSettings& admin = settings_.admin;
  for (std::filesystem::path* file : {&admin.token_file, &admin.certificate, &admin.key}) {
    if (!file->empty()) *file = from_here(*file);
  }
  settings_.plugin_dir = settings_.plugin_dir.empty() ? default_plugin_dir_ : from_here(settings_.plugin_dir);
  for (ListenerSettings& listener : settings_.listeners) {
    TlsSettings& tls = listener.tls;
    for (auto* files : {&tls.certificates, &tls.keys}) {
      for (std::filesystem::path& file : *files) file = from_here(file);
    }
    for (std::filesystem::path* file : {&tls.client_ca, &tls.crl, &tls.psk}) {
      if (!file->empty()) *file = from_here(*file);
    }
  }
}

Outcome Checker::check_memory() {
  constexpr std::uint64_t kLeast = std::uint64_t{32} << 20;
  if (settings_.memory_budget == 0 || settings_.memory_budget >= kLeast) return {};
  return problem("node.memory_budget",
                 "leaves no room for the broker itself; allowed: 32MiB or more, auto, or 0B for none");
}

Outcome Checker::check_references() {
  const session::MqttLimits& mqtt = settings_.mqtt;
  if (mqtt.server_moved && mqtt.server_reference.empty()) {
    return problem("node.server_moved", "true sends everybody away; write in node.server_reference where to");
  }
  constexpr std::size_t kLongest = 1024;
  for (const auto& [path, text] : {std::pair("node.server_reference", &mqtt.server_reference),
                                   std::pair("mqtt.response_information", &mqtt.response_information)}) {
    if (text->size() > kLongest) {
      return problem(path, "has " + std::to_string(text->size()) + " bytes; at most " + std::to_string(kLongest));
    }
  }
  if (const std::string wrong = wrong_with_topic_pattern(mqtt.response_information); !wrong.empty())
    return problem("mqtt.response_information", quoted(mqtt.response_information, 128) + " " + wrong);
  return {};
}

Outcome Checker::check_listeners() {
  if (settings_.listeners.empty()) {
    if (reading_.has(kListenersPath))
      return problem(kListenersPath,
                     std::string("nobody could connect; write at least one, for example - url: ") + kDefaultListener);
    ListenerSettings listener;
    listener.url = kDefaultListener;
    settings_.listeners.push_back(listener);
  }
  std::set<std::pair<std::string, std::uint16_t>> taken;  // a Unix socket's path and 0
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    ListenerSettings& listener = settings_.listeners[i];
    const std::string path = entry_path(kListenersPath, i) + ".url";
    if (auto parsed = parse_listener_url(listener); !parsed) return problem(path, parsed.error().message);
    if (listener.is_unix) listener.path = from_here(listener.path);
    const bool is_chosen = listener.is_unix || listener.port != 0;
    if (is_chosen && !taken.emplace(listener.is_unix ? listener.path : listener.host, listener.port).second)
      return problem(path, quoted(listener.url, 128) + " is listed twice; keep one");
    if (Outcome outcome = check_door(i); !outcome) return outcome;
    if (Outcome outcome = check_tls(i); !outcome) return outcome;
  }
  return {};
}

/// Certificates, keys and who identifies Clients.
Outcome Checker::check_tls(std::size_t index) {
  ListenerSettings& listener = settings_.listeners[index];
  TlsSettings& tls = listener.tls;
  const std::string path = entry_path(kListenersPath, index);
  const bool asks = tls.verify != ClientCertificate::kNone;
  if (!listener.has_tls) {
    if (asks || !tls.certificates.empty() || !tls.keys.empty() || !tls.client_ca.empty() || !tls.psk.empty())
      return problem(path + ".tls",
                     "this listener does not speak TLS; use tls:// or wss:// in its url, or remove this key");
    const bool from_proxy = listener.identity == IdentitySource::kCertificateCommonName && !listener.proxies.empty();
    if (listener.identity != IdentitySource::kConnect && !from_proxy)
      return problem(path + ".identity",
                     "only a Client of TLS shows a certificate or a pre-shared key; remove this key");
    return {};
  }
  if (tls.certificates.empty() && tls.psk.empty())
    return problem(path + ".url", "TLS needs tls.certificate and tls.key, or tls.psk");
  if (tls.certificates.size() != tls.keys.size())
    return problem(path + ".tls.key", "there are " + std::to_string(tls.keys.size()) + " keys for " +
                                          std::to_string(tls.certificates.size()) + " certificates; list one for each");
  if (asks == tls.client_ca.empty())
    return problem(path + ".tls.verify", asks ? "name in tls.client_ca who may issue the Clients' certificates"
                                              : "write optional or required to ask for certificates that tls.client_ca "
                                                "issued, or remove it");
  if (!tls.crl.empty() && !asks)
    return problem(path + ".tls.crl", "certificates of Clients are not asked for; remove this key");
  return check_identity(index);
}

Outcome Checker::check_identity(std::size_t index) {
  const ListenerSettings& listener = settings_.listeners[index];
  const std::string path = entry_path(kListenersPath, index) + ".identity";
  const bool by_certificate = listener.identity == IdentitySource::kCertificateCommonName ||
                              listener.identity == IdentitySource::kCertificateAlternativeName;
  if (by_certificate && listener.tls.verify == ClientCertificate::kNone)
    return problem(path, "needs tls.verify: required (or optional) and tls.client_ca");
  if (listener.identity == IdentitySource::kPreSharedKey && listener.tls.psk.empty())
    return problem(path, "needs tls.psk");
  return {};
}

/// What only some kinds of listeners have.
Outcome Checker::check_door(std::size_t index) {
  ListenerSettings& listener = settings_.listeners[index];
  const std::string path = entry_path(kListenersPath, index);
  for (std::size_t i = 0; i < listener.versions.size(); ++i) {
    if (!is_version_name(listener.versions[i]))
      return problem(path + ".versions[" + std::to_string(i) + "]",
                     quoted(listener.versions[i], 32) + " is no version of MQTT; allowed: v3.1, v3.1.1, v5");
  }
  if (listener.is_unix && !listener.interface.empty())
    return problem(path + ".tcp.interface", "nothing comes to a Unix socket by the network; remove this key");
  if (!listener.is_unix && listener.socket_mode != ListenerSettings{}.socket_mode)
    return problem(path + ".socket_mode", "only a unix:// listener has a file; remove this key");
  if (!listener.has_websocket && !listener.origins.empty())
    return problem(path + ".websocket.origins",
                   "only pages that open a WebSocket have an Origin; remove this key, or use ws://");
  const std::string& mode = listener.socket_mode;
  if (mode.size() < 3 || mode.size() > 4 || mode.find_first_not_of("01234567") != std::string::npos ||
      (mode.size() == 4 && mode.front() != '0'))
    return problem(
        path + ".socket_mode",
        quoted(mode, 32) + " is none; allowed: three octal digits, for example \"0660\" for owner and group");
  for (std::size_t i = 0; i < listener.proxies.size(); ++i) {
    const std::optional<IpNetwork> network = IpNetwork::parse(listener.proxies[i]);
    if (!network)
      return problem(
          path + ".proxy_protocol.from[" + std::to_string(i) + "]",
          quoted(listener.proxies[i], 64) +
              " is no address or network; allowed: for example 127.0.0.1, ::1, 10.0.0.0/8 (the first address of it)");
    listener.proxy_networks.push_back(*network);
  }
  if (listener.is_unix && !listener.proxies.empty())
    return problem(path + ".proxy_protocol.from",
                   "who connects to a Unix socket has no address; use a tcp:// listener");
  return {};
}

/// Whoever reaches the API may do everything with its token, so it does not leave the machine by mistake, nor in the
/// clear.
Outcome Checker::check_admin() {
  AdminSettings& admin = settings_.admin;
  if (!admin.is_on()) return {};
  if (auto parsed = parse_admin_url(admin); !parsed) return problem("admin.url", parsed.error().message);
  if (admin.has_tls && (admin.certificate.empty() || admin.key.empty()))
    return problem("admin.url", "https needs admin.tls.certificate and admin.tls.key");
  if (!admin.has_tls && !(admin.certificate.empty() && admin.key.empty()))
    return problem("admin.tls", "http has no certificate; use https:// in admin.url, or remove this key");
  if (is_loopback_host(admin.host)) return {};
  if (!admin.expose)
    return problem("admin.url", quoted(admin.url, 128) +
                                    " can be reached from outside of this machine; use 127.0.0.1, or write "
                                    "admin.expose: true if that is meant");
  if (!admin.has_tls)
    return problem("admin.url", quoted(admin.url, 128) +
                                    " would show its token to the network; use https:// with admin.tls, or 127.0.0.1");
  return {};
}

Outcome Checker::check_plugins() {
  std::set<std::string> names;
  for (std::size_t i = 0; i < settings_.plugins.size(); ++i) {
    const std::string& name = settings_.plugins[i].name;
    if (!names.insert(name).second)
      return problem(entry_path(kPluginsPath, i) + ".name",
                     name + " is the name of another plugin too; give each its own");
    if (Outcome outcome = check_plugin(i); !outcome) return outcome;
  }
  return {};
}

Outcome Checker::check_plugin(std::size_t index) {
  PluginSettings& plugin = settings_.plugins[index];
  const std::string path = entry_path(kPluginsPath, index);
  if (plugin.run == RunMode::kProcess)
    return problem(path + ".run", "process is not there yet in this version; use run: inline");
  if (plugin.on_auth_failure == hooks::AuthFailurePolicy::kAllow && !plugin.accept_fail_open)
    return problem(path + ".on_failure.auth",
                   "allow lets everybody in when " + plugin.name +
                       " fails; write accept_fail_open: true too if that is meant, else deny or next");
  return find_library(path + ".library", plugin);
}

Outcome Checker::find_library(const std::string& path, PluginSettings& plugin) {
  const std::string written = plugin.library.string();
  if (plugin.library.is_relative() && plugin.library.has_parent_path())
    return problem(
        path,
        quoted(written, 128) +
            " is a relative path; write the file's name alone (it is looked for in plugin_dir) or an absolute path");
  const bool is_absolute = plugin.library.is_absolute();
  if (!is_absolute) plugin.library = settings_.plugin_dir / plugin.library;
  std::error_code error;
  const auto status = std::filesystem::status(plugin.library, error);
  if (std::filesystem::is_regular_file(status)) return {};
  if (std::filesystem::exists(status)) return problem(path, quoted(plugin.library.string(), 256) + " is not a file");
  if (is_absolute) return problem(path, quoted(written, 256) + " does not exist");
  return problem(path, quoted(written, 128) + " is not in " + quoted(settings_.plugin_dir.string(), 256) +
                           " (plugin_dir)" + libraries_near(written));
}

std::string Checker::libraries_near(const std::filesystem::path& library) const {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator files(settings_.plugin_dir, error);
  if (error) return ", which cannot be read: " + error.message();
  for (; !error && files != std::filesystem::directory_iterator() && names.size() < 256; files.increment(error)) {
    if (files->path().extension() == ".so") names.push_back(files->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  const std::string near = nearest(library.string(), names);
  if (!near.empty()) return "; did you mean " + near + "?";
  if (is_in(names, library.string() + ".so")) return "; did you mean " + library.string() + ".so?";
  return "; there: " + joined(names);
}

std::vector<std::string> Checker::plugin_names() const {
  std::vector<std::string> names;
  for (const PluginSettings& plugin : settings_.plugins) names.push_back(plugin.name);
  return names;
}

Outcome Checker::check_named(const std::string& path, const std::string& name) const {
  const std::vector<std::string> known = plugin_names();
  if (is_in(known, name)) return {};
  const std::string near = nearest(name, known);
  return problem(path, "no plugin is named " + name +
                           (near.empty() ? "; named under plugins: " + joined(known) : "; did you mean " + near + "?"));
}

Outcome Checker::check_chain(const std::string& path, const std::vector<std::string>& chain) const {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (Outcome outcome = check_named(path + "[" + std::to_string(i) + "]", chain[i]); !outcome) return outcome;
  }
  return {};
}

/// A listener is found again by its URL: two that share one (with port 0) share their chains.
Outcome Checker::check_own_chains(std::size_t index) const {
  const ListenerSettings& listener = settings_.listeners[index];
  const std::string path = entry_path(kListenersPath, index) + ".hooks";
  for (const auto& [family, own] :
       {std::pair(".auth", &listener.auth_hooks), std::pair(".topic", &listener.topic_hooks)}) {
    if (!*own) continue;
    if (Outcome outcome = check_chain(path + family, **own); !outcome) return outcome;
  }
  for (std::size_t i = 0; i < index; ++i) {
    const ListenerSettings& other = settings_.listeners[i];
    if (other.url != listener.url) continue;
    if (other.auth_hooks != listener.auth_hooks || other.topic_hooks != listener.topic_hooks)
      return problem(path, entry_path(kListenersPath, i) + " has the same url and other hooks; give both the same");
  }
  return {};
}

bool Checker::is_asked(const std::vector<std::string>& chain,
                       const std::optional<std::vector<std::string>> ListenerSettings::*own,
                       const std::string& name) const {
  return is_in(chain, name) || std::ranges::any_of(settings_.listeners, [&](const ListenerSettings& listener) {
           return listener.*own && is_in(*(listener.*own), name);
         });
}

Outcome Checker::check_hooks() {
  const HookOrder& hooks = settings_.hooks;
  if (Outcome outcome = check_chain("hooks.auth", hooks.auth); !outcome) return outcome;
  if (Outcome outcome = check_chain("hooks.topic", hooks.topic); !outcome) return outcome;
  if (Outcome outcome = check_chain("hooks.event", hooks.event); !outcome) return outcome;
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    if (Outcome outcome = check_own_chains(i); !outcome) return outcome;
  }
  return hooks.store ? check_named("hooks.store", *hooks.store) : Outcome{};
}

Outcome Checker::check_who_may_connect() {
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    const ListenerSettings& listener = settings_.listeners[i];
    if (is_open(listener, !auth_chain(settings_, listener).empty())) continue;
    return problem(entry_path(kListenersPath, i) + ".url", closed_because(listener));
  }
  return {};
}

void Checker::warn_of_what_has_no_effect() {
  const HookOrder& hooks = settings_.hooks;
  for (std::size_t i = 0; i < settings_.plugins.size(); ++i) {
    const std::string& name = settings_.plugins[i].name;
    const std::string path = entry_path(kPluginsPath, i);
    const std::pair<const char*, bool> families[] = {
        {"auth", is_asked(hooks.auth, &ListenerSettings::auth_hooks, name)},
        {"topic", is_asked(hooks.topic, &ListenerSettings::topic_hooks, name)},
        {"store", hooks.store == name},
        {"event", is_in(hooks.event, name)}};
    if (std::ranges::none_of(families, [](const auto& family) { return family.second; })) {
      warn(path + ".name", name + " is in no list under hooks: it is loaded and never asked");
      continue;
    }
    for (const auto& [family, is_named] : families) {
      const std::string policy = path + ".on_failure." + family;
      if (!is_named && reading_.has(policy)) warn(policy, name + " is not in hooks." + family + ": this never applies");
    }
  }
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    if (settings_.listeners[i].allow_anonymous && !auth_chain(settings_, settings_.listeners[i]).empty())
      warn(entry_path(kListenersPath, i) + ".allow_anonymous", "has no effect: hooks.auth decides who may connect");
  }
  if (!hooks.store && reading_.has("session.durability") &&
      settings_.session.durability == session::Durability::kInterval)
    warn("session.durability",
         "has no effect without a plugin in hooks.store: sessions and messages live in memory only");
}

}  // namespace

const std::vector<std::string>& auth_chain(const Settings& settings, const ListenerSettings& listener) {
  return listener.auth_hooks ? *listener.auth_hooks : settings.hooks.auth;
}

const std::vector<std::string>& topic_chain(const Settings& settings, const ListenerSettings& listener) {
  return listener.topic_hooks ? *listener.topic_hooks : settings.hooks.topic;
}

bool is_open(const ListenerSettings& listener, bool somebody_authenticates) {
  return somebody_authenticates || listener.allow_anonymous || listener.is_local() || listener.admits_only_known();
}

std::string closed_because(const ListenerSettings& listener) {
  return quoted(listener.url, 128) + " would let anybody in from outside of this machine: no plugin in " +
         (listener.auth_hooks ? "its own " : "") +
         "hooks.auth decides who may connect; name "
         "one there, listen on 127.0.0.1, ask for certificates (tls.verify: required with identity: certificate_cn), "
         "or "
         "write allow_anonymous: true for this listener";
}

Result<void> check_exposure(const Settings& settings,
                            const std::function<bool(const ListenerSettings&)>& has_authenticate) {
  for (const ListenerSettings& listener : settings.listeners) {
    if (is_open(listener, has_authenticate(listener))) continue;
    return failure(settings.file.string() + ":" + std::to_string(listener.line) + ": " + closed_because(listener));
  }
  return {};
}

Result<void, Problem> check_reading(Reading& reading, const std::filesystem::path& default_plugin_dir) {
  Checker checker(reading, default_plugin_dir);
  checker.resolve_directories();
  if (Outcome outcome = checker.check_memory(); !outcome) return outcome;
  if (Outcome outcome = checker.check_references(); !outcome) return outcome;
  if (Outcome outcome = checker.check_listeners(); !outcome) return outcome;
  if (Outcome outcome = checker.check_admin(); !outcome) return outcome;
  if (Outcome outcome = checker.check_plugins(); !outcome) return outcome;
  if (Outcome outcome = checker.check_hooks(); !outcome) return outcome;
  if (Outcome outcome = checker.check_who_may_connect(); !outcome) return outcome;
  checker.warn_of_what_has_no_effect();
  return {};
}

}  // namespace mortise::config
