#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/executor.h"
#include "broker/base/id.h"
#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/config/settings.h"
#include "broker/hooks/chain.h"
#include "broker/hooks/instances.h"

namespace mortise::plugin_host {

struct InstanceStatistics;

/// One loaded plugin, for the start-up print and `mortise plugin list`.
struct PluginDescription {
  std::string instance;  // name of the entry in the configuration
  std::string library;
  std::string plugin;  // what the plugin calls itself
  std::string version;
  std::vector<std::string> hooks;  // "auth.authenticate", "store.commit", ... in the plugin's order
  bool is_concurrent = false;
  config::RunMode run = config::RunMode::kInline;
};

/// All plugins of one configuration, loaded into this process and started. Control thread only, except where said.
///
/// Order at start-up: start() before the loops run (hooks may be called as soon as they do); at the end: the loops
/// stop, then stop().
class PluginHost {
 public:
  /// What the host needs of the broker. All of it outlives the host.
  struct Services {
    hooks::Completions* completions = nullptr;
    hooks::Intents* intents = nullptr;
    /// The executor of a loop; asked when a call must hop to it. Thread: any. Null when the loop has stopped.
    std::function<Executor*(LoopIndex)> loop_executor;
    std::size_t loops = 1;
  };

  /// Loads, checks and starts every plugin in the order of the configuration; all or nothing. Errors: one line that
  /// names the plugin's entry, the library, what is wrong and what to do.
  static Result<std::unique_ptr<PluginHost>> start(config::SettingsPtr settings, const Services& services);

  /// As stop().
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  /// The chains in the order of `hooks:` with their failure policies. It may outlive the host: its plugins then answer
  /// "not loaded".
  hooks::DispatchPtr dispatch() const noexcept;
  /// The store plugin's hooks; null without one. Lifetime: the host's.
  hooks::StoreHooks* store() const noexcept;
  /// In the order of the configuration.
  std::vector<PluginDescription> descriptions() const;
  /// Snapshots of the counters. Thread: any.
  std::vector<InstanceStatistics> statistics() const;

  // ---- Reload -----------------------------------------------------------------------------------------------------
  /// Instances for other settings, started beside those that run and asked nothing yet; the store's stays. Dropped,
  /// they are stopped again.
  class Next {
   public:
    ~Next();
    Next(const Next&) = delete;
    Next& operator=(const Next&) = delete;
    const hooks::DispatchPtr& dispatch() const noexcept;

   private:
    friend class PluginHost;
    struct State;
    explicit Next(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  /// A new instance of every plugin but the store, so that each reads its files again. All or nothing, as start().
  /// Errors: as start()'s, and too many instances of before still owe answers.
  Result<std::unique_ptr<Next>> prepare(config::SettingsPtr settings) const;
  /// From now on dispatch() and descriptions() are those of `next`. Who is asked by an older dispatch answers on;
  /// `retire` stops it.
  void use(std::unique_ptr<Next> next);
  /// Stops sets of instances of before that no dispatch names any more, when all of a set were told their events (or
  /// had five seconds for that) and their own threads have ended; returns how many are left. Waits for none. To be
  /// called now and then.
  std::size_t retire(SteadyTime now = steady_now());

  /// Stops the plugins in reverse order and names what they leaked. Afterwards every function a plugin may still call
  /// answers E_CLOSED. No loop and no store thread may be inside a hook. Idempotent.
  void stop();

 private:
  struct State;
  explicit PluginHost(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mortise::plugin_host
