#pragma once

#include <mortise/password.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

/// The client's side of SCRAM-SHA-256, for tests.
namespace auth_file::testing {

/// The value of one attribute of a SCRAM message.
inline std::string attribute(std::string_view message, char letter) {
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find(',', at), message.size());
    if (message.substr(at, 2) == std::string{letter, '='}) return std::string(message.substr(at + 2, end - at - 2));
    at = end + 1;
  }
  throw std::runtime_error("no attribute " + std::string(1, letter) + " in " + std::string(message));
}

class ScramClient {
 public:
  ScramClient(std::string user, std::string password, std::string nonce = "clientnonce", std::string gs2_header = "n,,")
      : password_(std::move(password)), gs2_header_(std::move(gs2_header)), bare_("n=" + user + ",r=" + nonce) {}

  std::string first() const { return gs2_header_ + bare_; }
  /// client-final-message; `nonce` instead of the one of the challenge.
  std::string final(std::string_view challenge, std::string nonce = {}) {
    namespace password = mortise::password;
    password::Verifier verifier;
    verifier.iterations = static_cast<std::uint32_t>(std::stoul(attribute(challenge, 'i')));
    verifier.salt = password::detail::from_base64(attribute(challenge, 's')).value();
    if (nonce.empty()) nonce = attribute(challenge, 'r');
    const std::string binding = password::detail::base64(password::detail::bytes_of(gs2_header_), gs2_header_.size());
    const std::string without_proof = "c=" + binding + ",r=" + nonce;
    const std::string auth_message = bare_ + "," + std::string(challenge) + "," + without_proof;
    password::Sha256 salted{}, key{}, stored{}, signature{}, server_key{};
    bool done = password::detail::salted_password(password_, verifier.salt, verifier.iterations, salted) &&
                password::detail::hmac_sha256(salted, "Client Key", key) &&
                mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key.data(), key.size(), stored.data()) == 0 &&
                password::detail::hmac_sha256(stored, auth_message, signature) &&
                password::detail::hmac_sha256(salted, "Server Key", server_key) &&
                password::detail::hmac_sha256(server_key, auth_message, server_signature_);
    if (!done) throw std::runtime_error("mbedTLS failed");
    for (std::size_t i = 0; i < key.size(); ++i) key[i] ^= signature[i];
    return without_proof + ",p=" + password::detail::base64(key.data(), key.size());
  }
  /// What the server proves itself with, once final() was made.
  std::string server_final() const {
    return "v=" + mortise::password::detail::base64(server_signature_.data(), server_signature_.size());
  }

 private:
  std::string password_;
  std::string gs2_header_;
  std::string bare_;
  mortise::password::Sha256 server_signature_{};
};

}  // namespace auth_file::testing
