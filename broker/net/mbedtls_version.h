#pragma once

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <string>

#include "broker/base/random.h"

/// What mbedTLS 2.28 (Debian 12's) and 3.x do differently, said once.
namespace mortise::net::mbed {

/// Randomness without a state, so that connections may change threads. Thread: any.
inline int random(void*, unsigned char* out, std::size_t size) {
  random_bytes(out, size);
  return 0;
}

/// What an error means.
inline std::string reason(int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return text.data();
}

inline bool sha1(const unsigned char* bytes, std::size_t size, unsigned char* digest) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_sha1(bytes, size, digest) == 0;
#else
  return mbedtls_sha1_ret(bytes, size, digest) == 0;
#endif
}

inline bool sha256(const unsigned char* bytes, std::size_t size, unsigned char* digest) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_sha256(bytes, size, digest, 0) == 0;
#else
  return mbedtls_sha256_ret(bytes, size, digest, 0) == 0;
#endif
}

inline int parse_key_file(mbedtls_pk_context& key, const char* path) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_keyfile(&key, path, nullptr, random, nullptr);
#else
  return mbedtls_pk_parse_keyfile(&key, path, nullptr);
#endif
}

inline bool is_pair(mbedtls_x509_crt& certificate, mbedtls_pk_context& key) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(&certificate.pk, &key, random, nullptr) == 0;
#else
  return mbedtls_pk_check_pair(&certificate.pk, &key) == 0;
#endif
}

inline void set_lowest_version(mbedtls_ssl_config& config, unsigned minor) {
#if MBEDTLS_VERSION_MAJOR >= 3
  (void)minor;  // 3.x speaks nothing older than 1.2
  mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, static_cast<int>(minor));
#endif
}

/// The curves of key exchanges and certificates, the cheapest first; mbedTLS's own order begins with the most
/// expensive. Its x25519 costs as much as P-256 (tests/bench/tls_bench: 301 full handshakes a second and core, 135
/// before).
inline void choose_curves(mbedtls_ssl_config& config) {
#if MBEDTLS_VERSION_MAJOR >= 3
  (void)config;  // 3.x does so itself
#else
  static constexpr mbedtls_ecp_group_id kCurves[] = {
      MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_BP256R1,
      MBEDTLS_ECP_DP_BP384R1,   MBEDTLS_ECP_DP_SECP521R1,  MBEDTLS_ECP_DP_BP512R1,   MBEDTLS_ECP_DP_NONE};
  mbedtls_ssl_conf_curves(&config, kCurves);
#endif
}

/// Whatever was given to mbedtls_ssl_set_bio.
inline void* bio_of(const mbedtls_ssl_context& connection) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return connection.MBEDTLS_PRIVATE(p_bio);
#else
  return connection.p_bio;
#endif
}

}  // namespace mortise::net::mbed
