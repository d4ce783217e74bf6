#include "broker/net/tls_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/net/certificate_identity.h"
#include "broker/net/mbedtls_version.h"
#include "broker/net/tls_stream.h"

namespace mortise::net {

namespace {

/// What mbedTLS initialises, frees and never moves.
template <class Context, void (*Begin)(Context*), void (*End)(Context*)>
struct Owned {
  Owned() { Begin(&value); }
  ~Owned() { End(&value); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Context value;
};

struct KeyedCertificate {
  Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free> chain;
  Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free> key;
  std::vector<std::string> names;
};

/// Bytes that are wiped when they go.
struct SecretKey {
  explicit SecretKey(std::vector<unsigned char> key) : bytes(std::move(key)) {}
  SecretKey(SecretKey&& other) noexcept = default;
  SecretKey& operator=(SecretKey&&) = delete;
  ~SecretKey() { wipe(bytes.data(), bytes.size()); }
  std::vector<unsigned char> bytes;
};

// What mbedTLS takes at most (MBEDTLS_PSK_MAX_LEN), and what is too short to be a secret.
constexpr std::size_t kLongestKey = 32;
constexpr std::size_t kShortestKey = 8;

int hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::optional<std::vector<unsigned char>> parse_key(std::string_view text) {
  if (text.size() % 2 != 0 || text.size() < 2 * kShortestKey || text.size() > 2 * kLongestKey) return std::nullopt;
  std::vector<unsigned char> key;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hexadecimal(text[i]);
    const int low = hexadecimal(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key.push_back(static_cast<unsigned char>(high << 4 | low));
  }
  return key;
}

/// Forward secrecy and authenticated encryption.
bool is_default_suite(std::string_view name) {
  const bool is_forward_secret = name.starts_with("TLS-ECDHE-") || name.starts_with("TLS-DHE-PSK-");
  const bool is_authenticated = name.find("-GCM-") != std::string_view::npos ||
                                name.find("-CHACHA20-") != std::string_view::npos || name.ends_with("-CCM");
  return is_forward_secret && is_authenticated && name.find("-ARIA-") == std::string_view::npos &&
         name.find("-CAMELLIA-") == std::string_view::npos;
}

constexpr std::array kMqttProtocols{"mqtt", static_cast<const char*>(nullptr)};
constexpr std::array kWebProtocols{"http/1.1", static_cast<const char*>(nullptr)};

}  // namespace

struct TlsServer::Parts {
  Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
  Owned<mbedtls_ssl_ticket_context, mbedtls_ssl_ticket_init, mbedtls_ssl_ticket_free> tickets;
  Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free> client_ca;
  Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free> revoked;
  std::vector<std::unique_ptr<KeyedCertificate>> certificates;
  std::unordered_map<std::string, SecretKey, TextHash, std::equal_to<>> keys;  // by identity
  std::vector<int> suites;                                                     // ends with 0
};

namespace {

/// Reads one listener's files into the parts of its TLS.
template <class Parts>
class Loader {
 public:
  Loader(const config::ListenerSettings& settings, std::size_t number, Parts& parts)
      : settings_(settings), tls_(settings.tls), number_(number), parts_(parts) {}

  Result<void> load() {
    const int code = mbedtls_ssl_config_defaults(&parts_.config.value, MBEDTLS_SSL_IS_SERVER,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0) return failure("cannot set TLS up: " + mbed::reason(code));
    mbedtls_ssl_conf_rng(&parts_.config.value, mbed::random, nullptr);
    mbed::choose_curves(parts_.config.value);
    mbed::set_lowest_version(parts_.config.value, 3U - static_cast<unsigned>(tls_.min_version));
    for (auto step : {&Loader::load_certificates, &Loader::load_client_ca, &Loader::load_keys, &Loader::choose_suites,
                      &Loader::set_tickets_up}) {
      if (Result<void> outcome = (this->*step)(); !outcome) return outcome;
    }
    mbedtls_ssl_conf_alpn_protocols(
        &parts_.config.value,
        const_cast<const char**>((settings_.has_websocket ? kWebProtocols : kMqttProtocols).data()));
    return {};
  }

