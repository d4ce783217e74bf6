#include <nlohmann/json.hpp>
#include <string>

#include "broker/config/keys.h"
#include "broker/config/reference.h"

namespace mortise::config {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNamePattern = "^[a-z0-9_-]{1,32}$";

/// A type that may also be the key's word ("unlimited").
Json or_word(const Key& key, Json schema) {
  if (key.word.text == nullptr) return schema;
  return {{"anyOf", Json::array({std::move(schema), {{"const", key.word.text}}})}};
}

Json schema_of(const Key& key) {
  switch (key.kind) {
    case ValueKind::kFlag:
      return {{"type", "boolean"}};
    case ValueKind::kCount:
      return or_word(key, {{"type", "integer"}, {"minimum", key.range.lowest}, {"maximum", key.range.highest}});
    case ValueKind::kSize:
      return or_word(key, {{"type", "string"}, {"pattern", "^[0-9]+(B|KiB|MiB|GiB)$"}});
    case ValueKind::kDuration:
      return or_word(key, {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}});
    case ValueKind::kChoice:
      return {{"enum", split_choices(key.choices)}};
    case ValueKind::kName:
      return {{"type", "string"}, {"pattern", kNamePattern}};
    case ValueKind::kNames:
      return {{"type", Json::array({"array", "null"})},
              {"items", {{"type", "string"}, {"pattern", kNamePattern}}},
              {"uniqueItems", true}};
    case ValueKind::kTexts:
      return {{"type", Json::array({"array", "null"})},
              {"items", {{"type", "string"}, {"minLength", 1}}},
              {"uniqueItems", true}};
    case ValueKind::kPaths:
      return {{"type", Json::array({"string", "array", "null"})},
              {"minLength", 1},
              {"items", {{"type", "string"}, {"minLength", 1}}},
              {"uniqueItems", true}};
    case ValueKind::kText:
    case ValueKind::kPath:
      return {{"type", "string"}, {"minLength", 1}};
    case ValueKind::kAnything:
      return {{"type", Json::array({"object", "null"})}};
    case ValueKind::kNotYet:
      break;
  }
  return false;
}

Json mapping(const char* doc, bool may_be_empty) {
  Json schema;
  if (doc != nullptr) schema["description"] = doc;
  schema["type"] = may_be_empty ? Json(Json::array({"object", "null"})) : Json("object");
  schema["additionalProperties"] = false;
  schema["properties"] = Json::object();
  return schema;
}

const char* doc_of(const std::string& path) {
  for (const Section& section : sections()) {
    if (path == section.path) return section.doc;
  }
  return nullptr;
}

/// The properties of the group that `path` ends in, groups on the way made where they are not there yet.
Json& group_of(Json& root, const std::string& path, const std::string& prefix) {
  Json* at = &root;
  std::size_t from = 0;
  for (std::size_t end = path.find('.'); end != std::string::npos; end = path.find('.', from)) {
    Json& properties = (*at)["properties"];
    const std::string name = path.substr(from, end - from);
    if (!properties.contains(name)) properties[name] = mapping(doc_of(prefix + path.substr(0, end)), true);
    at = &properties[name];
    from = end + 1;
  }
  return *at;
}

template <class Target>
void add_rows(Json& root, const std::string& prefix, const Target& defaults) {
  for (const Row<Target>& row : rows_of<Target>()) {
    if (row.key.kind == ValueKind::kNotYet) continue;
    const std::string path = row.key.path;
    Json& group = group_of(root, path, prefix);
    const std::string name = path.substr(path.rfind('.') + 1);
    Json schema = {{"description", std::string(row.key.doc) + " " + allowed_values(row.key) + "."}};
    schema.update(schema_of(row.key));
    if (const std::string text = render(row.key, row.get(defaults));
        !row.key.is_required && !text.empty() && text != "[]" && text != "{}")
      schema["x-default"] = text;
    group["properties"][name] = std::move(schema);
    if (row.key.is_required) group["required"].push_back(name);
  }
}

template <class Target>
Json list_of(const char* path, const Target& defaults, bool may_be_empty) {
  Json entry = mapping(nullptr, false);
  add_rows(entry, std::string(path) + "[].", defaults);
  Json list = {{"description", doc_of(path)}};
  if (may_be_empty) {
    list["type"] = Json::array({"array", "null"});
  } else {
    list["type"] = "array";
    list["minItems"] = 1;
  }
  list["items"] = std::move(entry);
  return list;
}

}  // namespace

std::string json_schema() {
  Json root = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
               {"title", "Configuration of the Mortise MQTT broker"}};
  root.update(mapping(nullptr, false));
  add_rows(root, "", Settings{});
  root["properties"][kListenersPath] = list_of(kListenersPath, ListenerSettings{}, false);
  root["properties"][kPluginsPath] = list_of(kPluginsPath, PluginSettings{}, true);
  return root.dump(2) + "\n";
}

}  // namespace mortise::config
