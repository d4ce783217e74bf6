#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

/// JSON Web Tokens in their compact form (RFC 7515, RFC 7519), taken apart; nothing here knows whether one is true.
namespace auth_jwt {

inline constexpr int kMaximumDepth = 8;  // of the JSON in a token

/// The algorithms there are; "none" is not one of them.
enum class Algorithm { kHs256, kRs256, kEs256 };
const char* name_of(Algorithm algorithm);
std::optional<Algorithm> algorithm_of(std::string_view name);

/// What a token says. `signed_part` is borrowed from its text; all else is a copy.
struct TokenView {
  Algorithm algorithm = Algorithm::kHs256;
  std::optional<std::string> key_id;
  std::string_view signed_part;  // header and payload, as they came
  std::string signature;
  std::string payload;  // JSON, not looked at yet: it may be anybody's
};

/// Whether a text could be a token: three parts with dots between them.
bool looks_like_token(std::string_view text);

/// Errors: nothing, and `why` is a literal for the log.
std::optional<TokenView> parse_token(std::string_view text, const char*& why);

/// The claims of a payload whose signature was checked. Errors: as parse_token().
std::optional<nlohmann::json> parse_claims(const TokenView& token, const char*& why);

/// RFC 4648 section 5 without padding, in its one form: unused bits are zero.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace auth_jwt
