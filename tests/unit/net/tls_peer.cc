#include "tests/unit/net/tls_peer.h"

#include <gtest/gtest.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "broker/net/mbedtls_version.h"

namespace mortise::net::test {

namespace {

std::filesystem::path make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "mortise-tls-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  return name;
}

/// The extension of host names (RFC 5280, 4.2.1.6): a sequence of [2] strings.
std::vector<unsigned char> alternative_names(const std::vector<std::string>& names) {
  std::vector<unsigned char> inner;
  for (const std::string& name : names) {
    inner.push_back(0x82);
    inner.push_back(static_cast<unsigned char>(name.size()));
    inner.insert(inner.end(), name.begin(), name.end());
  }
  std::vector<unsigned char> outer{0x30, static_cast<unsigned char>(inner.size())};
  outer.insert(outer.end(), inner.begin(), inner.end());
  return outer;
}

int send_bytes(void* socket, const unsigned char* bytes, std::size_t size) {
  const ssize_t sent = ::send(static_cast<Descriptor*>(socket)->get(), bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<int>(sent);
  return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : -1;
}

int receive_bytes_of(void* socket, unsigned char* into, std::size_t room) {
  const ssize_t size = ::recv(static_cast<Descriptor*>(socket)->get(), into, room, 0);
  if (size >= 0) return static_cast<int>(size);
  return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : -1;
}

}  // namespace

struct Authority::Key {
  Key() {
    mbedtls_pk_init(&context);
    EXPECT_EQ(mbedtls_pk_setup(&context, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    EXPECT_EQ(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(context), mbed::random, nullptr), 0);
  }
  ~Key() { mbedtls_pk_free(&context); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  mbedtls_pk_context context;
};

Authority::Authority() : folder_(make_folder()), own_key_(std::make_unique<Key>()) {
  certificate_ = write_certificate("authority", "CN=Test Authority", *own_key_, {}, true);
}

Authority::~Authority() { std::filesystem::remove_all(folder_); }

Authority::Files Authority::issue(const std::string& name, const std::string& subject,
                                  const std::vector<std::string>& host_names) {
  Key key;
  Files files;
  files.certificate = write_certificate(name, subject, key, host_names, false);
  files.key = write_key(name, key);
  return files;
}

std::filesystem::path Authority::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name) << text;
  return folder_ / name;
}

std::filesystem::path Authority::write_certificate(const std::string& name, const std::string& subject, Key& key,
                                                   const std::vector<std::string>& host_names, bool is_authority) {
  mbedtls_x509write_cert certificate;
  mbedtls_x509write_crt_init(&certificate);
  mbedtls_x509write_crt_set_version(&certificate, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&certificate, MBEDTLS_MD_SHA256);
  mbedtls_mpi serial;
  mbedtls_mpi_init(&serial);
  EXPECT_EQ(mbedtls_mpi_lset(&serial, serial_++), 0);
  EXPECT_EQ(mbedtls_x509write_crt_set_serial(&certificate, &serial), 0);
  EXPECT_EQ(mbedtls_x509write_crt_set_validity(&certificate, "20200101000000", "20491231235959"), 0);
  EXPECT_EQ(mbedtls_x509write_crt_set_subject_name(&certificate, subject.c_str()), 0);
  EXPECT_EQ(mbedtls_x509write_crt_set_issuer_name(&certificate, "CN=Test Authority"), 0);
  EXPECT_EQ(mbedtls_x509write_crt_set_basic_constraints(&certificate, is_authority ? 1 : 0, -1), 0);
  if (!host_names.empty()) {
    const std::vector<unsigned char> names = alternative_names(host_names);
    EXPECT_EQ(mbedtls_x509write_crt_set_extension(&certificate, "\x55\x1D\x11", 3, 0, names.data(), names.size()), 0);
  }
  mbedtls_x509write_crt_set_subject_key(&certificate, &key.context);
  mbedtls_x509write_crt_set_issuer_key(&certificate, &own_key_->context);
  std::array<unsigned char, 4096> pem{};
  EXPECT_EQ(mbedtls_x509write_crt_pem(&certificate, pem.data(), pem.size(), mbed::random, nullptr), 0);
  mbedtls_mpi_free(&serial);
  mbedtls_x509write_crt_free(&certificate);
  return write(name + ".pem", reinterpret_cast<const char*>(pem.data()));
}

std::filesystem::path Authority::write_key(const std::string& name, Key& key) const {
  std::array<unsigned char, 4096> pem{};
  EXPECT_EQ(mbedtls_pk_write_key_pem(&key.context, pem.data(), pem.size()), 0);
  return write(name + ".key", reinterpret_cast<const char*>(pem.data()));
}

struct TlsClient::Parts {
  Parts() {
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&authority);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);
  }
  ~Parts() {
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crt_free(&authority);
    mbedtls_x509_crt_free(&own);
    mbedtls_pk_free(&key);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  mbedtls_x509_crt authority, own;
  mbedtls_pk_context key;
};

