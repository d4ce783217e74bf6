#pragma once

#include <string>
#include <vector>

#include "broker/cli/client.h"

namespace CLI {
class App;
}

namespace mortise::cli {

/// The options that `pub` and `sub` share, as they stand on the command line.
struct ClientArguments {
  ClientOptions client;
  bool keeps_session = false;  // -c
  std::string version = "5";
  std::string user_name, password, password_file;
  std::string will_topic, will_payload;
  int will_qos = 0;
  bool will_retain = false;
  std::uint32_t will_delay = 0;
  std::int64_t session_expiry = -1;
  std::vector<std::string> connect_properties;
};

void add_client_options(CLI::App& app, ClientArguments& arguments);

/// Checks them together and fills `arguments.client`. The password comes from -P, --password-file or the environment
/// variable MORTISE_PASSWORD. Errors: what does not go together, a version there is not, a password file that cannot be
/// read.
Result<ClientOptions> resolve(const ClientArguments& arguments);

/// Takes `name=value` apart. Errors: no `=`.
Result<std::pair<std::string, std::string>> parse_pair(const std::string& text);

/// The bytes of a file; "-" is standard input. Errors: cannot be read, or larger than a packet can be.
Result<std::string> read_file(const std::string& path);

}  // namespace mortise::cli
