#pragma once

#include <string_view>
#include <vector>

#include "broker/mqtt/principal.h"

struct mbedtls_x509_crt;

namespace mortise::net {

/// Who a certificate says its owner is.
mqtt::CertificateIdentity identity_of(const mbedtls_x509_crt& certificate);

/// The host names a server's certificate is for: its alternative names, or its common name when it has none.
std::vector<std::string> host_names_of(const mbedtls_x509_crt& certificate);

/// Whether a Client that asks for `host` is meant by `name`, which may begin with "*." for one label (RFC 6125, 6.4.3).
bool is_host_name(std::string_view name, std::string_view host) noexcept;

}  // namespace mortise::net
