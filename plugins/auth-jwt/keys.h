#pragma once

#include <memory>
#include <mortise/field.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "token.h"

namespace auth_jwt {

inline constexpr std::size_t kMaximumKeys = 64;             // of one JWKS file
inline constexpr std::size_t kMaximumKeyFile = 256 * 1024;  // bytes
inline constexpr std::size_t kMaximumTries = 4;             // keys that a token without kid is tried with
inline constexpr std::size_t kMinimumSecret = 32;           // bytes: RFC 7518 section 3.2
inline constexpr std::size_t kMinimumRsaBits = 2048;        // RFC 7518 section 3.3
inline constexpr std::size_t kMaximumRsaBits = 8192;        // what a check may cost

/// A key and the one algorithm it is for, whatever a token says. Immutable.
class Key {
 public:
  /// Errors, of all: nothing, and `error` says what is wrong with it.
  static std::optional<Key> from_secret(std::string_view secret, std::string& error);
  /// A public key in PEM: RSA, or EC with the curve P-256.
  static std::optional<Key> from_pem(const std::string& text, std::string& error);
  /// Big-endian numbers.
  static std::optional<Key> from_rsa(std::string modulus, std::string exponent, std::string& error);
  static std::optional<Key> from_p256(std::string_view x, std::string_view y, std::string& error);

  Algorithm algorithm() const { return algorithm_; }
  /// Without one it is for tokens with any kid, or none.
  const std::optional<std::string>& key_id() const { return key_id_; }
  void set_key_id(std::string key_id) { key_id_ = std::move(key_id); }
  /// Whether `signature` is this key's over the text. Cost: some milliseconds for ES256. Thread: any.
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  explicit Key(Algorithm algorithm) : algorithm_(algorithm) {}

  Algorithm algorithm_;
  std::optional<std::string> key_id_;
  mortise::Secret secret_;  // HS256
  std::string modulus_;     // RS256
  std::string exponent_;
  std::string point_;  // ES256: 0x04, x, y
};

/// Keys that tokens are checked with; immutable once it is in use.
class KeySet {
 public:
  void add(Key key) { keys_.push_back(std::make_shared<const Key>(std::move(key))); }
  void add_all(const KeySet& other) { keys_.insert(keys_.end(), other.keys_.begin(), other.keys_.end()); }
  std::size_t size() const { return keys_.size(); }
  /// Whether there is a key with this id, or one that is for any.
  bool knows(const std::string& key_id) const;
  /// Errors: false, and `why` is a literal for the log.
  bool verify(const TokenView& token, const char*& why) const;

  /// The keys of a JWK Set (RFC 7517): RSA, EC P-256 and oct, those with another `use` or `alg` left out. Errors: null,
  /// and `error` says which key and why. `left_out` counts keys that are not for this.
  static std::shared_ptr<const KeySet> parse_jwks(std::string_view text, std::string& error, std::size_t& left_out);

 private:
  std::vector<std::shared_ptr<const Key>> keys_;
};

}  // namespace auth_jwt
