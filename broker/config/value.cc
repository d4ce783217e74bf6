#include "broker/config/value.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/config/json.h"
#include "broker/config/nearest.h"
#include "broker/config/scalar.h"
#include "broker/config/units.h"

namespace mortise::config {

namespace {

using ValueResult = Result<Value, Problem>;

Failure<Problem> problem(const YamlNode& node, const std::string& path, const std::string& what) {
  return failure(Problem{node.place, path + ": " + what});
}

Failure<Problem> not_this(const Key& key, const YamlNode& node, const std::string& path) {
  return problem(node, path, describe(node) + " is not allowed; " + allowed_values(key));
}

/// The text of a scalar that YAML does not take for a number, true, false or null.
const std::string* text_of(const YamlNode& node) {
  if (node.kind != YamlKind::kScalar) return nullptr;
  return std::holds_alternative<std::string>(classify(node)) ? &node.text : nullptr;
}

ValueResult read_flag(const Key& key, const YamlNode& node, const std::string& path) {
  const Scalar scalar = classify(node);
  if (node.kind != YamlKind::kScalar || !std::holds_alternative<bool>(scalar)) return not_this(key, node, path);
  return Value{std::get<bool>(scalar) ? std::uint64_t{1} : 0, {}, {}};
}

bool is_word(const Key& key, const YamlNode& node) {
  const std::string* text = text_of(node);
  return key.word.text != nullptr && text != nullptr && *text == key.word.text;
}

ValueResult in_range(const Key& key, const YamlNode& node, const std::string& path, std::uint64_t number) {
  if (number < key.range.lowest || number > key.range.highest)
    return problem(node, path, quoted(node.text, 64) + " is out of range; " + allowed_values(key));
  return Value{number, {}, {}};
}

ValueResult read_count(const Key& key, const YamlNode& node, const std::string& path) {
  if (is_word(key, node)) return Value{key.word.value, {}, {}};
  if (node.kind != YamlKind::kScalar) return not_this(key, node, path);
  if (node.is_quoted)
    return problem(node, path, describe(node) + " is text, because it is in quotes; write the number without them");
  const Scalar scalar = classify(node);
  if (const auto* number = std::get_if<std::int64_t>(&scalar); number != nullptr && *number >= 0)
    return in_range(key, node, path, static_cast<std::uint64_t>(*number));
  return not_this(key, node, path);
}

ValueResult read_with_unit(const Key& key, const YamlNode& node, const std::string& path) {
  if (is_word(key, node)) return Value{key.word.value, {}, {}};
  if (node.kind != YamlKind::kScalar) return not_this(key, node, path);
  const auto number = key.kind == ValueKind::kSize ? parse_size(node.text) : parse_duration(node.text);
  if (!number) return problem(node, path, number.error().message + "; " + allowed_values(key));
  return in_range(key, node, path, *number);
}

ValueResult read_choice(const Key& key, const YamlNode& node, const std::string& path) {
  const std::string* text = text_of(node);
  if (text == nullptr) return not_this(key, node, path);
  const std::vector<std::string> choices = split_choices(key.choices);
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found == choices.end()) return not_this(key, node, path);
  return Value{static_cast<std::uint64_t>(found - choices.begin()), {}, {}};
}

ValueResult read_text(const Key& key, const YamlNode& node, const std::string& path) {
  const std::string* text = text_of(node);
  if (text == nullptr && node.kind == YamlKind::kScalar && !node.text.empty() && key.kind != ValueKind::kName)
    return problem(node, path, describe(node) + " is no text for YAML; put it in quotes");
  if (text == nullptr || text->empty() || (key.kind == ValueKind::kName && !is_name(*text)))
    return not_this(key, node, path);
  if (text->find('\0') != std::string::npos || text->find('\n') != std::string::npos) return not_this(key, node, path);
  return Value{0, *text, {}};
}

/// One item of a list of names or texts.
bool is_item(const Key& key, std::string_view text) noexcept {
  if (key.kind == ValueKind::kNames) return is_name(text);
  return !text.empty() && text.find_first_of(std::string_view("\0\n", 2)) == std::string_view::npos;
}

ValueResult read_list(const Key& key, const YamlNode& node, const std::string& path) {
  Value value;
  value.is_absent = node.kind == YamlKind::kNull;
  if (value.is_absent) return value;
  if (node.kind != YamlKind::kSequence) return not_this(key, node, path);
  std::set<std::string> seen;
  for (const YamlNodePtr& item : node.items) {
    const std::string item_path = path + "[" + std::to_string(value.names.size()) + "]";
    const std::string* text = text_of(*item);
    if (text == nullptr || !is_item(key, *text)) return not_this(key, *item, item_path);
    if (!seen.insert(*text).second) return problem(*item, item_path, *text + " is in this list twice; keep one");
    value.names.push_back(*text);
  }
  return value;
}

/// A list of one, written without brackets.
ValueResult read_one(const Key& key, const YamlNode& node, const std::string& path) {
  ValueResult text = read_text(key, node, path);
  if (text) text->names.push_back(std::exchange(text->text, {}));
  return text;
}

ValueResult read_anything(const Key& key, const YamlNode& node, const std::string& path) {
  if (node.kind == YamlKind::kNull) return Value{0, "{}", {}};
  if (node.kind != YamlKind::kMap) return not_this(key, node, path);
  auto json = to_json_text(node, path);
  if (!json) return std::move(json).as_failure();
  return Value{0, std::move(*json), {}};
}

}  // namespace

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<Value, Problem> read_value(const Key& key, const YamlNode& node, const std::string& path) {
  switch (key.kind) {
    case ValueKind::kFlag:
      return read_flag(key, node, path);
    case ValueKind::kCount:
      return read_count(key, node, path);
    case ValueKind::kSize:
    case ValueKind::kDuration:
      return read_with_unit(key, node, path);
    case ValueKind::kChoice:
      return read_choice(key, node, path);
    case ValueKind::kName:
    case ValueKind::kText:
    case ValueKind::kPath:
      return read_text(key, node, path);
    case ValueKind::kNames:
    case ValueKind::kTexts:
      return read_list(key, node, path);
    case ValueKind::kPaths:
      if (node.kind != YamlKind::kScalar) return read_list(key, node, path);
      return read_one(key, node, path);
    case ValueKind::kAnything:
      return read_anything(key, node, path);
    case ValueKind::kNotYet:
      break;
  }
  return problem(node, path, key.doc);
}

}  // namespace mortise::config
