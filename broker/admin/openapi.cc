#include "broker/admin/openapi.h"

#include "broker/admin/metrics.h"
#include "broker/admin/routes.h"

namespace mortise::admin {

namespace {

constexpr const char* kErrorWords[] = {"what is wrong with the request", "the token is missing or wrong",
                                       "there is no such thing", "it cannot be done as things are",
                                       "the broker cannot answer now; ask again later"};

const char* words_of(unsigned status) {
  switch (status) {
    case 400:
      return kErrorWords[0];
    case 401:
      return kErrorWords[1];
    case 404:
      return kErrorWords[2];
    case 409:
      return kErrorWords[3];
    default:
      return kErrorWords[4];
  }
}

Json type_of(ParameterType type) {
  switch (type) {
    case ParameterType::kNumber:
      return {{"type", "integer"}, {"minimum", 0}};
    case ParameterType::kFlag:
      return {{"type", "boolean"}};
    case ParameterType::kText:
      break;
  }
  return {{"type", "string"}};
}

Json reference(const char* schema) { return {{"$ref", std::string("#/components/schemas/") + schema}}; }

Json content(const char* schema) { return {{"application/json", {{"schema", reference(schema)}}}}; }

Json parameters_of(const Route& route) {
  Json parameters = Json::array();
  const std::string_view path = route.path;
  for (std::size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    const std::string_view name = path.substr(open + 1, path.find('}', open) - open - 1);
    parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const Parameter& parameter : route.parameters) {
    parameters.push_back({{"name", parameter.name},
                          {"in", "query"},
                          {"description", parameter.doc},
                          {"schema", type_of(parameter.type)}});
  }
  return parameters;
}

Json operation(const Route& route) {
  Json made = {{"summary", route.summary}, {"parameters", parameters_of(route)}};
  if (!route.needs_token) made["security"] = Json::array();
  if (route.request_schema != nullptr)
    made["requestBody"] = {{"required", true}, {"content", content(route.request_schema)}};
  const Json text = {{"text/plain", {{"schema", {{"type", "string"}}}}}};
  Json responses = {{std::to_string(route.success),
                     {{"description", "done"},
                      {"content", route.response_schema == nullptr ? text : content(route.response_schema)}}}};
  for (const unsigned status : route.errors)
    responses[std::to_string(status)] = {{"description", words_of(status)}, {"content", content("Error")}};
  made["responses"] = std::move(responses);
  return made;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return made;
}

}  // namespace

Json openapi() {
  Json paths = Json::object();
  for (const Route& route : all_routes()) paths[route.path][lower(route.method)] = operation(route);
  return {{"openapi", "3.0.3"},
          {"info",
           {{"title", "Mortise"},
            {"version", MORTISE_VERSION},
            {"description",
             "What operators ask of a Mortise broker. Paths are percent-encoded, slashes in client ids and "
             "topics as %2F. Lists come in pages: go on with what `next` says until it is null."}}},
          {"security", {{{"token", Json::array()}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}, {"schemas", schemas()}}}};
}

}  // namespace mortise::admin
