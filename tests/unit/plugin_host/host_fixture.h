#pragma once

#include <gtest/gtest.h>
#include <mortise/abi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/plugin_host/host.h"
#include "broker/plugin_host/services.h"
#include "broker/plugin_host/statistics.h"
#include "tests/plugins/probe.h"

namespace mortise::plugin_host {

/// A loop's executor that runs its tasks when the test says so.
class ManualExecutor final : public Executor {
 public:
  bool post(Task task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    return true;
  }
  std::size_t run_all();
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
  }

 private:
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

/// Remembers what completes, and lets a test wait for it.
class RecordedCompletions final : public hooks::Completions {
 public:
  void complete(const hooks::Ticket& ticket, hooks::Resolution resolution) override;
  /// Waits until that many have come; false after ten seconds.
  bool wait_for(std::size_t count);
  std::vector<std::pair<hooks::Ticket, hooks::Resolution>> all();

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::pair<hooks::Ticket, hooks::Resolution>> all_;
};

class RecordedIntents final : public hooks::Intents {
 public:
  bool perform(std::string_view plugin, hooks::Intent intent) override;
  bool wait_for(std::size_t count);
  std::vector<hooks::Intent> all();
  bool accepts = true;

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<hooks::Intent> all_;
};

/// A host with the plugins a test names, two loops, and everything it says recorded.
class HostTest : public ::testing::Test {
 protected:
  ~HostTest() override;

  /// A plugin of tests/plugins, in every chain it has hooks for (`chains`: letters of a, t, e, s).
  config::PluginSettings& add(const std::string& name, const std::string& library, const std::string& chains,
                              const std::string& config_json = "{}");
  /// Starts; the error when it fails.
  std::string start();
  void must_start() { ASSERT_EQ(start(), ""); }

  /// Sets what a probe library does from now on.
  using ProbeCall = std::function<std::uint32_t(std::uint32_t point, mortise_handle call, mortise_handle self)>;
  void probe(const std::string& library, ProbeCall call);

  hooks::AuthHooks& auth(std::size_t at = 0) { return *host_->dispatch()->auth.at(at).hooks; }
  hooks::TopicHooks& topic() { return *host_->dispatch()->topic.at(0).hooks; }
  hooks::EventHooks& event() { return *host_->dispatch()->event.at(0).hooks; }
  hooks::StoreHooks& store() { return *host_->store(); }

  hooks::Ticket ticket(LoopIndex loop = 0);
  static hooks::ConnectRequestPtr connect_request(const std::string& client_id = "alice-1");
  static mqtt::PrincipalPtr principal(const std::string& client_id = "alice-1");
  static hooks::AccessRequestPtr access_request(hooks::Action action = hooks::Action::kPublish);
  static hooks::BindRequestPtr bind_request();
  /// A step of CONNECT's exchange that is asked on this loop.
  static hooks::ExchangeRequestPtr exchange_request(std::uint32_t step = 1, LoopIndex loop = 1);

  hooks::Answer<hooks::AuthDecision> authenticate(std::size_t at = 0, const std::string& client_id = "alice-1");

  InstanceStatistics statistics(std::size_t at = 0) { return host_->statistics().at(at); }
  /// What the plugin's `note` counted.
  std::map<std::string, std::uint64_t> notes(std::size_t at = 0) { return statistics(at).counters; }
  std::uint64_t violations(const std::string& name, std::size_t at = 0);

  config::Settings settings_;
  std::unique_ptr<PluginHost> host_;
  RecordedCompletions completions_;
  RecordedIntents intents_;
  ManualExecutor loops_[2];

 private:
  std::vector<std::unique_ptr<ProbeCall>> probe_calls_;
  std::vector<Probe*> probes_;
  std::uint32_t next_question_ = 0;
};

/// The decision in an answer, or a failed test.
template <class Decision>
const Decision* decision_of(const hooks::Answer<Decision>& answer) {
  return std::get_if<Decision>(&answer);
}
template <class Decision>
std::string failure_of(const hooks::Answer<Decision>& answer) {
  const auto* failure = std::get_if<hooks::FailureKind>(&answer);
  return failure == nullptr ? "none" : hooks::name_of(*failure);
}

/// "E_EXPIRED" and so on, so that tests read well.
std::string status(std::uint32_t number);

std::uint32_t decide_auth(mortise_handle call, std::uint32_t verdict);
std::uint32_t decide_access(mortise_handle call, std::uint32_t verdict);

/// What a plugin sees of a text; what it is told instead, in words.
inline std::string read_text(mortise_handle handle, std::uint32_t field) {
  mortise_bytes bytes;
  const std::uint32_t got = kViewService.get_bytes(handle, field, &bytes);
  return got == MORTISE_OK ? std::string(bytes.data, bytes.size) : status(got);
}

inline std::uint64_t read_number(mortise_handle handle, std::uint32_t field) {
  std::uint64_t number = 0;
  EXPECT_EQ(kViewService.get_u64(handle, field, &number), MORTISE_OK);
  return number;
}

}  // namespace mortise::plugin_host
