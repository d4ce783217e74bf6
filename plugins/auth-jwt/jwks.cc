/// JWK Sets (RFC 7517).

#include <mortise/strict_json.hpp>
#include <mortise/text.hpp>

#include "keys.h"

namespace auth_jwt {

namespace {

using nlohmann::json;

/// A member that is text; null when there is none.
const std::string* text_member(const json& key, const char* name) {
  const auto found = key.find(name);
  return found != key.end() && found->is_string() ? &found->get_ref<const std::string&>() : nullptr;
}

std::optional<std::string> bytes_member(const json& key, const char* name) {
  const std::string* const text = text_member(key, name);
  return text != nullptr ? from_base64url(*text) : std::nullopt;
}

/// The algorithm a key of this type would be for; nothing when it is of no use here.
std::optional<Algorithm> algorithm_for(const json& key) {
  const std::string* const type = text_member(key, "kty");
  if (type == nullptr) return std::nullopt;
  if (*type == "oct") return Algorithm::kHs256;
  if (*type == "RSA") return Algorithm::kRs256;
  const std::string* const curve = text_member(key, "crv");
  return *type == "EC" && curve != nullptr && *curve == "P-256" ? std::optional(Algorithm::kEs256) : std::nullopt;
}

/// A set may hold keys for others: encryption, other algorithms, other curves.
bool is_for_us(const json& key) {
  const auto algorithm = algorithm_for(key);
  if (!algorithm) return false;
  const std::string* const use = text_member(key, "use");
  if (use != nullptr && *use != "sig") return false;
  const std::string* const named = text_member(key, "alg");
  return named == nullptr || *named == name_of(*algorithm);
}

std::optional<Key> read_key(const json& key, std::string& error) {
  const auto first = [&](const char* name) { return bytes_member(key, name).value_or(std::string()); };
  std::optional<Key> read;
  switch (*algorithm_for(key)) {
    case Algorithm::kHs256: {
      std::string secret = first("k");
      read = Key::from_secret(secret, error);
      explicit_bzero(secret.data(), secret.size());
      break;
    }
    case Algorithm::kRs256:
      read = Key::from_rsa(first("n"), first("e"), error);
      break;
    case Algorithm::kEs256:
      read = Key::from_p256(first("x"), first("y"), error);
      break;
  }
  if (!read) return std::nullopt;
  if (const auto key_id = key.find("kid"); key_id != key.end()) {
    if (!key_id->is_string()) return error = "has a kid that is no text", std::nullopt;
    read->set_key_id(key_id->get<std::string>());
  }
  return read;
}

}  // namespace

std::shared_ptr<const KeySet> KeySet::parse_jwks(std::string_view text, std::string& error, std::size_t& left_out) {
  left_out = 0;
  const char* why = "";
  const auto document = mortise::parse_strictly(text, kMaximumDepth, why);
  if (!document) return error = std::string("is no JWK Set: ") + why, nullptr;
  const auto keys = document->find("keys");  // the end of what is no object
  if (keys == document->end() || !keys->is_array())
    return error = "is no JWK Set: it is an object with a list named keys", nullptr;
  if (keys->size() > kMaximumKeys) return error = "has more than 64 keys", nullptr;
  auto set = std::make_shared<KeySet>();
  for (std::size_t i = 0; i < keys->size(); ++i) {
    const json& one = (*keys)[i];
    std::string what;
    if (!one.is_object()) return error = "keys[" + std::to_string(i) + "] is no object", nullptr;
    if (!is_for_us(one)) {
      ++left_out;
      continue;
    }
    auto key = read_key(one, what);
    if (!key) return error = "keys[" + std::to_string(i) + "] " + what, nullptr;
    set->add(std::move(*key));
  }
  if (set->size() == 0) return error = "has no key for HS256, RS256 or ES256", nullptr;
  return set;
}

}  // namespace auth_jwt
