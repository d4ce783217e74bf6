#pragma once

#include <string>
#include <string_view>

#include "broker/config/settings.h"

namespace mortise::config {

/// Fills kind, host and port of a listener from its url. Errors: a scheme that is not there yet or not known, no host,
/// a port that is none, a path.
Result<void> parse_listener_url(ListenerSettings& listener);

/// 127.0.0.0/8, ::1, the IPv4-mapped ones of it, and `localhost`; any other name is not (it could resolve to anything).
bool is_loopback_host(std::string_view host) noexcept;

}  // namespace mortise::config
