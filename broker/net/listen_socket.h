#pragma once

#include <cstddef>
#include <string>

#include "broker/base/result.h"
#include "broker/config/settings.h"
#include "broker/net/descriptor.h"

struct sockaddr_storage;

namespace mortise::net {

/// Opens the socket of a listener, TCP or Unix, and listens. `setting`: where its url stands, for messages.
/// The file of a Unix socket that nobody listens on any more is replaced.
/// Errors: the address cannot be used: which, why, and what to change.
Result<Descriptor> open_listen_socket(const config::ListenerSettings& settings, const std::string& setting);

/// What the settings ask of a socket that somebody else opened. Errors: as above.
Result<void> prepare_inherited(const Descriptor& socket, const config::ListenerSettings& settings,
                               const std::string& setting);

/// An address as text and its port; empty for another family than IP.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string text() const { return host.empty() ? "a Unix socket" : host + ":" + std::to_string(port); }
};
Endpoint describe(const sockaddr_storage& address);
/// The other end of a socket.
Endpoint peer_of(int socket);
/// The own end of a socket.
Endpoint local_end_of(int socket);

}  // namespace mortise::net
