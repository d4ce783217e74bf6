#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "broker/config/json.h"
#include "broker/config/keys.h"
#include "broker/config/reader.h"
#include "broker/config/reference.h"

namespace mortise::config {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "boolean") return value.is_boolean();
  return type == "null" && value.is_null();
}

bool fits_type(const Json& schema, const Json& value) {
  if (!schema.contains("type")) return true;
  const Json& types = schema["type"];
  if (types.is_string()) return has_type(value, types);
  return std::any_of(types.begin(), types.end(), [&](const Json& type) { return has_type(value, type); });
}

bool is_valid(const Json& schema, const Json& value);

bool are_properties_valid(const Json& schema, const Json& value) {
  for (const auto& [name, member] : value.items()) {
    if (!schema["properties"].contains(name)) return schema.value("additionalProperties", true);
    if (!is_valid(schema["properties"][name], member)) return false;
  }
  const Json required = schema.value("required", Json::array());
  return std::all_of(required.begin(), required.end(),
                     [&](const Json& name) { return value.contains(name.get<std::string>()); });
}

/// As much of JSON Schema as ours uses; a keyword that it does not know ends the test.
bool is_valid(const Json& schema, const Json& value) {
  for (const auto& [keyword, argument] : schema.items()) {
    static const std::vector<std::string> kKnown = {
        "$schema",  "title", "description", "type",        "properties", "additionalProperties",
        "required", "items", "anyOf",       "minimum",     "maximum",    "pattern",
        "enum",     "const", "minItems",    "uniqueItems", "minLength",  "x-default"};
    EXPECT_THAT(kKnown, testing::Contains(keyword));
  }
  if (!fits_type(schema, value)) return false;
  if (schema.contains("const") && schema["const"] != value) return false;
  if (schema.contains("enum") && std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return false;
  if (schema.contains("minimum") && value.is_number() && (value < schema["minimum"] || value > schema["maximum"]))
    return false;
  if (schema.contains("pattern") && value.is_string() &&
      !std::regex_search(value.get<std::string>(), std::regex(schema["pattern"].get<std::string>())))
    return false;
  if (schema.contains("minLength") && value.is_string() && value.get<std::string>().empty()) return false;
  if (schema.contains("minItems") && value.is_array() && value.empty()) return false;
  if (schema.contains("uniqueItems") && value.is_array() &&
      std::set<Json>(value.begin(), value.end()).size() != value.size())
    return false;
  if (schema.contains("anyOf") && std::none_of(schema["anyOf"].begin(), schema["anyOf"].end(),
                                               [&](const Json& one) { return is_valid(one, value); }))
    return false;
  if (schema.contains("items") && value.is_array() &&
      !std::all_of(value.begin(), value.end(), [&](const Json& item) { return is_valid(schema["items"], item); }))
    return false;
  return !schema.contains("properties") || !value.is_object() || are_properties_valid(schema, value);
}

/// What the schema and the reader say of one text must agree, but for what a schema cannot say: the range of what has a
/// unit.
void expect_agreement(const std::string& yaml) {
  static const Json schema = Json::parse(json_schema());
  const auto document = parse_document(yaml);
  ASSERT_TRUE(document) << yaml;
  const auto reading = read_document(**document);
  const std::string error = reading ? "" : reading.error().text;
  if (error.find("iB\" is out of range") != std::string::npos) return;
  const auto json = to_json_text(**document, "file");
  ASSERT_TRUE(json) << yaml;
  EXPECT_EQ(is_valid(schema, Json::parse(*json)), reading.ok()) << yaml << error;
}

/// "a.b.c" and "5" as "a:\n  b:\n    c: 5".
std::string nested(std::string path, const std::string& value, std::string indent) {
  std::string text;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
    text += indent + path.substr(0, dot) + ":\n";
    path.erase(0, dot + 1);
    indent += "  ";
  }
  return text + indent + path + ": " + value + "\n";
}

constexpr const char* kValues[] = {
    "5",          "0",         "-1",    "70000",    "1.5",         "text",   "\"5\"",     "\"\"",
    "Not-A-Name", "~",         "true",  "\"true\"", "10s",         "\"1s\"", "1MiB",      "1MB",
    "auto",       "unlimited", "[a]",   "[a, a]",   "[]",          "[5]",    "{a: 1}",    "{}",
    "deny",       "inline",    "debug", "commit",   "drop_oldest", "reject", "same_user", "reject_connection",
    "stop_acks",  "ignore"};

TEST(JsonSchema, AgreesWithTheReaderOnEveryKeyAndKindOfValue) {
  for (const char* value : kValues) {
    for (const auto& row : rows_of<Settings>()) expect_agreement(nested(row.key.path, value, ""));
    for (const auto& row : rows_of<ListenerSettings>()) {
      const std::string path = row.key.path;
      expect_agreement("listeners:\n  -\n" + (path == "url" ? "" : nested("url", "tcp://127.0.0.1", "    ")) +
                       nested(path, value, "    "));
    }
    for (const auto& row : rows_of<PluginSettings>()) {
      const std::string path = row.key.path;
      expect_agreement("plugins:\n  -\n" + (path == "name" ? "" : nested("name", "a", "    ")) +
                       (path == "library" ? "" : nested("library", "a.so", "    ")) + nested(path, value, "    "));
    }
  }
}

TEST(JsonSchema, AgreesOnSectionsListsAndUnknownKeys) {
  for (const char* value : kValues) {
    for (const char* section :
         {"node", "mqtt", "session", "session.queue", "hooks", "plugins", "unknown", "mqtt.unknown"})
      expect_agreement(nested(section, value, ""));
    expect_agreement(std::string("listeners:\n  - ") + value + "\n");
    expect_agreement(std::string("plugins: [{name: a, library: b.so, on_failure: ") + value + "}]\n");
  }
  expect_agreement("{}");
  expect_agreement("plugins: [{name: a}]");
  expect_agreement("listeners: [{backlog: 5}]");
}

TEST(JsonSchema, HasADescriptionForEveryKeyThatIsThere) {
  const Json schema = Json::parse(json_schema());
  for (const auto& row : rows_of<Settings>()) {
    const Json* at = &schema;
    std::string path = row.key.path;
    bool is_there = true;
    while (is_there) {
      const std::string name = path.substr(0, path.find('.'));
      is_there = (*at)["properties"].contains(name);
      if (!is_there) break;
      at = &(*at)["properties"][name];
      if (path.find('.') == std::string::npos) break;
      path.erase(0, path.find('.') + 1);
    }
    EXPECT_EQ(is_there, row.key.kind != ValueKind::kNotYet) << row.key.path;
    if (!is_there) continue;
    EXPECT_THAT((*at)["description"].get<std::string>(), testing::StartsWith(row.key.doc));
  }
}

}  // namespace
}  // namespace mortise::config
