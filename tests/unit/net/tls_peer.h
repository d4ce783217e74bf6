#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/net/descriptor.h"

namespace mortise::net::test {

/// Certificates and keys made for one test, as files in a folder of its own.
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  struct Files {
    std::filesystem::path certificate, key;
  };
  /// Issues a certificate with a new key; `subject` as "CN=alice,O=Org".
  Files issue(const std::string& name, const std::string& subject, const std::vector<std::string>& host_names = {});
  const std::filesystem::path& certificate() const noexcept { return certificate_; }
  /// Writes `text` to a file of this name.
  std::filesystem::path write(const std::string& name, const std::string& text) const;

 private:
  struct Key;
  std::filesystem::path write_certificate(const std::string& name, const std::string& subject, Key& key,
                                          const std::vector<std::string>& host_names, bool is_authority);
  std::filesystem::path write_key(const std::string& name, Key& key) const;

  const std::filesystem::path folder_;
  std::unique_ptr<Key> own_key_;
  std::filesystem::path certificate_;
  int serial_ = 1;
};

/// The client's end of a TLS connection over a non-blocking socket.
class TlsClient {
 public:
  struct Options {
    std::filesystem::path authority;  // empty: no server is verified
    std::optional<Authority::Files> own;
    std::string host;  // SNI
    std::vector<const char*> protocols;
    std::string psk_identity;
    std::vector<unsigned char> psk;
    mbedtls_ssl_session* session = nullptr;  // to resume
  };
  TlsClient(Descriptor socket, Options options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// One step: 0 when the handshake is done, MBEDTLS_ERR_SSL_WANT_READ while it goes on, else why it failed.
  int shake_hands();
  /// What has come.
  std::string read();
  /// Whether the server said that nothing more comes.
  bool has_ended() const noexcept { return has_ended_; }
  /// Writes all of it, encrypted, or fails the test.
  void write(std::string_view text);
  void close_notify();
  /// The common name of the server's certificate.
  std::string server_name() const;
  std::string protocol() const;
  void save_session(mbedtls_ssl_session& session) const;
  Descriptor& socket() noexcept { return socket_; }

 private:
  struct Parts;
  Descriptor socket_;
  Options options_;
  std::unique_ptr<Parts> parts_;
  bool has_ended_ = false;
};

}  // namespace mortise::net::test
