#include <fcntl.h>
#include <sys/file.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "broker/admin/http_client.h"
#include "broker/admin/token.h"
#include "broker/base/bytes.h"
#include "broker/cli/commands.h"
#include "broker/cli/ctl_commands.h"
#include "broker/cli/default_paths.h"
#include "broker/config/settings.h"
#include "broker/config/units.h"
#include "broker/net/descriptor.h"

namespace mortise::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPage = 500;

/// What stands on the command line.
struct CtlArguments {
  std::string config, url, token_file, ca;
  bool is_json = false;
  std::size_t limit = 10'000;
  std::map<std::string, std::string> places;   // by the name in the path
  std::map<std::string, std::string> options;  // by the name in the request
};

// ---- Which broker ---------------------------------------------------------------------------------------------------

/// As the broker wrote it when it began to listen there; else as the configuration says.
std::string url_of(const config::Settings& settings) {
  std::ifstream file(admin::url_file(settings.data_dir));
  std::string url;
  return std::getline(file, url) && !url.empty() ? url : settings.admin.url;
}

/// Whether a broker holds the lock of this data directory. Without one somebody else may have its port, who must not be
/// shown the token.
bool is_running(const std::filesystem::path& data_dir) {
  const net::Descriptor folder(::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::flock(folder.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<admin::ApiAddress> address_of(const CtlArguments& arguments) {
  admin::ApiAddress address{arguments.url, {}, arguments.ca};
  std::filesystem::path token_file = arguments.token_file;
  if (!arguments.config.empty()) {
    Result<config::SettingsPtr> settings = config::load(arguments.config, default_plugin_dir());
    if (!settings) return std::move(settings).as_failure();
    if (url_of(**settings).empty())
      return failure(arguments.config +
                     " has no admin.url; add one, for example http://127.0.0.1:9883, and send the broker SIGHUP");
    if (!is_running((*settings)->data_dir))
      return failure("nothing holds node.data_dir " + quoted((*settings)->data_dir.string()) +
                     "; is the broker running, with this configuration?");
    if (address.url.empty()) address.url = url_of(**settings);
    if (token_file.empty()) token_file = (*settings)->admin_token_file();
    if (address.ca.empty()) address.ca = (*settings)->admin.certificate;
  }
  if (address.url.empty() || token_file.empty())
    return failure("which broker? Name its configuration with --config, or --url and --token-file");
  Result<std::string> token = admin::read_token(token_file);
  if (!token) return std::move(token).as_failure();
  address.token = std::move(*token);
  return address;
}

// ---- What is asked --------------------------------------------------------------------------------------------------

struct CtlRequest {
  std::string target;
  std::string body;
};

std::string path_of(const CtlCommand& command, const CtlArguments& arguments) {
  std::string path = command.path;
  for (const auto& [name, value] : arguments.places) {
    const std::string place = "{" + name + "}";
    path.replace(path.find(place), place.size(), admin::percent_encoded(value));
  }
  return path;
}

Result<Json> field_of(const CtlOption& option, const std::string& value) {
  if (option.place == CtlPlace::kFlag) return Json(true);
  if (option.place == CtlPlace::kNumber) {
    // What is no number is sent as it is: the broker says what is allowed.
    const bool is_number =
        !value.empty() && value.size() < 10 && value.find_first_not_of("0123456789") == std::string::npos;
    return is_number ? Json(std::stoul(value)) : Json(value);
  }
  if (option.place != CtlPlace::kSeconds) return Json(value);
  const Result<std::uint64_t> milliseconds = config::parse_duration(value);
  if (!milliseconds) return failure(std::string(option.flags) + ": " + milliseconds.error().message);
  return Json(std::max<std::uint64_t>(1, *milliseconds / 1000));
}

Result<CtlRequest> request_of(const CtlCommand& command, const CtlArguments& arguments) {
  CtlRequest request{path_of(command, arguments), {}};
  Json body = Json::object();
  for (const CtlOption& option : command.options) {
    const auto given = arguments.options.find(option.name);
    if (given == arguments.options.end()) continue;
    if (option.place == CtlPlace::kQuery) {
      request.target += (request.target.find('?') == std::string::npos ? "?" : "&") + std::string(option.name) + "=" +
                        admin::percent_encoded(given->second);
      continue;
    }
    Result<Json> field = field_of(option, given->second);
    if (!field) return std::move(field).as_failure();
    body[option.name] = std::move(*field);
  }
  if (!body.empty()) request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return request;
}

Result<std::string> ask(const admin::ApiAddress& address, const CtlCommand& command, const CtlRequest& request) {
  const Result<admin::ApiAnswer> answer = admin::ask_api(address, command.method, request.target, request.body);
  if (!answer) return failure(answer.error());
  if (answer->status < 300) return answer->body;
  if (answer->status == 401)
    return failure(address.url +
                   " does not know the token that was shown; if its file was exchanged, send the broker "
                   "SIGHUP");
  const Json body = Json::parse(answer->body, nullptr, false);
  const auto place = Json::json_pointer("/error/message");
  if (body.is_object() && body.contains(place)) return failure(body[place].get<std::string>());
  return failure(address.url + " answered " + std::to_string(answer->status));
}

// ---- What is shown --------------------------------------------------------------------------------------------------

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  // What clients call themselves must not move the cursor of a terminal.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text.empty() ? "\"\"" : text;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

void print_table(const Json& items, const std::vector<std::string>& columns) {
  std::vector<std::vector<std::string>> rows = {columns};
  for (const Json& item : items) {
    std::vector<std::string> row;
    row.reserve(columns.size());
    for (const std::string& column : columns) row.push_back(cell(item.value(column, Json())));
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) std::printf("%-*s  ", static_cast<int>(widths[i]), row[i].c_str());
    std::printf("%s\n", row.back().c_str());
  }
}

void print_object(const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_structured() && !value.empty()) {
      std::printf("%s: %s\n", name.c_str(), value.dump(2).c_str());
    } else {
      std::printf("%s: %s\n", name.c_str(), cell(value).c_str());
    }
  }
}