TlsClient::TlsClient(Descriptor socket, Options options)
    : socket_(std::move(socket)), options_(std::move(options)), parts_(std::make_unique<Parts>()) {
  mbedtls_ssl_config* config = &parts_->config;
  EXPECT_EQ(mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT),
            0);
  mbedtls_ssl_conf_rng(config, mbed::random, nullptr);
  mbedtls_ssl_conf_authmode(config, options_.authority.empty() ? MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
  if (!options_.authority.empty()) {
    EXPECT_EQ(mbedtls_x509_crt_parse_file(&parts_->authority, options_.authority.c_str()), 0);
    mbedtls_ssl_conf_ca_chain(config, &parts_->authority, nullptr);
  }
  if (options_.own) {
    EXPECT_EQ(mbedtls_x509_crt_parse_file(&parts_->own, options_.own->certificate.c_str()), 0);
    EXPECT_EQ(mbed::parse_key_file(parts_->key, options_.own->key.c_str()), 0);
    EXPECT_EQ(mbedtls_ssl_conf_own_cert(config, &parts_->own, &parts_->key), 0);
  }
  if (!options_.protocols.empty()) {
    options_.protocols.push_back(nullptr);
    EXPECT_EQ(mbedtls_ssl_conf_alpn_protocols(config, options_.protocols.data()), 0);
  }
  if (!options_.psk.empty()) {
    EXPECT_EQ(mbedtls_ssl_conf_psk(config, options_.psk.data(), options_.psk.size(),
                                   reinterpret_cast<const unsigned char*>(options_.psk_identity.data()),
                                   options_.psk_identity.size()),
              0);
  }
  EXPECT_EQ(mbedtls_ssl_setup(&parts_->ssl, config), 0);
  if (!options_.host.empty()) {
    EXPECT_EQ(mbedtls_ssl_set_hostname(&parts_->ssl, options_.host.c_str()), 0);
  }
  if (options_.session != nullptr) {
    EXPECT_EQ(mbedtls_ssl_set_session(&parts_->ssl, options_.session), 0);
  }
  mbedtls_ssl_set_bio(&parts_->ssl, &socket_, send_bytes, receive_bytes_of, nullptr);
}

TlsClient::~TlsClient() = default;

int TlsClient::shake_hands() { return mbedtls_ssl_handshake(&parts_->ssl); }

std::string TlsClient::read() {
  std::string text;
  std::array<unsigned char, 16384> bytes;
  for (;;) {
    const int size = mbedtls_ssl_read(&parts_->ssl, bytes.data(), bytes.size());
    if (size <= 0) {
      has_ended_ = size != MBEDTLS_ERR_SSL_WANT_READ;
      return text;
    }
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
  }
}

void TlsClient::write(std::string_view text) {
  while (!text.empty()) {
    const int size = mbedtls_ssl_write(&parts_->ssl, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    ASSERT_GT(size, 0);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

void TlsClient::close_notify() { mbedtls_ssl_close_notify(&parts_->ssl); }

std::string TlsClient::server_name() const {
  std::array<char, 256> text{};
  const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(&parts_->ssl);
  if (certificate != nullptr) mbedtls_x509_dn_gets(text.data(), text.size(), &certificate->subject);
  return text.data();
}

std::string TlsClient::protocol() const {
  const char* protocol = mbedtls_ssl_get_alpn_protocol(&parts_->ssl);
  return protocol == nullptr ? "" : protocol;
}

void TlsClient::save_session(mbedtls_ssl_session& session) const {
  EXPECT_EQ(mbedtls_ssl_get_session(&parts_->ssl, &session), 0);
}

}  // namespace mortise::net::test
