#pragma once

#include <memory>
#include <string>

#include "broker/admin/inbox.h"
#include "broker/config/settings.h"
#include "broker/net/descriptor.h"

struct MHD_Daemon;

namespace mortise::admin {

/// The HTTP side of the API: takes requests in, checks the token, asks the inbox, answers. A thread for each of a few
/// connections; none of them touches the broker. Used by the control thread.
class HttpServer {
 public:
  /// Opens the address. `inbox` outlives the server. Errors: the address cannot be used, the token or the certificate
  /// cannot be read: which, and what to do.
  static Result<std::unique_ptr<HttpServer>> start(const config::AdminSettings& settings, Inbox& inbox);
  /// Whoever waits is told that the broker stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:9883", with the port that was found where 0 was asked for.
  const std::string& url() const noexcept { return url_; }

  // For the callbacks of the library, on its threads.
  Inbox& inbox() noexcept { return inbox_; }
  const config::AdminSettings& settings() const noexcept { return settings_; }
  bool is_token(const char* authorization) const noexcept;

 private:
  HttpServer(const config::AdminSettings& settings, Inbox& inbox, std::string token)
      : settings_(settings), inbox_(inbox), token_(std::move(token)) {}
  Result<void> listen();

  const config::AdminSettings settings_;
  Inbox& inbox_;
  const std::string token_;
  std::string certificate_, key_;
  std::string url_;
  net::Descriptor socket_;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace mortise::admin