 private:
  Failure<Error> problem(const char* key, const std::string& what) const {
    return failure("listeners[" + std::to_string(number_) + "].tls." + key + ": " + what);
  }
  Failure<Error> cannot_read(const char* key, const std::filesystem::path& file, int code) const {
    if (code == MBEDTLS_ERR_X509_FILE_IO_ERROR || code == MBEDTLS_ERR_PK_FILE_IO_ERROR)
      return problem(key, file.string() + " cannot be read: " + std::strerror(errno));
    if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
      return problem(key,
                     file.string() + " is locked by a password; give the key without one, readable by this user only");
    return problem(key, file.string() + " is not what it should be: " +
                            (code > 0 ? "a part of it cannot be read" : mbed::reason(code)));
  }

  Result<void> load_certificates() {
    for (std::size_t i = 0; i < tls_.certificates.size(); ++i) {
      auto loaded = std::make_unique<KeyedCertificate>();
      if (const int code = mbedtls_x509_crt_parse_file(&loaded->chain.value, tls_.certificates[i].c_str()); code != 0)
        return cannot_read("certificate", tls_.certificates[i], code);
      if (const int code = mbed::parse_key_file(loaded->key.value, tls_.keys[i].c_str()); code != 0)
        return cannot_read("key", tls_.keys[i], code);
      if (!mbed::is_pair(loaded->chain.value, loaded->key.value))
        return problem("key", tls_.keys[i].string() + " is not the key of " + tls_.certificates[i].string());
      loaded->names = host_names_of(loaded->chain.value);
      parts_.certificates.push_back(std::move(loaded));
    }
    // Who asks for no name gets the first, or the same names with a key of another kind.
    for (const auto& certificate : parts_.certificates) {
      if (certificate->names != parts_.certificates.front()->names) continue;
      const int code =
          mbedtls_ssl_conf_own_cert(&parts_.config.value, &certificate->chain.value, &certificate->key.value);
      if (code != 0) return problem("certificate", mbed::reason(code));
    }
    return {};
  }

  Result<void> load_client_ca() {
    constexpr std::array kModes{MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL, MBEDTLS_SSL_VERIFY_REQUIRED};
    mbedtls_ssl_conf_authmode(&parts_.config.value, kModes[static_cast<std::size_t>(tls_.verify)]);
    if (tls_.client_ca.empty()) return {};
    if (const int code = mbedtls_x509_crt_parse_file(&parts_.client_ca.value, tls_.client_ca.c_str()); code != 0)
      return cannot_read("client_ca", tls_.client_ca, code);
    if (!tls_.crl.empty()) {
      if (const int code = mbedtls_x509_crl_parse_file(&parts_.revoked.value, tls_.crl.c_str()); code != 0)
        return cannot_read("crl", tls_.crl, code);
    }
    mbedtls_ssl_conf_ca_chain(&parts_.config.value, &parts_.client_ca.value,
                              tls_.crl.empty() ? nullptr : &parts_.revoked.value);
    return {};
  }

  Result<void> load_keys() {
    if (tls_.psk.empty()) return {};
    std::ifstream file(tls_.psk);
    if (!file) return problem("psk", tls_.psk.string() + " cannot be read: " + std::strerror(errno));
    std::string line;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
      if (line.empty() || line.front() == '#') continue;
      const std::size_t colon = line.rfind(':');
      std::optional<std::vector<unsigned char>> key =
          parse_key(colon == std::string::npos ? std::string_view() : std::string_view(line).substr(colon + 1));
      if (!key || colon == 0)
        return problem("psk", tls_.psk.string() + ":" + std::to_string(number) +
                                  ": not IDENTITY:KEY with a key of 16 to 64 hexadecimal digits");
      if (!parts_.keys.emplace(line.substr(0, colon), SecretKey(std::move(*key))).second)
        return problem("psk", tls_.psk.string() + ":" + std::to_string(number) + ": " +
                                  quoted(line.substr(0, colon), 64) + " is there twice; keep one");
      wipe(line.data(), line.size());
    }
    if (parts_.keys.empty()) return problem("psk", tls_.psk.string() + " has no line IDENTITY:KEY");
    return {};
  }

