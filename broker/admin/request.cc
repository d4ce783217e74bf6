#include "broker/admin/request.h"

#include <nlohmann/json.hpp>

#include "broker/base/bytes.h"

namespace mortise::admin {

namespace {

constexpr std::size_t kMostSegments = 16;

/// The value of a hexadecimal digit; nothing for another character.
std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? digit(text[i + 1]) : std::nullopt;
    const auto low = high ? digit(text[i + 2]) : std::nullopt;
    if (!low) return std::nullopt;
    decoded += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return decoded;
}

Result<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return failure("the path " + quoted(path, 64) + " does not begin with a slash");
  path.remove_prefix(1);
  while (!path.empty()) {
    if (segments.size() == kMostSegments) return failure("the path has more than 16 segments");
    const std::size_t end = std::min(path.find('/'), path.size());
    auto segment = percent_decoded(path.substr(0, end));
    if (!segment)
      return failure("the path has a % that two hexadecimal digits do not follow; write %25 for a percent sign");
    segments.push_back(std::move(*segment));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

Response error_response(unsigned status, std::string_view message) {
  const nlohmann::ordered_json body = {{"error", {{"status", status}, {"message", message}}}};
  return {status, "application/json", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", ""};
}

}  // namespace mortise::admin
