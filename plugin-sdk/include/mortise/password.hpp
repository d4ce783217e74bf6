#pragma once

/// Password files holding SCRAM-SHA-256 verifiers: what `mortise passwd` writes and an authentication plugin reads.
/// Header-only; needs C++17 and mbedTLS' libmbedcrypto. Knows nothing of the broker or of the ABI.
///
/// One line a user, `user:SCRAM-SHA-256$<iterations>:<base64 salt>$<base64 stored key>:<base64 server key>`; empty
/// lines and lines that begin with `#` are kept and mean nothing. In a user name `:`, `%`, `#` and control characters
/// are written %XX.
///
/// Design notes. A verifier lets nobody log in who steals the file (RFC 5802 section 9: the stored key is a hash of
/// what the client proves), and it serves the SCRAM mechanism as well as a plain password. Iterations: RFC 7677 section
/// 4 asks for at least 4,096 and calls 15,000 its rule of thumb; 15,000 is the default here, some 15 ms of one core,
/// which is what one guess costs a thief and what one CONNECT costs the site: work for a worker thread, never for an
/// event loop. A site whose devices have long random secrets loses nothing with fewer (`mortise passwd --iterations`).
/// Passwords are taken as the bytes they are, as MQTT sends them: SASLprep, which leaves ASCII alone, is not applied.

#include <fcntl.h>
#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mortise::password {

inline constexpr std::uint32_t kDefaultIterations = 15'000;
inline constexpr std::uint32_t kMinimumIterations = 1;
/// A file cannot make a check take for ever.
inline constexpr std::uint32_t kMaximumIterations = 1'000'000;
inline constexpr std::size_t kSaltSize = 16;
inline constexpr std::size_t kMaximumSaltSize = 256;
inline constexpr std::size_t kMaximumFileSize = std::size_t{64} << 20;
inline constexpr std::string_view kScheme = "SCRAM-SHA-256";

using Sha256 = std::array<unsigned char, 32>;

/// What is kept of a password (RFC 5802 section 3). Immutable by use.
struct Verifier {
  std::uint32_t iterations = kDefaultIterations;
  std::string salt;  // bytes
  Sha256 stored_key{};
  Sha256 server_key{};
};

namespace detail {

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline void wipe(void* memory, std::size_t size) { explicit_bzero(memory, size); }

inline bool hmac_sha256(const Sha256& key, std::string_view text, Sha256& out) {
  return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key.data(), key.size(), bytes_of(text),
                         text.size(), out.data()) == 0;
}

/// Hi() of RFC 5802: PBKDF2 with HMAC-SHA-256, one block.
inline bool salted_password(std::string_view password, std::string_view salt, std::uint32_t iterations, Sha256& out) {
  mbedtls_md_context_t context;
  mbedtls_md_init(&context);
  const bool done =
      mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
      mbedtls_pkcs5_pbkdf2_hmac(&context, bytes_of(password), password.size(), bytes_of(salt), salt.size(), iterations,
                                static_cast<std::uint32_t>(out.size()), out.data()) == 0;
  mbedtls_md_free(&context);
  return done;
}

/// Fills the keys of `verifier` from its salt and iterations.
inline bool derive(std::string_view password, Verifier& verifier) {
  Sha256 salted{};
  Sha256 client_key{};
  const bool done = salted_password(password, verifier.salt, verifier.iterations, salted) &&
                    hmac_sha256(salted, "Client Key", client_key) &&
                    mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), client_key.data(), client_key.size(),
                               verifier.stored_key.data()) == 0 &&
                    hmac_sha256(salted, "Server Key", verifier.server_key);
  wipe(salted.data(), salted.size());
  wipe(client_key.data(), client_key.size());
  return done;
}

inline std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text(4 * ((size + 2) / 3) + 1, '\0');
  std::size_t written = 0;
  mbedtls_base64_encode(reinterpret_cast<unsigned char*>(text.data()), text.size(), &written, bytes, size);
  text.resize(written);
  return text;
}

inline std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t written = 0;
  if (mbedtls_base64_decode(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), &written, bytes_of(text),
                            text.size()) != 0) {
    return std::nullopt;
  }
  bytes.resize(written);
  return bytes;
}

