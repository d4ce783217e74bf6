#pragma once

#include <chrono>
#include <memory>
#include <mortise/config.hpp>
#include <set>

#include "claims.h"
#include "key_store.h"

namespace auth_jwt {

/// What the configuration and the files it names say. Immutable, the keys apart: a reload makes another.
struct Settings {
  enum class Place { kPassword, kUserName };
  Place place = Place::kPassword;
  bool passes_on_others = false;  // what is no token is for the next plugin
  std::set<Algorithm> algorithms;
  std::shared_ptr<KeyStore> keys;
  ClaimRules rules;
  bool disconnects_at_expiry = true;
  std::size_t max_token = 8192;  // bytes
  std::size_t threads = 1;
  std::size_t queue = 256;
  std::chrono::milliseconds timeout{10'000};
  std::chrono::milliseconds cache{60'000};

  /// `warn`: for what is found out later. Errors: throws mortise::Error with a line for the operator.
  static std::shared_ptr<const Settings> read(const mortise::ConfigView& config, KeyStore::Say warn);
};

}  // namespace auth_jwt
