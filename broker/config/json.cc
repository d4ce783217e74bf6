#include "broker/config/json.h"

#include <nlohmann/json.hpp>

#include "broker/base/bytes.h"
#include "broker/config/scalar.h"

namespace mortise::config {

namespace {

using Json = nlohmann::ordered_json;

Result<Json, Problem> convert(const YamlNode& node, const std::string& path);

Result<Json, Problem> convert_scalar(const YamlNode& node, const std::string& path) {
  return std::visit(
      [&](const auto& value) -> Result<Json, Problem> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return Json(nullptr);
        } else if constexpr (std::is_same_v<T, HugeNumber> || std::is_same_v<T, NotFinite>) {
          return failure(
              Problem{node.place, path + ": " + quoted(node.text, 64) +
                                      " is a number that JSON cannot hold; put it in quotes if it is meant as text"});
        } else {
          return Json(value);
        }
      },
      classify(node));
}

Result<Json, Problem> convert_sequence(const YamlNode& node, const std::string& path) {
  Json list = Json::array();
  for (const YamlNodePtr& item : node.items) {
    auto converted = convert(*item, path + "[" + std::to_string(list.size()) + "]");
    if (!converted) return converted;
    list.push_back(std::move(*converted));
  }
  return list;
}

Result<Json, Problem> convert_map(const YamlNode& node, const std::string& path) {
  Json object = Json::object();
  // Not operator[]: it looks through all keys first, and a key is never there twice.
  auto& members = object.get_ref<Json::object_t&>();
  for (const YamlEntry& entry : node.entries) {
    auto converted = convert(*entry.value, path + "." + shown_key(entry.key));
    if (!converted) return converted;
    members.emplace_back(entry.key, std::move(*converted));
  }
  return object;
}

// Recursion is bounded: parse_document refuses what is deeper than kMaximumDepth or larger than kMaximumExpandedSize,
// aliases written out.
Result<Json, Problem> convert(const YamlNode& node, const std::string& path) {
  if (node.kind == YamlKind::kSequence) return convert_sequence(node, path);
  if (node.kind == YamlKind::kMap) return convert_map(node, path);
  return convert_scalar(node, path);
}

}  // namespace

Result<std::string, Problem> to_json_text(const YamlNode& node, const std::string& path) {
  auto json = convert(node, path);
  if (!json) return std::move(json).as_failure();
  // The document was checked to be UTF-8; `replace` only says what happens to escapes such as "\uD800" that YAML lets
  // through.
  return json->dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mortise::config
