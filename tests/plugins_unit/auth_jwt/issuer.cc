#include "issuer.h"

#include <mbedtls/base64.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <sys/random.h>

#include <array>
#include <stdexcept>

namespace auth_jwt::testing {

namespace {

using nlohmann::json;

void must(int status) {
  if (status != 0) throw std::runtime_error("mbedTLS says " + std::to_string(status));
}

int random_bytes(void*, unsigned char* out, std::size_t size) {
  return getrandom(out, size, 0) == static_cast<ssize_t>(size) ? 0 : -1;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

const mbedtls_md_info_t* sha256() { return mbedtls_md_info_from_type(MBEDTLS_MD_SHA256); }

std::array<unsigned char, 32> digest_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  must(mbedtls_md(sha256(), bytes_of(text), text.size(), digest.data()));
  return digest;
}

std::string number_bytes(const mbedtls_mpi& number, std::size_t size) {
  std::string bytes(size, '\0');
  must(mbedtls_mpi_write_binary(&number, bytes_of(bytes), size));
  return bytes;
}

class Hs256 final : public Issuer {
 public:
  explicit Hs256(std::string secret) : secret_(std::move(secret)) {}
  const char* algorithm() const override { return "HS256"; }
  std::string sign(std::string_view text) const override {
    std::string signature(32, '\0');
    must(mbedtls_md_hmac(sha256(), bytes_of(std::string_view(secret_)), secret_.size(), bytes_of(text), text.size(),
                         bytes_of(signature)));
    return signature;
  }
  json jwk() const override { return {{"kty", "oct"}, {"k", base64url(secret_)}}; }

 private:
  const std::string secret_;
};

/// What RSA and EC have alike.
class KeyPair : public Issuer {
 public:
  explicit KeyPair(mbedtls_pk_type_t type) {
    mbedtls_pk_init(&key_);
    must(mbedtls_pk_setup(&key_, mbedtls_pk_info_from_type(type)));
  }
  ~KeyPair() override { mbedtls_pk_free(&key_); }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;

  std::string pem() const override {
    std::string text(4096, '\0');
    must(mbedtls_pk_write_pubkey_pem(&key_, bytes_of(text), text.size()));
    return text.substr(0, text.find('\0'));
  }

 protected:
  mutable mbedtls_pk_context key_{};
};

class Rs256 final : public KeyPair {
 public:
  explicit Rs256(unsigned bits) : KeyPair(MBEDTLS_PK_RSA) {
    must(mbedtls_rsa_gen_key(mbedtls_pk_rsa(key_), random_bytes, nullptr, bits, 65537));
  }
  const char* algorithm() const override { return "RS256"; }
  std::string sign(std::string_view text) const override {
    std::string signature(MBEDTLS_MPI_MAX_SIZE, '\0');
    std::size_t size = 0;
    const auto digest = digest_of(text);
    must(mbedtls_pk_sign(&key_, MBEDTLS_MD_SHA256, digest.data(), digest.size(), bytes_of(signature), &size,
                         random_bytes, nullptr));
    return signature.substr(0, size);
  }
  json jwk() const override {
    const mbedtls_rsa_context& rsa = *mbedtls_pk_rsa(key_);
    return {{"kty", "RSA"},
            {"n", base64url(number_bytes(rsa.N, mbedtls_mpi_size(&rsa.N)))},
            {"e", base64url(number_bytes(rsa.E, mbedtls_mpi_size(&rsa.E)))}};
  }
};

class Es256 final : public KeyPair {
 public:
  Es256() : KeyPair(MBEDTLS_PK_ECKEY) {
    must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key_), random_bytes, nullptr));
  }
  const char* algorithm() const override { return "ES256"; }
  std::string sign(std::string_view text) const override {
    const auto digest = digest_of(text);
    mbedtls_ecp_keypair& pair = *mbedtls_pk_ec(key_);
    mbedtls_mpi r;
    mbedtls_mpi s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    must(mbedtls_ecdsa_sign(&pair.grp, &r, &s, &pair.d, digest.data(), digest.size(), random_bytes, nullptr));
    std::string signature = number_bytes(r, 32) + number_bytes(s, 32);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return signature;
  }
  json jwk() const override {
    const mbedtls_ecp_keypair& pair = *mbedtls_pk_ec(key_);
    return {{"kty", "EC"},
            {"crv", "P-256"},
            {"x", base64url(number_bytes(pair.Q.X, 32))},
            {"y", base64url(number_bytes(pair.Q.Y, 32))}};
  }
};

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  std::size_t written = 0;
  must(mbedtls_base64_encode(bytes_of(text), text.size(), &written, bytes_of(bytes), bytes.size()));
  text.resize(written);
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& digit : text) digit = digit == '+' ? '-' : (digit == '/' ? '_' : digit);
  return text;
}

std::string unsigned_token(const std::string& header, const std::string& payload) {
  return base64url(header) + "." + base64url(payload);
}

std::string Issuer::token_of(const std::string& header, const std::string& payload) const {
  const std::string text = unsigned_token(header, payload);
  return text + "." + base64url(sign(text));
}

std::string Issuer::token(const json& payload, json header) const {
  if (!header.contains("alg")) header["alg"] = algorithm();
  return token_of(header.dump(), payload.is_null() ? "{}" : payload.dump());
}

std::unique_ptr<Issuer> make_hs256(std::string secret) { return std::make_unique<Hs256>(std::move(secret)); }
std::unique_ptr<Issuer> make_rs256(unsigned bits) { return std::make_unique<Rs256>(bits); }
std::unique_ptr<Issuer> make_es256() { return std::make_unique<Es256>(); }

}  // namespace auth_jwt::testing
