#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "broker/admin/callers.h"
#include "broker/admin/inbox.h"
#include "broker/config/settings.h"
#include "broker/net/descriptor.h"

struct MHD_Daemon;

namespace mortise::admin {

/// The HTTP side of the API: takes requests in, checks the token, asks its inbox, answers. A thread for each of a few
/// connections; none of them touches the broker. Used by the control thread; what the library's threads use of it is
/// constant while they run, or synchronised.
class HttpServer {
 public:
  /// What it serves with: settings, and what is in the files that they name.
  struct Basis {
    config::AdminSettings settings;
    std::string token, certificate, key;
    bool operator==(const Basis&) const = default;
  };
  /// Errors: the token or the certificate cannot be read: which, and what to do.
  static Result<Basis> read(const config::AdminSettings& settings);

  /// Opens the address; that of `before` it takes over, and both accept until `before` retires. `ring` is called, from
  /// any thread, when a request has come. Errors: the address cannot be used, or certificate and key are no pair.
  static Result<std::unique_ptr<HttpServer>> start(Basis basis, std::function<void()> ring, const HttpServer* before);
  /// Whoever waits is told that the broker stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:9883", with the port that was found where 0 was asked for.
  const std::string& url() const noexcept { return url_; }
  const Basis& basis() const noexcept { return basis_; }
  Inbox& inbox() noexcept { return inbox_; }

  /// Another takes its place, or none (null): nobody is accepted any more, strangers are sent away, and who has shown
  /// the token is with the next answer. The address is free, unless the successor took it over.
  void retire(const HttpServer* successor);
  /// Nobody is connected.
  bool is_deserted() { return callers_.size() == 0; }

 private:
  struct Callbacks;
  HttpServer(Basis basis, std::function<void()> ring)
      : basis_(std::move(basis)), inbox_(std::move(ring)), callers_(basis_.settings.max_connections) {}
  Result<void> listen(const HttpServer* before);

  Basis basis_;  // constant, but that the library asks for what it only reads as if it wrote
  Inbox inbox_;
  Callers callers_;
  std::string url_;
  std::uint16_t port_ = 0;
  bool has_taken_over_ = false;  // the socket of the server before it
  net::Descriptor socket_;
  net::Descriptor quiesced_;  // of the library, whose thread may look at it until the library stops
  std::atomic<bool> is_retired_{false};
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace mortise::admin
