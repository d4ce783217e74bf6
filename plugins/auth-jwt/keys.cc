#include "keys.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include <array>

extern "C" {  // which mbedTLS 2.28 forgot in this one
#include <mbedtls/constant_time.h>
}

namespace auth_jwt {

namespace {

using Sha256 = std::array<unsigned char, 32>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

const mbedtls_md_info_t* sha256() { return mbedtls_md_info_from_type(MBEDTLS_MD_SHA256); }

/// One object of mbedTLS, freed when it goes.
template <class Object, void (*Begin)(Object*), void (*End)(Object*)>
class Scoped {
 public:
  Scoped() { Begin(&object_); }
  ~Scoped() { End(&object_); }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;
  Object* get() { return &object_; }
  Object* operator->() { return &object_; }

 private:
  Object object_{};
};
void begin_rsa(mbedtls_rsa_context* rsa) { mbedtls_rsa_init(rsa, MBEDTLS_RSA_PKCS_V15, 0); }
using Rsa = Scoped<mbedtls_rsa_context, begin_rsa, mbedtls_rsa_free>;
using Number = Scoped<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free>;
using Group = Scoped<mbedtls_ecp_group, mbedtls_ecp_group_init, mbedtls_ecp_group_free>;
using Point = Scoped<mbedtls_ecp_point, mbedtls_ecp_point_init, mbedtls_ecp_point_free>;
using AnyKey = Scoped<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;

bool import_rsa(Rsa& rsa, std::string_view modulus, std::string_view exponent) {
  return mbedtls_rsa_import_raw(rsa.get(), bytes_of(modulus), modulus.size(), nullptr, 0, nullptr, 0, nullptr, 0,
                                bytes_of(exponent), exponent.size()) == 0 &&
         mbedtls_rsa_complete(rsa.get()) == 0;
}

bool import_point(Group& group, Point& point, std::string_view bytes) {
  return mbedtls_ecp_group_load(group.get(), MBEDTLS_ECP_DP_SECP256R1) == 0 &&
         mbedtls_ecp_point_read_binary(group.get(), point.get(), bytes_of(bytes), bytes.size()) == 0;
}

bool verify_hmac(std::string_view secret, std::string_view text, std::string_view signature) {
  Sha256 expected{};
  if (mbedtls_md_hmac(sha256(), bytes_of(secret), secret.size(), bytes_of(text), text.size(), expected.data()) != 0)
    return false;
  return signature.size() == expected.size() &&
         mbedtls_ct_memcmp(expected.data(), signature.data(), expected.size()) == 0;
}

/// Each check has a context of its own: those of mbedTLS remember things, and several threads check at once.
bool verify_rsa(std::string_view modulus, std::string_view exponent, const Sha256& digest, std::string_view signature) {
  Rsa rsa;
  if (!import_rsa(rsa, modulus, exponent) || signature.size() != mbedtls_rsa_get_len(rsa.get())) return false;
  return mbedtls_rsa_pkcs1_verify(rsa.get(), nullptr, nullptr, MBEDTLS_RSA_PUBLIC, MBEDTLS_MD_SHA256,
                                  static_cast<unsigned>(digest.size()), digest.data(), bytes_of(signature)) == 0;
}

/// RFC 7518 section 3.4: r and s, 32 bytes each; mbedTLS refuses those that are 0 or not below the group's order.
bool verify_p256(std::string_view point, const Sha256& digest, std::string_view signature) {
  if (signature.size() != 64) return false;
  Group group;
  Point key;
  Number r;
  Number s;
  return import_point(group, key, point) && mbedtls_mpi_read_binary(r.get(), bytes_of(signature), 32) == 0 &&
         mbedtls_mpi_read_binary(s.get(), bytes_of(signature.substr(32)), 32) == 0 &&
         mbedtls_ecdsa_verify(group.get(), digest.data(), digest.size(), key.get(), r.get(), s.get()) == 0;
}

std::string bytes_of_number(const mbedtls_mpi& number) {
  std::string bytes(mbedtls_mpi_size(&number), '\0');
  if (mbedtls_mpi_write_binary(&number, reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()) != 0) return {};
  return bytes;
}

std::nullopt_t fail(std::string& error, const char* text) {
  error = text;
  return std::nullopt;
}

}  // namespace

// ---- One key --------------------------------------------------------------------------------------------------------

std::optional<Key> Key::from_secret(std::string_view secret, std::string& error) {
  if (secret.size() < kMinimumSecret)
    return fail(error, "is shorter than 32 bytes; make one with `head -c 32 /dev/urandom | base64`");
  Key key(Algorithm::kHs256);
  key.secret_ = mortise::Secret(secret);
  return key;
}

std::optional<Key> Key::from_rsa(std::string modulus, std::string exponent, std::string& error) {
  Rsa rsa;
  const bool is_key = import_rsa(rsa, modulus, exponent) && mbedtls_rsa_check_pubkey(rsa.get()) == 0;
  if (!is_key) return fail(error, "is no RSA key");
  const std::size_t bits = mbedtls_mpi_bitlen(&rsa->N);
  if (bits < kMinimumRsaBits || bits > kMaximumRsaBits)
    return fail(error, "is an RSA key of less than 2048 bits, or more than 8192");
  if (mbedtls_mpi_bitlen(&rsa->E) > 64) return fail(error, "is an RSA key whose exponent has more than 64 bits");
  Key key(Algorithm::kRs256);
  key.modulus_ = std::move(modulus);
  key.exponent_ = std::move(exponent);
  return key;
}

std::optional<Key> Key::from_p256(std::string_view x, std::string_view y, std::string& error) {
  if (x.size() != 32 || y.size() != 32) return fail(error, "is no P-256 key: x and y have 32 bytes each");
  Key key(Algorithm::kEs256);
  key.point_ = "\x04" + std::string(x) + std::string(y);
  Group group;
  Point point;
  const bool is_on_curve =
      import_point(group, point, key.point_) && mbedtls_ecp_check_pubkey(group.get(), point.get()) == 0;
  if (!is_on_curve) return fail(error, "is no P-256 key: it is no point of the curve");
  return key;
}

std::optional<Key> Key::from_pem(const std::string& text, std::string& error) {
  AnyKey key;
  // mbedTLS wants the NUL behind a PEM text.
  if (mbedtls_pk_parse_public_key(key.get(), bytes_of(text), text.size() + 1) != 0)
    return fail(error, "is no public key in PEM; make it with `openssl pkey -in key.pem -pubout`");
  if (mbedtls_pk_get_type(key.get()) == MBEDTLS_PK_RSA) {
    const mbedtls_rsa_context& rsa = *mbedtls_pk_rsa(*key.get());
    return from_rsa(bytes_of_number(rsa.N), bytes_of_number(rsa.E), error);
  }
  if (!mbedtls_pk_can_do(key.get(), MBEDTLS_PK_ECDSA)) return fail(error, "is neither an RSA nor an EC key");
  const mbedtls_ecp_keypair& pair = *mbedtls_pk_ec(*key.get());
  if (pair.grp.id != MBEDTLS_ECP_DP_SECP256R1) return fail(error, "is an EC key of another curve than P-256");
  std::array<unsigned char, 65> point{};
  std::size_t size = 0;
  if (mbedtls_ecp_point_write_binary(&pair.grp, &pair.Q, MBEDTLS_ECP_PF_UNCOMPRESSED, &size, point.data(),
                                     point.size()) != 0 ||
      size != point.size())
    return fail(error, "is no P-256 key");
  const std::string_view bytes(reinterpret_cast<const char*>(point.data()), size);
  return from_p256(bytes.substr(1, 32), bytes.substr(33), error);
}

bool Key::verify(std::string_view text, std::string_view signature) const {
  if (algorithm_ == Algorithm::kHs256) return verify_hmac(secret_.view(), text, signature);
  Sha256 digest{};
  if (mbedtls_md(sha256(), bytes_of(text), text.size(), digest.data()) != 0) return false;
  return algorithm_ == Algorithm::kRs256 ? verify_rsa(modulus_, exponent_, digest, signature)
                                         : verify_p256(point_, digest, signature);
}

// ---- Several --------------------------------------------------------------------------------------------------------

bool KeySet::knows(const std::string& key_id) const {
  for (const auto& key : keys_) {
    if (!key->key_id() || *key->key_id() == key_id) return true;
  }
  return false;
}

bool KeySet::verify(const TokenView& token, const char*& why) const {
  std::size_t tries = 0;
  why = token.key_id ? "no key has its kid" : "no key is for its alg";
  for (const auto& key : keys_) {
    if (token.key_id && key->key_id() && *key->key_id() != *token.key_id) continue;
    if (key->algorithm() != token.algorithm) {
      why = "its alg is not that of the key";
      continue;
    }
    if (++tries > kMaximumTries) return why = "more than 4 keys could be meant; it needs a kid", false;
    if (key->verify(token.signed_part, token.signature)) return true;
  }
  if (tries > 0) why = "its signature is wrong";
  return false;
}

}  // namespace auth_jwt