/// All pages, up to the limit.
Result<Json> all_items(const admin::ApiAddress& address, const CtlCommand& command, const CtlRequest& request,
                       std::size_t limit) {
  Json items = Json::array();
  std::string cursor;
  for (;;) {
    CtlRequest page = request;
    if (command.has_pages) {
      page.target += (page.target.find('?') == std::string::npos ? "?limit=" : "&limit=") + std::to_string(kPage);
      if (!cursor.empty()) page.target += "&cursor=" + admin::percent_encoded(cursor);
    }
    const Result<std::string> answer = ask(address, command, page);
    if (!answer) return failure(answer.error());
    const Json body = Json::parse(*answer, nullptr, false);
    if (!body.is_object() || !body.contains("items"))
      return failure(address.url + " answered no list; is it a Mortise broker?");
    for (const Json& item : body["items"]) {
      if (items.size() == limit) return items;
      items.push_back(item);
    }
    const Json next = body.value("next", Json());
    if (!next.is_string()) return items;
    cursor = next.get<std::string>();
  }
}

Result<void> run(const CtlCommand& command, const CtlArguments& arguments) {
  const Result<admin::ApiAddress> address = address_of(arguments);
  if (!address) return failure(address.error());
  const Result<CtlRequest> request = request_of(command, arguments);
  if (!request) return failure(request.error());
  if (command.columns != nullptr) {
    const Result<Json> items = all_items(*address, command, *request, arguments.limit);
    if (!items) return failure(items.error());
    if (arguments.is_json) {
      std::printf("%s\n", items->dump(2).c_str());
    } else {
      print_table(*items, words(command.columns));
    }
    return {};
  }
  const Result<std::string> answer = ask(*address, command, *request);
  if (!answer) return failure(answer.error());
  const Json body = Json::parse(*answer, nullptr, false);
  if (arguments.is_json || !body.is_object()) {
    std::fputs(answer->c_str(), stdout);
  } else {
    print_object(body);
  }
  return {};
}

// ---- The command line -----------------------------------------------------------------------------------------------

void add_one(CLI::App& ctl, const CtlCommand& command, const std::shared_ptr<CtlArguments>& arguments, int& status) {
  CLI::App* app = ctl.add_subcommand(command.name, command.doc);
  app->fallthrough();
  const std::string_view path = command.path;
  for (std::size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    const std::string name(path.substr(open + 1, path.find('}', open) - open - 1));
    app->add_option_function<std::string>(
           name, [arguments, name](const std::string& value) { arguments->places[name] = value; }, "")
        ->required();
  }
  for (const CtlOption& option : command.options) {
    const auto take = [arguments, name = option.name](const std::string& value) { arguments->options[name] = value; };
    if (option.place == CtlPlace::kFlag) {
      app->add_flag_callback(
          option.flags, [take] { take("true"); }, option.doc);
    } else {
      app->add_option_function<std::string>(option.flags, take, option.doc)->required(option.is_required);
    }
  }
  app->callback([&command, arguments, &status] {
    const Result<void> done = run(command, *arguments);
    status = done ? 0 : fail("ctl", done.error());
  });
}

}  // namespace

void add_ctl(CLI::App& app, int& status) {
  CLI::App* ctl = app.add_subcommand("ctl", "Ask a running broker, or tell it, over its HTTP API");
  auto arguments = std::make_shared<CtlArguments>();
  ctl->add_option("-c,--config", arguments->config, "The broker's configuration: says where it is, and its token");
  ctl->add_option("--url", arguments->url, "Where it is, as in http://127.0.0.1:9883");
  ctl->add_option("--token-file", arguments->token_file, "The file that holds its token");
  ctl->add_option("--ca", arguments->ca, "Who issued its certificate (PEM), of https");
  ctl->add_option("--limit", arguments->limit, "Most items of a list")->capture_default_str();
  ctl->add_flag("--json", arguments->is_json, "Print JSON as it was answered");
  ctl->require_subcommand(1);
  for (const CtlCommand& command : ctl_commands()) add_one(*ctl, command, arguments, status);
}

}  // namespace mortise::cli
