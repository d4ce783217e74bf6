#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// Who signs tokens: keys made for the test, and signatures as RFC 7515 and RFC 7518 want them. For tests.
namespace auth_jwt::testing {

std::string base64url(std::string_view bytes);
/// The three parts of a token, not signed yet: header and payload.
std::string unsigned_token(const std::string& header, const std::string& payload);

class Issuer {
 public:
  virtual ~Issuer() = default;
  virtual const char* algorithm() const = 0;
  /// The signature over a text, as bytes.
  virtual std::string sign(std::string_view text) const = 0;
  /// As it stands in a JWK Set.
  virtual nlohmann::json jwk() const = 0;
  /// In PEM; empty where there is no public key.
  virtual std::string pem() const { return {}; }

  /// A token with this payload; `header` is added to {"alg": ...}.
  std::string token(const nlohmann::json& payload, nlohmann::json header = nlohmann::json::object()) const;
  /// The same for text that need not be JSON.
  std::string token_of(const std::string& header, const std::string& payload) const;
};

std::unique_ptr<Issuer> make_hs256(std::string secret);
std::unique_ptr<Issuer> make_rs256(unsigned bits = 2048);
std::unique_ptr<Issuer> make_es256();

}  // namespace auth_jwt::testing
