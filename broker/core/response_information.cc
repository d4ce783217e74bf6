#include "broker/core/response_information.h"

#include "broker/mqtt/topic.h"

namespace mortise::core {

namespace {

std::string_view address_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

std::string_view value_of(char placeholder, const mqtt::Principal& principal) {
  switch (placeholder) {
    case 'c':
      return principal.client_id;
    case 'u':
      return principal.user_name ? std::string_view(*principal.user_name) : std::string_view();
    case 'l':
      return address_of(principal.listener.text());
    case 'n':
      return principal.name_space;
    default:
      return "%";
  }
}

/// Whether the two characters at `at` are a level of their own.
bool fills_level(std::string_view pattern, std::size_t at) {
  return (at == 0 || pattern[at - 1] == '/') && (at + 2 == pattern.size() || pattern[at + 2] == '/');
}

}  // namespace

std::optional<std::string> response_information(std::string_view pattern, const mqtt::Principal& principal) {
  std::string filled;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      filled += pattern[i];
      continue;
    }
    const char name = i + 1 < pattern.size() ? pattern[i + 1] : '%';
    const std::string_view value = value_of(name, principal);
    const bool is_absent = name == 'u' && !principal.user_name;
    const bool begins_as_the_brokers_own = filled.empty() && value.starts_with('$');
    if (is_absent || begins_as_the_brokers_own || (value.empty() && fills_level(pattern, i)) ||
        value.find_first_of("/+#") != std::string_view::npos) {
      return std::nullopt;
    }
    filled += value;
    ++i;
  }
  if (filled.empty() || filled.size() > mqtt::kMaximumStringSize) return std::nullopt;
  return filled;
}

}  // namespace mortise::core
