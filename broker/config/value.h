#pragma once

#include "broker/config/document.h"
#include "broker/config/keys.h"

namespace mortise::config {

/// Reads one value as its row says; `path` is what messages call it ("listeners[0].url"). Errors: "path: what is wrong;
/// what is allowed".
Result<Value, Problem> read_value(const Key& key, const YamlNode& node, const std::string& path);

/// Whether `text` is [a-z0-9_-]{1,32}.
bool is_name(std::string_view text) noexcept;

}  // namespace mortise::config
