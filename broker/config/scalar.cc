#include "broker/config/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "broker/base/bytes.h"

namespace mortise::config {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool all_digits(std::string_view text, int base) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [base](char c) {
    if (base == 16) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return c >= '0' && c < '0' + base;
  });
}

Scalar whole_number(std::string_view digits, int base, bool is_negative) {
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return HugeNumber{};
  constexpr std::uint64_t kSigned = std::uint64_t{1} << 63;
  if (!is_negative && magnitude < kSigned) return static_cast<std::int64_t>(magnitude);
  if (!is_negative) return magnitude;
  if (magnitude > kSigned) return HugeNumber{};
  return static_cast<std::int64_t>(~magnitude + 1);
}

/// [0-9]*(\.[0-9]*)?([eE][-+]?[0-9]+)? with at least one digit before the exponent.
bool is_float(std::string_view text) {
  std::size_t at = 0;
  std::size_t digits = 0;
  const auto skip_digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  digits += skip_digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits += skip_digits();
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (skip_digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<Scalar> number(const std::string& text) {
  std::string_view rest = text;
  const bool is_signed = !rest.empty() && (rest.front() == '-' || rest.front() == '+');
  const bool is_negative = is_signed && rest.front() == '-';
  if (is_signed) rest.remove_prefix(1);
  if (all_digits(rest, 10)) return whole_number(rest, 10, is_negative);
  if (!is_signed && rest.starts_with("0o") && all_digits(rest.substr(2), 8))
    return whole_number(rest.substr(2), 8, false);
  if (!is_signed && rest.starts_with("0x") && all_digits(rest.substr(2), 16))
    return whole_number(rest.substr(2), 16, false);
  if (is_one_of(rest, {".inf", ".Inf", ".INF"})) return NotFinite{};
  if (!is_signed && is_one_of(rest, {".nan", ".NaN", ".NAN"})) return NotFinite{};
  if (!is_float(rest)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error == std::errc::result_out_of_range) return HugeNumber{};
  if (error != std::errc{} || end != rest.data() + rest.size() || !std::isfinite(value)) return NotFinite{};
  return is_negative ? -value : value;
}

}  // namespace

Scalar classify(const YamlNode& node) {
  if (node.kind == YamlKind::kNull) return std::monostate{};
  if (node.is_quoted) return node.text;
  if (is_one_of(node.text, {"", "~", "null", "Null", "NULL"})) return std::monostate{};
  if (is_one_of(node.text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(node.text, {"false", "False", "FALSE"})) return false;
  if (auto value = number(node.text)) return *value;
  return node.text;
}

std::string describe(const YamlNode& node) {
  if (node.kind == YamlKind::kSequence) return "a list";
  if (node.kind == YamlKind::kMap) return "a mapping";
  const Scalar scalar = classify(node);
  if (std::holds_alternative<std::monostate>(scalar)) return "nothing";
  if (std::holds_alternative<std::string>(scalar)) return quoted(node.text, 64);
  return quoted(node.text, 64) + (std::holds_alternative<bool>(scalar) ? " (true or false)" : " (a number)");
}

std::string shown_key(std::string_view key) {
  const bool is_word = !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return is_word ? std::string(key) : quoted(key, 64);
}

}  // namespace mortise::config
