#pragma once

#include <map>
#include <string>

#include "broker/config/document.h"
#include "broker/config/settings.h"

namespace mortise::config {

/// What a document says, key by key, before what only makes sense together is checked.
struct Reading {
  Settings settings;
  std::map<std::string, Place>
      places;  // of every value the file gives: "hooks.auth[1]", "listeners[0].url", "plugins[2]"

  bool has(const std::string& path) const { return places.contains(path); }
  Place place_of(const std::string& path) const {
    const auto found = places.find(path);
    return found == places.end() ? Place{1, 1} : found->second;
  }
};

/// Reads a document by the table of keys. Errors: a key that is unknown (with the nearest one), missing or not there
/// yet; a value of the wrong type, unit or range.
Result<Reading, Problem> read_document(const YamlNode& root);

}  // namespace mortise::config
