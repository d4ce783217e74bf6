#include "broker/config/keys.h"

#include "broker/base/bytes.h"
#include "broker/config/nearest.h"
#include "broker/config/units.h"

namespace mortise::config {

namespace {

std::string render_number(const Key& key, std::uint64_t number) {
  if (key.kind == ValueKind::kSize) return render_size(number);
  if (key.kind == ValueKind::kDuration) return render_duration(number);
  return std::to_string(number);
}

}  // namespace

std::vector<std::string> split_choices(const char* choices) {
  std::vector<std::string> words(1);
  for (const char* at = choices; *at != '\0'; ++at) {
    if (*at == '|') {
      words.emplace_back();
    } else {
      words.back() += *at;
    }
  }
  return words;
}

std::string allowed_range(const Key& key) {
  std::string text = render_number(key, key.range.lowest) + " to " + render_number(key, key.range.highest);
  if (key.word.text != nullptr) text += ", or " + std::string(key.word.text);
  return text;
}

std::string allowed_values(const Key& key) {
  switch (key.kind) {
    case ValueKind::kFlag:
      return "allowed: true, false";
    case ValueKind::kCount:
      return "allowed: a whole number, " + allowed_range(key);
    case ValueKind::kSize:
      return "allowed: a size with its unit (B, KiB, MiB, GiB), " + allowed_range(key);
    case ValueKind::kDuration:
      return "allowed: a duration with its unit (ms, s, m, h, d), " + allowed_range(key);
    case ValueKind::kChoice:
      return "allowed: " + joined(split_choices(key.choices));
    case ValueKind::kName:
      return "allowed: a name of 1 to 32 of a-z, 0-9, _ and -";
    case ValueKind::kNames:
      return "allowed: a list of names, each 1 to 32 of a-z, 0-9, _ and -";
    case ValueKind::kTexts:
      return "allowed: a list of texts on one line each";
    case ValueKind::kPaths:
      return "allowed: a path, from here or absolute, or a list of such";
    case ValueKind::kText:
      return "allowed: text on one line";
    case ValueKind::kPath:
      return "allowed: a path, from here or absolute";
    case ValueKind::kAnything:
      return "allowed: a mapping";
    case ValueKind::kNotYet:
      break;
  }
  return "allowed: nothing";
}

std::string render(const Key& key, const Value& value) {
  switch (key.kind) {
    case ValueKind::kFlag:
      return value.number != 0 ? "true" : "false";
    case ValueKind::kCount:
    case ValueKind::kSize:
    case ValueKind::kDuration:
      if (key.word.text != nullptr && value.number == key.word.value) return key.word.text;
      return render_number(key, value.number);
    case ValueKind::kChoice:
      return split_choices(key.choices).at(value.number);
    case ValueKind::kNames:
    case ValueKind::kTexts:
    case ValueKind::kPaths:
      if (value.is_absent) return {};
      return value.names.empty() ? "[]" : "[" + joined(value.names) + "]";
    case ValueKind::kText:
      // Digits alone would be a number.
      return value.text.empty() || value.text.find_first_not_of("0123456789") != std::string::npos
                 ? value.text
                 : "\"" + value.text + "\"";
    case ValueKind::kName:
    case ValueKind::kPath:
    case ValueKind::kAnything:
      return value.text;
    case ValueKind::kNotYet:
      break;
  }
  return {};
}

}  // namespace mortise::config
