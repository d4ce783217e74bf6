#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "request.h"

namespace auth_http {

inline constexpr std::size_t kMaximumBody = 64 * 1024;  // of an answer

/// What came back.
struct Response {
  unsigned status = 0;
  std::string body;
};

/// One endpoint, and the connections to it: as many as threads ask at once, kept open between requests where the
/// server allows it. A request is waited for by the thread that makes it, never by a callback, and never longer than
/// until its deadline. Internally synchronised.
class Client {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// `origin`: "https://host:port". `ca`: a PEM file with the authorities of a https server. Errors: throws
  /// mortise::Error with a line for the operator.
  Client(const std::string& origin, const std::string& ca, std::size_t most_connections);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Errors: false, and `why` for the log. Thread: those of a pool with at most `most_connections`.
  bool post(Rendered& request, const char* content_type, Deadline deadline, Response& response, std::string& why);
  /// Whoever waits is told at once that it failed, and so is everybody who asks afterwards.
  void stop();

 private:
  class Connection;
  class Origin;

  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Origin> origin_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Connection*> all_;  // to be stopped
  std::vector<std::unique_ptr<Connection>> free_;
  bool is_stopped_ = false;
};

}  // namespace auth_http
