#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/config/settings.h"

struct mbedtls_ssl_config;
struct mbedtls_ssl_context;

namespace mortise::net {

/// What the server's end of TLS needs of one listener, as its files said when they were read: certificates and keys,
/// who may issue Clients' certificates, which are revoked, pre-shared keys, cipher suites, the keys of session tickets.
/// Immutable but for the tickets' keys, which mbedTLS synchronises; shared by all connections made with it and by all
/// loops. A reload makes another one, so that tickets of the one before are not taken any more.
class TlsServer {
 public:
  /// `number`: of the listener, for messages. Errors: a file that cannot be read or is not what it should be, a key of
  /// another certificate, a cipher suite that is not known: which, and the setting that names it.
  static Result<std::shared_ptr<const TlsServer>> load(const config::ListenerSettings& settings, std::size_t number);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();

  const mbedtls_ssl_config& config() const noexcept;
  /// Which certificates a Client gets that asks for `name` (SNI): those whose names match, without any the default.
  void choose_certificates(mbedtls_ssl_context& connection, std::string_view name) const;
  /// The key of `identity`; false: it has none.
  bool set_pre_shared_key(mbedtls_ssl_context& connection, std::string_view identity) const;

 private:
  struct Parts;
  explicit TlsServer(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace mortise::net
