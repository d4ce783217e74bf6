#include "broker/net/certificate_identity.h"

#include <arpa/inet.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>
#include <array>
#include <optional>

#include "broker/mqtt/topic.h"
#include "broker/net/mbedtls_version.h"

namespace mortise::net {

namespace {

/// Text of a certificate that everybody can pass on: UTF-8 without control characters.
bool is_plain(std::string_view text) {
  return !text.empty() && mqtt::is_valid_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string_view text_of(const mbedtls_asn1_buf& value) { return {reinterpret_cast<const char*>(value.p), value.len}; }

std::string common_name_of(const mbedtls_x509_crt& certificate) {
  for (const mbedtls_x509_name* name = &certificate.subject; name != nullptr; name = name->next) {
    if (name->oid.p == nullptr || MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) != 0) continue;
    return is_plain(text_of(name->val)) ? std::string(text_of(name->val)) : std::string();
  }
  return {};
}

std::string subject_of(const mbedtls_x509_crt& certificate) {
  std::array<char, 1024> text{};
  const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &certificate.subject);
  const std::string_view subject(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return is_plain(subject) ? std::string(subject) : std::string();
}

// GeneralName (RFC 5280, 4.2.1.6): the number of the choice is the tag's.
constexpr unsigned kTagNumber = 0x1F;
enum Kind : unsigned { kEmail = 1, kDns = 2, kUri = 6, kIp = 7 };

std::string address_text(const mbedtls_asn1_buf& value) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = value.len == 4 ? AF_INET : value.len == 16 ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC || ::inet_ntop(family, value.p, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

/// "dns:a.example"; empty: of a kind nobody asks for, or not plain text.
std::string alternative_name(const mbedtls_asn1_buf& value) {
  const unsigned kind = static_cast<unsigned>(value.tag) & kTagNumber;
  const std::string text = kind == kIp ? address_text(value) : std::string(text_of(value));
  const char* name = kind == kEmail ? "email:"
                     : kind == kDns ? "dns:"
                     : kind == kUri ? "uri:"
                     : kind == kIp  ? "ip:"
                                    : nullptr;
  if (name == nullptr || !is_plain(text)) return {};
  std::string result = name;
  for (const char byte : text) {
    // A comma ends a name in the list of them.
    byte == ',' ? result.append("%2C") : result.append(1, byte);
  }
  return result;
}

template <class Visit>
void for_each_alternative_name(const mbedtls_x509_crt& certificate, Visit&& visit) {
  for (const mbedtls_x509_sequence* name = &certificate.subject_alt_names; name != nullptr; name = name->next) {
    if (name->buf.p != nullptr) visit(name->buf);
  }
}

std::string fingerprint_of(const mbedtls_x509_crt& certificate) {
  std::array<unsigned char, 32> digest{};
  if (!mbed::sha256(certificate.raw.p, certificate.raw.len, digest.data())) return {};
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

mqtt::CertificateIdentity identity_of(const mbedtls_x509_crt& certificate) {
  mqtt::CertificateIdentity identity;
  identity.subject = subject_of(certificate);
  identity.common_name = common_name_of(certificate);
  for_each_alternative_name(certificate, [&](const mbedtls_asn1_buf& value) {
    const std::string name = alternative_name(value);
    std::string& names = identity.subject_alternative_name;
    if (!name.empty()) names.append(names.empty() ? "" : ", ").append(name);
  });
  identity.fingerprint_sha256 = fingerprint_of(certificate);
  return identity;
}

std::vector<std::string> host_names_of(const mbedtls_x509_crt& certificate) {
  std::vector<std::string> names;
  for_each_alternative_name(certificate, [&](const mbedtls_asn1_buf& value) {
    if ((static_cast<unsigned>(value.tag) & kTagNumber) == kDns && is_plain(text_of(value)))
      names.emplace_back(text_of(value));
  });
  if (names.empty()) names.push_back(common_name_of(certificate));
  return names;
}

bool is_host_name(std::string_view name, std::string_view host) noexcept {
  if (name.starts_with("*.")) {
    const std::size_t dot = host.find('.');
    if (dot == 0 || dot == std::string_view::npos) return false;
    name.remove_prefix(1);
    host.remove_prefix(dot);
  }
  return !name.empty() && std::ranges::equal(name, host, [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace mortise::net
