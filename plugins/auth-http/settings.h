#pragma once

#include <memory>
#include <mortise/config.hpp>

#include "breaker.h"
#include "client.h"

namespace auth_http {

/// The placeholders: of who connects, and of who is connected and wants to do something.
enum ConnectName : std::size_t {
  kConnectClientId,
  kConnectUserName,
  kPassword,
  kBasic,
  kConnectPeer,
  kConnectListener,
  kCommonName
};
enum AccessName : std::size_t {
  kAccessClientId,
  kAccessUserName,
  kNameSpace,
  kAction,
  kTopic,
  kAccessPeer,
  kAccessListener
};
const std::vector<std::string>& connect_names();
const std::vector<std::string>& access_names();

/// Somebody to ask, with all that is remembered of him. Internally synchronised.
struct Endpoint {
  Endpoint(RequestTemplate made, const std::string& origin, const std::string& ca, std::size_t most_connections,
           std::uint32_t failures, std::chrono::milliseconds pause, std::size_t cache_entries)
      : request(std::move(made)),
        client(origin, ca, most_connections),
        breaker(failures, pause),
        cache(cache_entries) {}

  const RequestTemplate request;
  Client client;
  Breaker breaker;
  Cache cache;
};

/// What the configuration says. Immutable: a reload makes another instance.
struct Settings {
  std::shared_ptr<Endpoint> authenticate;
  std::shared_ptr<Endpoint> authorize;  // null: by what the answer to authenticate grants
  std::size_t connections = 8;          // of each
  std::size_t queue = 1000;             // requests that wait or are under way
  std::size_t queue_bytes = 4 * 1024 * 1024;
  std::chrono::milliseconds timeout{5000};
  std::chrono::milliseconds allowed_for{30'000};  // in the cache
  std::chrono::milliseconds denied_for{5000};

  /// Errors: throws mortise::Error with a line for the operator.
  static Settings read(const mortise::ConfigView& config);
};

}  // namespace auth_http
