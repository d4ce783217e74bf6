#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "broker/cli/broker.h"
#include "broker/cli/commands.h"
#include "broker/cli/default_paths.h"
#include "broker/cli/plugin_line.h"
#include "broker/cli/process_cpu.h"
#include "broker/cli/service_notifier.h"
#include "broker/observe/log_sink.h"

namespace mortise::cli {

namespace {

constexpr Seconds kGrace{5};  // for the last bytes of every connection

struct RunArguments {
  std::string config, urls_file;
};

/// Blocked from here on in every thread: this one waits for them.
sigset_t block_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, kAdminSignal}) ::sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow (ulimit -f) is a full disk, and no reason to end
  return signals;
}

/// Waits for a signal until `until`; negative: none came. Those of the system go before that of operators, which is
/// sent to this thread and would come first however often it comes.
int wait_for_signal(const sigset_t& signals, SteadyTime until) {
  sigset_t of_system = signals;
  ::sigdelset(&of_system, kAdminSignal);
  const timespec at_once{};
  if (const int number = ::sigtimedwait(&of_system, nullptr, &at_once); number > 0) return number;
  if (until == kNever) return ::sigwaitinfo(&signals, nullptr);
  const auto left = std::max(until - steady_now(), SteadyTime::duration(0));
  const auto seconds = std::chrono::duration_cast<Seconds>(left);
  timespec timeout{};
  timeout.tv_sec = seconds.count();
  timeout.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count();
  return ::sigtimedwait(&signals, nullptr, &timeout);
}

/// For who asks the service manager how it is.
std::string status_of(const Broker& broker) {
  std::string status = "listening on";
  for (const std::string& url : broker.open_urls()) status += " " + url;
  return status;
}

/// Does what is due, and says when there is something to do again.
SteadyTime next_look(Broker& broker, ServiceNotifier& manager) {
  const SteadyTime now = steady_now();
  return std::min({broker.refresh_sys_topics(now), broker.watch_memory(now), broker.clean_up(now),
                   manager.beat(now, [&broker] { return broker.is_alive(); })});
}

void run_until_the_end(Broker& broker, ServiceNotifier& manager, const sigset_t& signals) {
  for (;;) {
    const int number = wait_for_signal(signals, next_look(broker, manager));
    if (number == SIGHUP) {
      manager.reloading();
      (void)broker.reload();  // it says in the log how that went
      manager.ready(status_of(broker));
    } else if (number == kAdminSignal) {
      broker.answer_operators();
    } else if (number > 0) {
      MORTISE_LOG(kInfo, "cli", "stopping: %s", ::strsignal(number));
      return;
    }
  }
}

void print_what_runs(const Broker& broker, const config::Settings& settings) {
  std::printf("mortise %s, node %s, %zu loops, data in %s\n", MORTISE_VERSION, settings.node_name.c_str(),
              broker.loops(), settings.data_dir.c_str());
  for (const auto& plugin : broker.plugins()) std::printf("%s\n", describe(plugin).c_str());
  if (const storage::RecoveryReport* found = broker.recovered()) {
    std::printf(
        "restored %llu sessions, %llu subscriptions, %llu queued messages, %llu retained messages, %llu wills\n",
        static_cast<unsigned long long>(found->sessions), static_cast<unsigned long long>(found->subscriptions),
        static_cast<unsigned long long>(found->queued_messages), static_cast<unsigned long long>(found->retained),
        static_cast<unsigned long long>(found->wills));
  }
  for (const std::string& url : broker.open_urls()) std::printf("listening on %s\n", url.c_str());
  if (const std::string url = broker.admin_url(); !url.empty()) std::printf("operators at %s\n", url.c_str());
  std::printf("ready\n");
  std::fflush(stdout);
}

/// One URL a line. Written aside and renamed, so that whoever waits for the file finds it whole.
Result<void> write_urls(const Broker& broker, const std::string& path) {
  if (path.empty()) return {};
  const std::string temporary = path + ".new";
  std::ofstream file(temporary);
  for (const std::string& url : broker.open_urls()) file << url << "\n";
  file.close();
  if (!file || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return failure("--print-urls " + quoted(path) + " cannot be written: " + std::strerror(errno));
  }
  return {};
}

Result<void> run(const RunArguments& arguments) {
  Result<config::SettingsPtr> settings = config::load(arguments.config, default_plugin_dir());
  if (!settings) return std::move(settings).as_failure();
  const sigset_t signals = block_signals();
  observe::install_log_sink((*settings)->log_level);
  for (const std::string& warning : (*settings)->warnings) MORTISE_LOG(kWarning, "config", "%s", warning.c_str());
  raise_descriptor_limit();
  ServiceNotifier manager = ServiceNotifier::from_environment();
  Result<std::vector<net::InheritedSocket>> inherited = net::take_inherited_sockets();
  if (!inherited) return std::move(inherited).as_failure();
  Result<std::unique_ptr<Broker>> broker = Broker::start(*settings, default_plugin_dir(), std::move(*inherited));
  if (!broker) return std::move(broker).as_failure();
  print_what_runs(**broker, **settings);
  if (Result<void> written = write_urls(**broker, arguments.urls_file); !written) return written;
  manager.ready(status_of(**broker));
  run_until_the_end(**broker, manager, signals);
  manager.stopping();
  (*broker)->stop(kGrace);
  return {};
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("run", "Run the broker");
  auto arguments = std::make_shared<RunArguments>();
  command->add_option("-c,--config", arguments->config, "The configuration (YAML)")->required();
  command->add_option("--print-urls", arguments->urls_file, "Write what listens where to this file once all is open");
  command->callback([arguments, &status] {
    const Result<void> done = run(*arguments);
    status = done ? 0 : fail("run", done.error());
  });
}

}  // namespace mortise::cli
