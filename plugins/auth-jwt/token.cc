#include "token.h"

#include <algorithm>
#include <array>
#include <mortise/strict_json.hpp>

namespace auth_jwt {

namespace {

constexpr std::array<const char*, 3> kNames = {"HS256", "RS256", "ES256"};

std::nullopt_t fail(const char*& why, const char* text) {
  why = text;
  return std::nullopt;
}

int value_of(char digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  if (digit == '-') return 62;
  return digit == '_' ? 63 : -1;
}

/// The header's members that matter. RFC 7515 section 4.1: what is not known is ignored, `crit` must be understood.
bool read_header(const nlohmann::json& header, TokenView& token, const char*& why) {
  const auto algorithm = header.find("alg");
  if (algorithm == header.end() || !algorithm->is_string()) return why = "its header has no alg", false;
  const auto known = algorithm_of(algorithm->get_ref<const std::string&>());
  if (!known) return why = "its alg is none that is known", false;
  token.algorithm = *known;
  if (header.contains("crit")) return why = "its header demands extensions (crit)", false;
  const auto key_id = header.find("kid");
  if (key_id == header.end()) return true;
  if (!key_id->is_string()) return why = "its kid is no text", false;
  token.key_id = key_id->get<std::string>();
  return true;
}

}  // namespace

const char* name_of(Algorithm algorithm) { return kNames[static_cast<std::size_t>(algorithm)]; }

std::optional<Algorithm> algorithm_of(std::string_view name) {
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Algorithm>(at - kNames.begin());
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  unsigned gathered = 0;
  unsigned bits = 0;
  for (const char digit : text) {
    const int value = value_of(digit);
    if (value < 0) return std::nullopt;
    gathered = (gathered << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(gathered >> bits & 0xFF);
  }
  if ((gathered & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

bool looks_like_token(std::string_view text) { return std::count(text.begin(), text.end(), '.') == 2; }

std::optional<TokenView> parse_token(std::string_view text, const char*& why) {
  if (!looks_like_token(text)) return fail(why, "it is no token: it has not three parts");
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', first + 1);
  TokenView token;
  token.signed_part = text.substr(0, second);
  const auto header = from_base64url(text.substr(0, first));
  auto payload = from_base64url(text.substr(first + 1, second - first - 1));
  auto signature = from_base64url(text.substr(second + 1));
  if (!header || !payload || !signature) return fail(why, "a part of it is not base64url");
  const auto members = mortise::parse_strictly(*header, kMaximumDepth, why);
  if (!members || !members->is_object()) return fail(why, "its header is no JSON object");
  if (!read_header(*members, token, why)) return std::nullopt;
  token.payload = std::move(*payload);
  token.signature = std::move(*signature);
  return token;
}

std::optional<nlohmann::json> parse_claims(const TokenView& token, const char*& why) {
  auto claims = mortise::parse_strictly(token.payload, kMaximumDepth, why);
  if (claims && !claims->is_object()) return fail(why, "its payload is no JSON object");
  return claims;
}

}  // namespace auth_jwt
