#include "broker/cli/client_options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "broker/base/random.h"

namespace mortise::cli {

namespace {

constexpr std::size_t kMaximumPayload = 268'435'455;

Result<mqtt::ProtocolVersion> parse_version(const std::string& text) {
  if (text == "5" || text == "5.0") return mqtt::ProtocolVersion::k5;
  if (text == "3.1.1") return mqtt::ProtocolVersion::k311;
  if (text == "3.1") return mqtt::ProtocolVersion::k31;
  return failure("-V " + quoted(text) + ": there is 3.1, 3.1.1 and 5");
}

/// 3.1 demands a client id (its section 3.1), which later versions let the Server choose.
std::string random_client_id() {
  std::uint32_t number = 0;
  random_bytes(&number, sizeof number);
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "mortise-%08x", number);
  return text.data();
}

Result<std::optional<std::string>> find_password(const ClientArguments& arguments) {
  if (!arguments.password.empty()) return std::optional(arguments.password);
  if (!arguments.password_file.empty()) {
    Result<std::string> text = read_file(arguments.password_file);
    if (!text) return std::move(text).as_failure();
    return std::optional(text->substr(0, text->find_first_of("\r\n")));
  }
  const char* variable = std::getenv("MORTISE_PASSWORD");
  // Without a user name it is meant for another command: 3.1.1 allows no password alone [MQTT-3.1.2-22].
  if (variable != nullptr && !arguments.user_name.empty()) return std::optional<std::string>(variable);
  return std::optional<std::string>();
}

Result<void> check_together(const ClientArguments& arguments, mqtt::ProtocolVersion version) {
  const bool is_5 = version == mqtt::ProtocolVersion::k5;
  if (arguments.keeps_session && arguments.client.client_id.empty()) {
    return failure("-c keeps the session of a client id: say which with -i");
  }
  if (!is_5 && arguments.session_expiry >= 0) return failure("-x (session expiry) needs -V 5; before, use -c");
  if (!is_5 && !arguments.connect_properties.empty()) return failure("--connect-property needs -V 5");
  if (!is_5 && arguments.will_delay > 0) return failure("--will-delay needs -V 5");
  if (!is_5 && arguments.user_name.empty() && !arguments.password.empty()) return failure("-P needs -u before MQTT 5");
  if (arguments.will_topic.empty() &&
      (!arguments.will_payload.empty() || arguments.will_retain || arguments.will_delay > 0)) {
    return failure("a will needs --will-topic");
  }
  return {};
}

}  // namespace

void add_client_options(CLI::App& app, ClientArguments& arguments) {
  ClientOptions& client = arguments.client;
  app.set_help_flag("--help", "Print this and exit");  // -h is the host
  app.add_option("-h,--host", client.host, "Where the broker is")->capture_default_str();
  app.add_option("-p,--port", client.port, "Its port")->capture_default_str();
  app.add_option("-V,--protocol", arguments.version, "MQTT version: 3.1, 3.1.1 or 5")->capture_default_str();
  app.add_option("-i,--id", client.client_id, "Client id (default: the server assigns one)");
  app.add_option("-u,--user", arguments.user_name, "User name");
  app.add_option("-P,--password", arguments.password,
                 "Password (others on this machine can see it: better one of the next)");
  app.add_option("--password-file", arguments.password_file,
                 "File whose first line is the password (or: MORTISE_PASSWORD)");
  app.add_option("-k,--keep-alive", client.keep_alive, "Keep alive in seconds, 0 for none")->capture_default_str();
  app.add_flag("-c,--keep-session", arguments.keeps_session,
               "Keep the session: no clean start; before MQTT 5 no clean session");
  app.add_option("-x,--session-expiry", arguments.session_expiry,
                 "Seconds the session outlives the connection (MQTT 5)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{0xFFFFFFFF}));
  app.add_option("--connect-property", arguments.connect_properties,
                 "User Property of CONNECT, name=value (repeatable)");
  app.add_option("--will-topic", arguments.will_topic, "Topic of the Will");
  app.add_option("--will-message", arguments.will_payload, "Payload of the Will");
  app.add_option("--will-qos", arguments.will_qos, "QoS of the Will")->check(CLI::Range(0, 2));
  app.add_flag("--will-retain", arguments.will_retain, "The Will is retained");
  app.add_option("--will-delay", arguments.will_delay, "Seconds the Will waits (MQTT 5)");
}

Result<ClientOptions> resolve(const ClientArguments& arguments) {
  ClientOptions client = arguments.client;
  Result<mqtt::ProtocolVersion> version = parse_version(arguments.version);
  if (!version) return std::move(version).as_failure();
  client.version = *version;
  if (Result<void> checked = check_together(arguments, *version); !checked) return std::move(checked).as_failure();
  if (!arguments.user_name.empty()) client.user_name = arguments.user_name;
  Result<std::optional<std::string>> password = find_password(arguments);
  if (!password) return std::move(password).as_failure();
  client.password = *password;
  client.clean_start = !arguments.keeps_session;
  if (arguments.session_expiry >= 0) client.session_expiry = static_cast<std::uint32_t>(arguments.session_expiry);
  // In MQTT 5 a kept session without an expiry would end with the connection: as in 3.1.1, it stays.
  if (arguments.keeps_session && client.version == mqtt::ProtocolVersion::k5 && !client.session_expiry) {
    client.session_expiry = 0xFFFFFFFF;
  }
  if (client.version == mqtt::ProtocolVersion::k31 && client.client_id.empty()) client.client_id = random_client_id();
  for (const std::string& text : arguments.connect_properties) {
    auto pair = parse_pair(text);
    if (!pair) return std::move(pair).as_failure();
    client.user_properties.push_back(*pair);
  }
  if (!arguments.will_topic.empty()) {
    client.will = WillOptions{arguments.will_topic, arguments.will_payload, static_cast<mqtt::QoS>(arguments.will_qos),
                              arguments.will_retain, arguments.will_delay};
  }
  return client;
}

Result<std::pair<std::string, std::string>> parse_pair(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return failure(quoted(text) + " is not name=value");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<std::string> read_file(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return failure(path + ": cannot be opened: " + std::strerror(errno));
  std::string bytes;
  std::array<char, 65536> buffer;
  std::size_t got = 0;
  while (bytes.size() <= kMaximumPayload && (got = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) {
    bytes.append(buffer.data(), got);
  }
  const bool failed = std::ferror(file) != 0;
  const int reason = errno;
  if (file != stdin) std::fclose(file);
  if (failed) return failure(path + ": cannot be read: " + std::strerror(reason));
  if (bytes.size() > kMaximumPayload) return failure(path + ": larger than an MQTT packet can be (256 MiB)");
  return bytes;
}

}  // namespace mortise::cli
