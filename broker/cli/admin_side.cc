#include "broker/cli/admin_side.h"

#include <cstdio>

#include "broker/admin/http_client.h"
#include "broker/admin/routes.h"
#include "broker/admin/whole_file.h"
#include "broker/base/bytes.h"

namespace mortise::cli {

namespace {

constexpr std::size_t kMostRetired = 4;
constexpr Seconds kRetiresWithin{30};  // as long as a request may wait for its answer

}  // namespace

Result<std::unique_ptr<AdminSide>> AdminSide::start(admin::LiveBroker::Parts parts, std::function<void()> ring) {
  const config::SettingsPtr settings = parts.settings;
  std::unique_ptr<AdminSide> side(
      new AdminSide(std::move(parts), std::move(ring)));  // NOLINT: the constructor is private
  if (Result<void> restored = side->broker_.restore_bans(settings->data_dir / "bans.json"); !restored)
    return std::move(restored).as_failure();
  Result<Next> next = side->prepare(*settings);
  if (!next) return std::move(next).as_failure();
  side->use(std::move(*next));
  return side;
}

AdminSide::~AdminSide() {
  // Whoever has the port next must not be taken for this broker.
  if (server_) remove_url();
}

void AdminSide::answer_waiting() {
  // An answer can be a reload, which exchanges servers and ends none.
  std::vector<admin::HttpServer*> servers;
  for (const Retired& retired : retired_) servers.push_back(retired.server.get());
  if (server_) servers.push_back(server_.get());
  for (admin::HttpServer* server : servers) {
    server->inbox().answer_waiting([this](const admin::Request& request) { return admin::answer(request, broker_); });
  }
}

Result<AdminSide::Next> AdminSide::prepare(const config::Settings& settings) const {
  Next next;
  if (!settings.admin.is_on()) {
    next.is_other = server_ != nullptr;
    return next;
  }
  config::AdminSettings wanted = settings.admin;
  wanted.token_file = settings.admin_token_file();
  Result<admin::HttpServer::Basis> basis = admin::HttpServer::read(wanted);
  if (!basis) return std::move(basis).as_failure();
  if (server_) {
    const admin::HttpServer::Basis& running = server_->basis();
    if (running == *basis) return next;
    if (running.token != basis->token) next.files.emplace_back("admin.token_file");
    if (running.certificate != basis->certificate) next.files.emplace_back("admin.tls.certificate");
    if (running.key != basis->key) next.files.emplace_back("admin.tls.key");
  }
  if (retired_.size() >= kMostRetired)
    return failure("operators are still connected to the API as it was " + std::to_string(kMostRetired) +
                   " reloads before; try again in half a minute");
  auto server = admin::HttpServer::start(std::move(*basis), ring_, server_.get());
  if (!server) return std::move(server).as_failure();
  if (url() != (*server)->url()) {
    if (Result<void> written = write_url((*server)->url()); !written) return std::move(written).as_failure();
  }
  next.is_other = true;
  next.server = std::move(*server);
  return next;
}

void AdminSide::use(Next next) {
  if (!next.is_other) return;
  if (server_) {
    server_->retire(next.server.get());
    retired_.push_back({std::move(server_), steady_now() + kRetiresWithin});
  }
  server_ = std::move(next.server);
  if (!server_) remove_url();
}

std::size_t AdminSide::clean_up(SteadyTime now) {
  std::erase_if(retired_, [now](Retired& retired) { return retired.until <= now || retired.server->is_deserted(); });
  return retired_.size();
}

/// Where `mortise ctl` finds it, whatever port it has.
Result<void> AdminSide::write_url(const std::string& url) const {
  const std::filesystem::path file = admin::url_file(data_dir_);
  const std::string why = admin::write_whole(file, file.string() + ".new", url + "\n", std::rename);
  return why.empty() ? Result<void>() : failure(quoted(file.string()) + " cannot be written: " + why);
}

void AdminSide::remove_url() const {
  std::error_code ignored;
  std::filesystem::remove(admin::url_file(data_dir_), ignored);
}

}  // namespace mortise::cli
