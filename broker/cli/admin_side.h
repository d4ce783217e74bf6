#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/admin/http_server.h"
#include "broker/admin/live_broker.h"

namespace mortise::cli {

/// What operators reach of a broker: the API over HTTP, in front of a LiveBroker. Used by the control thread.
class AdminSide {
 public:
  /// Takes the bans of before a restart in, and serves if the settings say so. `ring` is called, from any thread, when
  /// answer_waiting() has something to do. Errors: bans.json, the address, the token or the certificate cannot be used.
  static Result<std::unique_ptr<AdminSide>> start(admin::LiveBroker::Parts parts, std::function<void()> ring);
  /// Whoever waits is told that the broker stops.
  ~AdminSide();
  AdminSide(const AdminSide&) = delete;
  AdminSide& operator=(const AdminSide&) = delete;

  admin::LiveBroker& broker() noexcept { return broker_; }
  /// "http://127.0.0.1:9883"; empty when there is none.
  std::string url() const { return server_ ? server_->url() : std::string(); }
  void answer_waiting();

  // ---- Reload -----------------------------------------------------------------------------------------------------
  /// A server for other settings or files, which answers nothing yet.
  struct Next {
    bool is_other = false;
    std::vector<std::string> files;             // the keys of those that hold something else now
    std::unique_ptr<admin::HttpServer> server;  // null: there is to be none
  };
  /// Errors: as start()'s, and too many servers of before still have somebody connected.
  Result<Next> prepare(const config::Settings& settings) const;
  /// Who is connected to the server of before has its answer yet.
  void use(Next next);
  /// Ends servers of before that nobody is connected to; returns how many are left. To be called now and then.
  std::size_t clean_up(SteadyTime now);

 private:
  struct Retired {
    std::unique_ptr<admin::HttpServer> server;
    SteadyTime until;
  };
  AdminSide(admin::LiveBroker::Parts parts, std::function<void()> ring)
      : data_dir_(parts.settings->data_dir), ring_(std::move(ring)), broker_(std::move(parts)) {}
  Result<void> write_url(const std::string& url) const;
  void remove_url() const;

  const std::filesystem::path data_dir_;
  const std::function<void()> ring_;
  admin::LiveBroker broker_;
  std::unique_ptr<admin::HttpServer> server_;
  std::vector<Retired> retired_;
};

}  // namespace mortise::cli
