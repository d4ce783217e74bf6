#pragma once

#include <string>

#include "broker/admin/broker_access.h"
#include "broker/admin/fields.h"

/// What is known of the broker, as JSON; the schemas of the same names are in schemas.cc.
namespace mortise::admin {

Json session_json(const core::SessionReport& session);
Json subscription_json(const core::SubscriptionReport& subscription);
Json message_json(const mqtt::Message& message, bool has_payload);
Json ban_json(const core::Ban& ban);
Json plugin_json(const plugin_host::PluginDescription& plugin, const plugin_host::InstanceStatistics* statistics);
/// The configuration with its defaults. What may be a secret of a plugin is left out.
Json configuration_json(const config::Settings& settings);

/// "2026-01-02T03:04:05.678Z"; null for never.
Json time_json(WallTime time);
const char* kind_name(core::BanKind kind) noexcept;
/// The kind of that name; nothing for what is none.
std::optional<core::BanKind> kind_of(std::string_view name) noexcept;
/// "deadline_passed".
std::string failure_name(hooks::FailureKind kind);

}  // namespace mortise::admin
