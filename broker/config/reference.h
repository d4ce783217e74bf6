#pragma once

#include <string>

/// What `conf/` ships, made from the table of keys.
namespace mortise::config {

/// A YAML file with every key, its default and its sentence: reading it gives the defaults.
std::string reference_yaml();

/// A JSON Schema (2020-12) of the file, for editors. It says less than `mortise check`: units' ranges and what only
/// makes sense together are not in it.
std::string json_schema();

}  // namespace mortise::config
