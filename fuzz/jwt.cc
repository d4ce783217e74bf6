// Tokens, arbitrary and almost right: nothing is read outside of them, what is taken apart has the one form there is,
// only what the key signed is accepted, and what is granted stands by the rules. Layout: how the token is made, what is
// done to it, then header and payload with 0xFF between them, or a JWK Set.
#include <mbedtls/md.h>

#include <cstdint>
#include <cstdlib>
#include <mortise/topics.hpp>

#include "fuzz/input.h"
#include "plugins/auth-jwt/claims.h"
#include "plugins/auth-jwt/keys.h"

namespace auth_jwt {
namespace {

using mortise::fuzz::InputView;

constexpr std::int64_t kNow = 1'700'000'000;
const std::string kSecret(32, 'k');

void must(bool holds) {
  if (!holds) std::abort();
}

const KeySet& keys() {
  static const KeySet made = [] {
    KeySet one;
    std::string error;
    auto key = Key::from_secret(kSecret, error);
    must(key.has_value());
    one.add(*std::move(key));
    return one;
  }();
  return made;
}

const ClaimRules& rules() {
  static const ClaimRules made = [] {
    ClaimRules one;
    one.needs_expiry = false;
    one.user_name = ClaimPath("sub");
    one.name_space = ClaimPath("/acl/ns");
    one.publish = ClaimPath("/acl/pub");
    one.subscribe = ClaimPath("s");
    return one;
  }();
  return made;
}

std::string base64url(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    const std::size_t digits = std::min<std::size_t>(bytes.size() - i, 3) + 1;
    for (std::size_t j = 0; j < digits; ++j) text += kDigits[group >> (18 - 6 * j) & 63];
  }
  return text;
}

std::string sign(const std::string& text) {
  unsigned char signature[32];
  must(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                       reinterpret_cast<const unsigned char*>(kSecret.data()), kSecret.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), signature) == 0);
  return {reinterpret_cast<const char*>(signature), sizeof signature};
}

/// Filters of a note are ones that can be asked about, and are found again.
void check_note(const std::string& note) {
  std::size_t found = 0;
  for (const bool to_publish : {true, false}) {
    mortise::detail::for_each_grant(note, to_publish, [&found](std::string_view pattern) {
      must(mortise::problem_of_pattern(pattern) == nullptr);
      found += pattern.size() + 2;
      return true;
    });
  }
  must(found == note.size());
}

void check_granted(const Granted& granted) {
  must(granted.user_name && !granted.user_name->empty() && granted.user_name->find('\0') == std::string::npos);
  must(granted.name_space && !granted.name_space->empty());
  must(!granted.until_s || *granted.until_s > kNow);
  must(granted.note.has_value());
  check_note(*granted.note);
}

void check_token(std::string_view text, bool is_signed) {
  const char* why = "";
  const auto token = parse_token(text, why);
  if (!token) return must(*why != '\0');
  // There is one way to write each.
  must(text == std::string(token->signed_part) + "." + base64url(token->signature));
  const bool is_right = keys().verify(*token, why);
  must(!is_right ||
       (token->algorithm == Algorithm::kHs256 && token->signature == sign(std::string(token->signed_part))));
  if (is_signed && token->algorithm == Algorithm::kHs256) must(is_right);
  const auto claims = parse_claims(*token, why);
  if (!claims) return must(*why != '\0');
  std::string reason;
  const auto granted = judge(*claims, rules(), {"client", "user"}, kNow, reason);
  if (granted) return check_granted(*granted);
  must(!reason.empty() && reason.find('\n') == std::string::npos);
}

void check_set(std::string_view text) {
  std::string error;
  std::size_t left_out = 0;
  const auto set = KeySet::parse_jwks(text, error, left_out);
  must(set ? set->size() > 0 && set->size() <= kMaximumKeys : !error.empty() && error.find('\n') == std::string::npos);
}

}  // namespace

void run_input(const std::uint8_t* bytes, std::size_t size) {
  InputView in(bytes, size);
  const std::uint8_t how = in.byte() % 4;
  if (how == 0) return check_set(in.text(size));
  if (how == 1) return check_token(in.text(size), false);
  const std::uint8_t at = in.byte();
  const std::uint8_t with = in.byte();
  const std::string rest(in.text(size));
  const std::size_t end = std::min(rest.find('\xFF'), rest.size());
  std::string text = base64url(rest.substr(0, end)) + "." + base64url(rest.substr(std::min(end + 1, rest.size())));
  text += "." + base64url(sign(text));
  const bool is_changed = how == 3 && text[at % text.size()] != static_cast<char>(with);
  if (is_changed) text[at % text.size()] = static_cast<char>(with);
  check_token(text, !is_changed);
}

}  // namespace auth_jwt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  auth_jwt::run_input(bytes, size);
  return 0;
}
