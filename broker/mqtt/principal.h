#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/shared_bytes.h"
#include "broker/base/time.h"
#include "broker/mqtt/types.h"

namespace mortise::mqtt {

/// Who a peer's certificate says it is.
struct CertificateIdentity {
  std::string subject;
  std::string common_name;
  std::string subject_alternative_name;  // "dns:a.example, email:a@b, uri:..., ip:..."; a comma in one is %2C
  std::string fingerprint_sha256;        // 64 lower-case hexadecimal digits
  bool operator==(const CertificateIdentity&) const = default;
};
/// Null: no certificate was shown.
using CertificatePtr = std::shared_ptr<const CertificateIdentity>;

/// Where a Client's user name comes from: its CONNECT, or what it showed before.
enum class IdentitySource : std::uint8_t {
  kConnect,
  kCertificateCommonName,
  kCertificateAlternativeName,
  kPreSharedKey
};

/// The process at the other end of a Unix socket, as the system says it was when it connected.
struct PeerProcess {
  std::uint32_t user_id = 0;
  std::uint32_t group_id = 0;
  std::uint32_t process_id = 0;
  bool operator==(const PeerProcess&) const = default;
};

/// What the plugin that let a client in wants to find again when it is asked about it.
struct PrincipalNote {
  std::string plugin;
  std::string text;
};
/// In order. Null: there are none.
using UserProperties = std::vector<std::pair<std::string, std::string>>;
using UserPropertiesPtr = std::shared_ptr<const UserProperties>;

/// What few Clients have, apart from what all have.
struct PrincipalDetails {
  CertificatePtr certificate;
  UserPropertiesPtr user_properties;  // of CONNECT
  std::optional<PrincipalNote> note;  // not stored: it goes with the connection
};

/// Who is connected: a snapshot made once per successful CONNECT, held by whatever needs to know it later (session,
/// Will, offline queue, hooks, bridges) instead of the connection. Immutable: only ever a shared_ptr<const Principal>.
/// Every idle client has one, so what most do not have, or share, is one pointer.
struct Principal {
  std::string client_id;                 // as used for the session; assigned by the Server when the Client sent none
  std::optional<std::string> user_name;  // as authentication decided it
  std::string name_space;                // set by authentication; scopes client ids and session keys
  SharedBytes listener;                  // its URL
  std::string peer_address;              // "127.0.0.1", "::1"; empty on a Unix socket
  std::uint16_t peer_port = 0;
  ProtocolVersion version = ProtocolVersion::k5;
  WallTime connected_at{};
  std::uint64_t epoch = 0;                          // of the connection: never repeats while the broker runs
  std::shared_ptr<const PrincipalDetails> details;  // null: none of them

  // Null: there is none.
  const CertificateIdentity* certificate() const noexcept { return details ? details->certificate.get() : nullptr; }
  const UserProperties* user_properties() const noexcept { return details ? details->user_properties.get() : nullptr; }
  const PrincipalNote* note() const noexcept { return details && details->note ? &*details->note : nullptr; }
  void set_details(PrincipalDetails all) {
    const bool has_any = all.certificate || all.user_properties || all.note;
    details = has_any ? std::make_shared<const PrincipalDetails>(std::move(all)) : nullptr;
  }
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace mortise::mqtt
