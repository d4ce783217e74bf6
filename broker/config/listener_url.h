#pragma once

#include <string>
#include <string_view>

#include "broker/config/settings.h"

namespace mortise::config {

/// Fills what a listener's url says: what it speaks, host, port and path. A Unix socket's path is as written. Errors: a
/// scheme that is not there yet or not known, no host, a port that is none, a path where none belongs or none where one
/// does.
Result<void> parse_listener_url(ListenerSettings& listener);

/// Fills what the url of the operators' listener says. Errors: as above.
Result<void> parse_admin_url(AdminSettings& admin);

/// 127.0.0.0/8, ::1, the IPv4-mapped ones of it, and `localhost`; any other name is not (it could resolve to anything).
bool is_loopback_host(std::string_view host) noexcept;

/// v3.1, v3.1.1 or v5.
bool is_version_name(std::string_view text) noexcept;

}  // namespace mortise::config
