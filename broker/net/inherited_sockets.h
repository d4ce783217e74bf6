#pragma once

#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/config/settings.h"
#include "broker/net/descriptor.h"

namespace mortise::net {

/// A listening socket that was open before this process began: of systemd, by its protocol of socket activation.
struct InheritedSocket {
  Descriptor socket;
  std::string name;  // FileDescriptorName= of its socket unit
};

/// What LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES say is there; they are taken out of the environment, and the
/// descriptors are not passed on. Called once, before there are threads. Errors: the environment says nonsense.
Result<std::vector<InheritedSocket>> take_inherited_sockets();

/// Which listener each is of: the one with its address, or else the one with its name. Returns one descriptor for each
/// listener, those without an inherited socket empty. Errors: a socket that fits no listener, or lets others in than
/// the url of the listener with its name says: which, and what to write.
Result<std::vector<Descriptor>> match_inherited(std::vector<InheritedSocket> inherited,
                                                const std::vector<config::ListenerSettings>& listeners);

}  // namespace mortise::net
