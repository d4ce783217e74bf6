#pragma once

#include <string>

#include "broker/config/document.h"

namespace mortise::config {

/// A YAML node as JSON text: scalars typed by the YAML 1.2 core schema, quoted ones stay text, order of keys kept.
/// Errors: a number JSON cannot hold (infinite, not a number, beyond 64 bits); `path` is what messages call the node.
Result<std::string, Problem> to_json_text(const YamlNode& node, const std::string& path);

}  // namespace mortise::config
