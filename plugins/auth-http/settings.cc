#include "settings.h"

#include <algorithm>

namespace auth_http {

namespace {

using mortise::ConfigView;
using mortise::Error;
using mortise::TextTemplate;
using std::chrono::milliseconds;

constexpr std::uint64_t kMostFields = 64;

TextTemplate read_template(const std::string& pointer, const std::string& text, const std::vector<std::string>& names) {
  try {
    return TextTemplate(text, names);
  } catch (const Error& error) {
    throw ConfigView::wrong(pointer, error.what());
  }
}

/// A name as a JSON Pointer has it.
std::string step_of(const std::string& name) {
  std::string step;
  for (const char one : name) step += one == '~' ? "~0" : (one == '/' ? "~1" : std::string(1, one));
  return step;
}

bool is_header_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char one) {
    return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') || one == '-' ||
           one == '_';
  });
}

std::vector<RequestTemplate::Named> read_named(const ConfigView& config, const std::string& pointer,
                                               const std::vector<std::string>& names) {
  const std::uint64_t count = config.count(pointer);
  if (count > kMostFields) throw ConfigView::wrong(pointer, "has more than 64 entries");
  std::vector<RequestTemplate::Named> all;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name = config.key(pointer, i);
    const std::string place = pointer + "/" + step_of(name);
    all.emplace_back(std::move(name), read_template(place, config.required_text(place), names));
  }
  return all;
}

struct Address {
  std::string origin;
  std::string target;
};

/// Cuts "http://host:port/path?query" behind the port.
Address read_url(const ConfigView& config, const std::string& pointer) {
  const std::string url = config.required_text(pointer);
  const bool is_http = url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0;
  const std::size_t host = url.find("//") + 2;
  const std::size_t path = std::min(url.find('/', host), url.size());
  const std::string origin = url.substr(0, path);
  const bool is_plain = is_header_value(origin) && origin.find_first_of("%@?# ") == std::string::npos;
  if (!is_http || path == host || !is_plain)
    throw ConfigView::wrong(pointer, mortise::quoted(url) + " is no URL like https://auth.example:8443/mqtt");
  return {origin, path == url.size() ? "/" : url.substr(path)};
}

RequestTemplate read_request(const ConfigView& config, const std::string& pointer, const Address& address,
                             const std::vector<std::string>& names, std::vector<RequestTemplate::Named> fields) {
  config.only_keys(pointer, {"url", "body", "fields", "headers"});
  RequestTemplate request;
  request.target = read_template(pointer + "/url", address.target, names);
  if (!is_header_value(request.target.sample()) || request.target.sample().find_first_of(" #") != std::string::npos)
    throw ConfigView::wrong(pointer + "/url", "has a blank, a # or a control character");
  const std::string format = config.text(pointer + "/body").value_or(std::string("json"));
  if (format != "json" && format != "form") throw ConfigView::wrong(pointer + "/body", "must be json or form");
  request.format = format == "json" ? RequestTemplate::Format::kJson : RequestTemplate::Format::kForm;
  request.fields =
      config.count(pointer + "/fields") > 0 ? read_named(config, pointer + "/fields", names) : std::move(fields);
  request.headers = read_named(config, pointer + "/headers", names);
  for (const auto& [name, text] : request.headers) {
    if (!is_header_name(name) || !is_header_value(text.sample()))
      throw ConfigView::wrong(pointer + "/headers", mortise::quoted(name) + " is no header, or its value is none");
  }
  return request;
}

std::vector<RequestTemplate::Named> defaults(const std::vector<std::pair<const char*, const char*>>& fields,
                                             const std::vector<std::string>& names) {
  std::vector<RequestTemplate::Named> all;
  all.reserve(fields.size());
  for (const auto& [name, text] : fields) all.emplace_back(name, TextTemplate(text, names));
  return all;
}

}  // namespace

const std::vector<std::string>& connect_names() {
  static const std::vector<std::string> all = {"c", "u", "p", "basic", "peer", "listener", "cn"};
  return all;
}

const std::vector<std::string>& access_names() {
  static const std::vector<std::string> all = {"c", "u", "namespace", "action", "topic", "peer", "listener"};
  return all;
}

Settings Settings::read(const ConfigView& config) {
  config.only_keys("", {"authenticate", "authorize", "ca", "max_connections", "queue", "queue_bytes", "timeout_ms",
                        "breaker_failures", "breaker_ms", "cache_entries", "cache_ms", "cache_denied_ms"});
  Settings settings;
  settings.connections = config.number("/max_connections", 1, 64).value_or(8);
  settings.queue = config.number("/queue", 1, 100'000).value_or(1000);
  settings.queue_bytes = config.number("/queue_bytes", 1024, 1 << 30).value_or(4 * 1024 * 1024);
  settings.timeout = milliseconds(config.number("/timeout_ms", 100, 600'000).value_or(5000));
  settings.allowed_for = milliseconds(config.number("/cache_ms", 0, 86'400'000).value_or(30'000));
  settings.denied_for = milliseconds(config.number("/cache_denied_ms", 0, 86'400'000).value_or(5000));
  const auto failures = static_cast<std::uint32_t>(config.number("/breaker_failures", 1, 1000).value_or(5));
  const milliseconds pause(config.number("/breaker_ms", 100, 3'600'000).value_or(10'000));
  const std::size_t entries = config.number("/cache_entries", 0, 1'000'000).value_or(10'000);
  const std::string ca = config.resolve(config.text("/ca").value_or(std::string("/etc/ssl/certs/ca-certificates.crt")));
  const auto endpoint = [&](const std::string& pointer, const std::vector<std::string>& names,
                            std::vector<RequestTemplate::Named> fields) {
    const Address address = read_url(config, pointer + "/url");
    return std::make_shared<Endpoint>(read_request(config, pointer, address, names, std::move(fields)), address.origin,
                                      ca, settings.connections, failures, pause, entries);
  };
  settings.authenticate = endpoint(
      "/authenticate", connect_names(),
      defaults({{"client_id", "%c"}, {"user_name", "%u"}, {"password", "%p"}, {"peer", "%peer"}}, connect_names()));
  if (config.count("/authorize") > 0) {
    settings.authorize = endpoint("/authorize", access_names(),
                                  defaults({{"client_id", "%c"},
                                            {"user_name", "%u"},
                                            {"namespace", "%namespace"},
                                            {"action", "%action"},
                                            {"topic", "%topic"}},
                                           access_names()));
  }
  return settings;
}

}  // namespace auth_http
