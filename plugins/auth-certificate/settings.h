#pragma once

#include <chrono>
#include <memory>
#include <mortise/config.hpp>

#include "rules.h"

namespace auth_certificate {

/// What the configuration and the files it names say. Immutable: a reload makes another.
struct Settings {
  Rules rules;
  bool denies_without = false;   // a client that shows no certificate
  bool denies_otherwise = true;  // a client that no rule speaks of
  std::chrono::milliseconds cache{60'000};

  /// Errors: throws mortise::Error with a line for the operator.
  static std::shared_ptr<const Settings> read(const mortise::ConfigView& config);
};

}  // namespace auth_certificate
