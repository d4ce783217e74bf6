#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/admin/broker_access.h"
#include "broker/admin/request.h"
#include "broker/base/static_list.h"

namespace mortise::admin {

inline constexpr const char* kApiPrefix = "/api/v1";

/// A request on its way to what answers it.
struct Call {
  const Request& request;
  const std::map<std::string, std::string>& path;  // what stands in the place of {client_id} and the like
  BrokerAccess& broker;

  const std::string& in_path(const char* name) const { return path.at(name); }
  /// The empty text when it is not there.
  std::string in_query(const char* name) const { return if_given(name).value_or(""); }
  std::optional<std::string> if_given(const char* name) const {
    const auto at = request.query.find(name);
    return at == request.query.end() ? std::nullopt : std::optional(at->second);
  }
};

/// What a parameter may be, as OpenAPI calls it.
enum class ParameterType : std::uint8_t { kText, kNumber, kFlag };

/// One that stands behind the question mark.
struct Parameter {
  const char* name;
  ParameterType type;
  const char* doc;
};

/// What most routes may answer besides: of lists, and of one thing that may not be there.
inline constexpr unsigned kListErrors[] = {400, 401, 503};
inline constexpr unsigned kOneErrors[] = {400, 401, 404, 503};

/// What one method of one path does: the row drives dispatch, the checks of its parameters, and the OpenAPI
/// description.
struct Route {
  const char* method;
  const char* path;  // "/api/v1/clients/{client_id}"
  const char* summary;
  Response (*answer)(const Call& call);
  StaticList<Parameter> parameters;
  const char* request_schema;   // of its body; null: it has none
  const char* response_schema;  // of what it answers with 200 (202 for publish); null: text
  StaticList<unsigned> errors;
  unsigned success = 200;
  bool needs_token = true;
};

/// All of them, by concept.
StaticList<Route> client_routes();
StaticList<Route> topic_routes();
StaticList<Route> node_routes();
const std::vector<Route>& all_routes();

/// The broker could not say: asking again later may help.
Response unavailable(const Error& error);

/// How many items the request wants in a page. Errors: what is wrong with its limit.
Result<std::size_t> page_size(const Call& call);

/// Answers a request, whatever is in it: errors say which place is wrong and what is allowed.
Response answer(const Request& request, BrokerAccess& broker);

/// Whether a path may be asked for without the token.
bool is_open_path(std::string_view path, bool has_open_metrics);

}  // namespace mortise::admin