  Result<void> choose_suites() {
    for (const std::string& name : tls_.ciphers) {
      const int suite = mbedtls_ssl_get_ciphersuite_id(name.c_str());
      if (suite == 0)
        return problem("ciphers", quoted(name, 64) +
                                      " is no cipher suite of mbedTLS; for example "
                                      "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256");
      parts_.suites.push_back(suite);
    }
    for (const int* suite = mbedtls_ssl_list_ciphersuites(); tls_.ciphers.empty() && *suite != 0; ++suite) {
      if (is_default_suite(mbedtls_ssl_get_ciphersuite_name(*suite))) parts_.suites.push_back(*suite);
    }
    parts_.suites.push_back(0);
    mbedtls_ssl_conf_ciphersuites(&parts_.config.value, parts_.suites.data());
    return {};
  }

  Result<void> set_tickets_up() {
    const auto lifetime = std::chrono::ceil<std::chrono::seconds>(tls_.session_lifetime).count();
    // A ticket does not say whose pre-shared key it began with, and a handshake with one is cheap.
    if (lifetime == 0 || !parts_.keys.empty()) return {};
    const int code = mbedtls_ssl_ticket_setup(&parts_.tickets.value, mbed::random, nullptr, MBEDTLS_CIPHER_AES_256_GCM,
                                              static_cast<std::uint32_t>(lifetime));
    if (code != 0) return problem("session_lifetime", mbed::reason(code));
    mbedtls_ssl_conf_session_tickets_cb(&parts_.config.value, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                        &parts_.tickets.value);
    return {};
  }

  const config::ListenerSettings& settings_;
  const config::TlsSettings& tls_;
  const std::size_t number_;
  Parts& parts_;
};

}  // namespace

TlsServer::TlsServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  const auto on_name = [](void* server, mbedtls_ssl_context* connection, const unsigned char* name, std::size_t size) {
    static_cast<const TlsServer*>(server)->choose_certificates(*connection,
                                                               {reinterpret_cast<const char*>(name), size});
    return 0;
  };
  mbedtls_ssl_conf_sni(&parts_->config.value, on_name, this);
  const auto on_identity = [](void* server, mbedtls_ssl_context* connection, const unsigned char* identity,
                              std::size_t size) {
    const std::string_view name(reinterpret_cast<const char*>(identity), size);
    if (!static_cast<const TlsServer*>(server)->set_pre_shared_key(*connection, name)) return -1;
    static_cast<TlsStream*>(mbed::bio_of(*connection))->note_identity(name);
    return 0;
  };
  if (!parts_->keys.empty()) mbedtls_ssl_conf_psk_cb(&parts_->config.value, on_identity, this);
}

TlsServer::~TlsServer() = default;

Result<std::shared_ptr<const TlsServer>> TlsServer::load(const config::ListenerSettings& settings, std::size_t number) {
  auto parts = std::make_unique<Parts>();
  if (Result<void> loaded = Loader(settings, number, *parts).load(); !loaded) return std::move(loaded).as_failure();
  return std::shared_ptr<const TlsServer>(new TlsServer(std::move(parts)));  // NOLINT: the constructor is private
}

const mbedtls_ssl_config& TlsServer::config() const noexcept { return parts_->config.value; }

void TlsServer::choose_certificates(mbedtls_ssl_context& connection, std::string_view name) const {
  for (const auto& certificate : parts_->certificates) {
    const bool is_meant =
        std::ranges::any_of(certificate->names, [&](const std::string& own) { return is_host_name(own, name); });
    if (is_meant) mbedtls_ssl_set_hs_own_cert(&connection, &certificate->chain.value, &certificate->key.value);
  }
}

bool TlsServer::set_pre_shared_key(mbedtls_ssl_context& connection, std::string_view identity) const {
  const auto found = parts_->keys.find(identity);
  return found != parts_->keys.end() &&
         mbedtls_ssl_set_hs_psk(&connection, found->second.bytes.data(), found->second.bytes.size()) == 0;
}

}  // namespace mortise::net