inline bool key_from_base64(std::string_view text, Sha256& key) {
  const std::optional<std::string> bytes = from_base64(text);
  if (!bytes || bytes->size() != key.size()) return false;
  std::memcpy(key.data(), bytes->data(), key.size());
  return true;
}

/// The part of `text` before `separator`, which is taken off together with it; nothing when there is none.
inline std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

inline std::optional<std::uint32_t> iterations_of(std::string_view text) {
  if (text.empty() || text.size() > 7) return std::nullopt;
  std::uint32_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  if (number < kMinimumIterations || number > kMaximumIterations) return std::nullopt;
  return number;
}

inline int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace detail

/// A verifier of `password` with a fresh random salt. Nothing when `iterations` is out of range or there is no random
/// source. Thread: any. Cost: about 1 us per iteration.
inline std::optional<Verifier> make_verifier(std::string_view password, std::uint32_t iterations = kDefaultIterations) {
  Verifier verifier;
  verifier.iterations = iterations;
  verifier.salt.resize(kSaltSize);
  if (iterations < kMinimumIterations || iterations > kMaximumIterations) return std::nullopt;
  if (getrandom(verifier.salt.data(), kSaltSize, 0) != static_cast<ssize_t>(kSaltSize)) return std::nullopt;
  if (!detail::derive(password, verifier)) return std::nullopt;
  return verifier;
}

/// Whether `password` is the one the verifier was made of. The comparison takes the same time wherever they differ.
/// Thread: any.
inline bool check(std::string_view password, const Verifier& verifier) {
  Verifier offered;
  offered.iterations = verifier.iterations;
  offered.salt = verifier.salt;
  if (!detail::derive(password, offered)) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < offered.stored_key.size(); ++i)
    difference |= offered.stored_key[i] ^ verifier.stored_key[i];
  return difference == 0;
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`.
inline std::string format(const Verifier& verifier) {
  return std::string(kScheme) + "$" + std::to_string(verifier.iterations) + ":" +
         detail::base64(detail::bytes_of(verifier.salt), verifier.salt.size()) + "$" +
         detail::base64(verifier.stored_key.data(), verifier.stored_key.size()) + ":" +
         detail::base64(verifier.server_key.data(), verifier.server_key.size());
}

/// The reverse of format(). Errors: nothing, and `error` says what is wrong.
inline std::optional<Verifier> parse(std::string_view text, std::string& error) {
  Verifier verifier;
  const auto scheme = detail::take_until(text, '$');
  if (!scheme || *scheme != kScheme) return error = "not a SCRAM-SHA-256 verifier", std::nullopt;
  const auto iterations = detail::take_until(text, ':');
  const auto salt = detail::take_until(text, '$');
  const auto stored_key = detail::take_until(text, ':');
  if (!iterations || !salt || !stored_key) return error = "the verifier is cut short", std::nullopt;
  const auto number = detail::iterations_of(*iterations);
  if (!number) return error = "the iterations are not a number from 1 to 1000000", std::nullopt;
  const auto salt_bytes = detail::from_base64(*salt);
  if (!salt_bytes || salt_bytes->empty() || salt_bytes->size() > kMaximumSaltSize) {
    return error = "the salt is not base64 of 1 to 256 bytes", std::nullopt;
  }
  if (!detail::key_from_base64(*stored_key, verifier.stored_key) ||
      !detail::key_from_base64(text, verifier.server_key)) {
    return error = "a key is not base64 of 32 bytes", std::nullopt;
  }
  verifier.iterations = *number;
  verifier.salt = *salt_bytes;
  return verifier;
}

/// A user name as it stands in the file.
inline std::string escape_user(std::string_view user) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const char character : user) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F || character == ':' || character == '%' || character == '#') {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      text += character;
    }
  }
  return text;
}

/// The reverse of escape_user(); nothing when a % is not followed by two hexadecimal digits.
inline std::optional<std::string> unescape_user(std::string_view text) {
  std::string user;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      user += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = detail::hex_digit(text[i + 1]);
    const int low = detail::hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    user += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return user;
}

}  // namespace mortise::password
