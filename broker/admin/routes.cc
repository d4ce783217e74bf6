#include "broker/admin/routes.h"

#include <algorithm>
#include <charconv>

#include "broker/base/bytes.h"
#include "broker/config/nearest.h"

namespace mortise::admin {

namespace {

/// The segments of a route's path, names in braces included.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (path.remove_prefix(1); !path.empty();) {
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

bool is_place(std::string_view segment) { return segment.starts_with('{'); }

bool matches(const Route& route, const std::vector<std::string>& path, std::map<std::string, std::string>& values) {
  const std::vector<std::string_view> segments = segments_of(route.path);
  if (segments.size() != path.size()) return false;
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_place(segments[i])) {
      found.emplace(segments[i].substr(1, segments[i].size() - 2), path[i]);
    } else if (segments[i] != path[i]) {
      return false;
    }
  }
  values = std::move(found);
  return true;
}

bool is_well_formed(ParameterType type, const std::string& value) {
  if (type == ParameterType::kFlag) return value == "true" || value == "false";
  if (type != ParameterType::kNumber) return true;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc{} && end == value.data() + value.size();
}

/// What is wrong with the query; empty: nothing.
std::string wrong_with_query(const Route& route, const Request& request) {
  for (const auto& given : request.query) {
    const std::string& name = given.first;
    const std::string& value = given.second;
    const auto known =
        std::ranges::find_if(route.parameters, [&](const Parameter& parameter) { return name == parameter.name; });
    if (known == route.parameters.end()) {
      std::vector<std::string> allowed;
      for (const Parameter& parameter : route.parameters) allowed.emplace_back(parameter.name);
      return "there is no parameter " + quoted(name, 64) + "; allowed: " + config::joined(allowed);
    }
    if (!is_well_formed(known->type, value))
      return "the parameter " + name + " is " + quoted(value, 64) +
             "; allowed: " + (known->type == ParameterType::kFlag ? "true, false" : "a whole number");
  }
  return {};
}

std::string described(const Request& request) {
  std::string path;
  for (const std::string& segment : request.path) path += "/" + segment;
  return quoted(path.empty() ? "/" : path, 128);
}

}  // namespace

const std::vector<Route>& all_routes() {
  static const std::vector<Route> kAll = [] {
    std::vector<Route> routes;
    for (const auto part : {client_routes(), topic_routes(), node_routes()})
      routes.insert(routes.end(), part.begin(), part.end());
    return routes;
  }();
  return kAll;
}

Response unavailable(const Error& error) { return error_response(503, error.message); }

Response answer(const Request& request, BrokerAccess& broker) {
  std::string methods;
  for (const Route& route : all_routes()) {
    std::map<std::string, std::string> values;
    if (!matches(route, request.path, values)) continue;
    if (request.method != route.method) {
      methods += (methods.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    if (const std::string wrong = wrong_with_query(route, request); !wrong.empty()) return error_response(400, wrong);
    if (route.request_schema == nullptr && !request.body.empty())
      return error_response(400, "this request takes no body; remove it");
    return route.answer({request, values, broker});
  }
  if (methods.empty())
    return error_response(404,
                          "there is nothing at " + described(request) + "; /api/v1/openapi.json says what there is");
  Response response =
      error_response(405, request.method + " is not for " + described(request) + "; allowed: " + methods);
  response.allowed_methods = methods;
  return response;
}

bool is_open_path(std::string_view path, bool has_open_metrics) {
  if (path == "/metrics") return has_open_metrics;
  return std::ranges::any_of(all_routes(),
                             [&](const Route& route) { return !route.needs_token && path == route.path; });
}

}  // namespace mortise::admin
