#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/config/settings.h"
#include "broker/core/ban_list.h"
#include "broker/core/counters.h"
#include "broker/core/inspect.h"
#include "broker/core/shard.h"
#include "broker/mqtt/message.h"
#include "broker/net/loop_counters.h"
#include "broker/plugin_host/host.h"
#include "broker/plugin_host/statistics.h"
#include "broker/routing/retained_index.h"
#include "broker/routing/topic_level.h"

namespace mortise::admin {

/// How much memory the broker uses; bytes.
struct MemoryReport {
  std::uint64_t used = 0;
  std::uint64_t maximum = 0;  // the most that was seen
  std::uint64_t budget = 0;   // 0: none
  core::MemoryStage stage = core::MemoryStage::kEnough;
  std::array<std::uint64_t, 3> entered{};  // how often each stage behind kEnough was reached
};

/// What a broker looked like at one moment: sums over its loops, and what all of them share.
struct Sample {
  core::ShardCounters counters;
  core::ShardHoldings holdings;
  net::LoopTotals totals;
  std::size_t subscriptions = 0;         // distinct in the index; a shared subscription is one
  std::size_t shared_subscriptions = 0;  // groups
  std::size_t retained_messages = 0;
  std::size_t retained_bytes = 0;
  std::vector<plugin_host::InstanceStatistics> plugins;
  MemoryReport memory;
  bool is_store_failing = false;  // what must survive a restart is not made durable now
};

/// Where a list of sessions goes on.
struct SessionCursor {
  LoopIndex loop = 0;
  std::uint32_t slot = 0;
};
struct SessionList {
  std::vector<core::SessionReport> sessions;
  std::optional<SessionCursor> next;  // nothing: that was all
};

struct RetainedList {
  std::vector<mqtt::MessagePtr> messages;
  std::optional<routing::RetainedCursor> next;
};

struct ListenerReport {
  std::string url;  // with the port that is open
  std::size_t connections = 0;
};

/// What a reload did, as keys: "log.level", "listeners[tcp://...]", "plugins[passwords].config".
struct ReloadReport {
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;  // is different in the file, and goes on as it was
};

enum class Tree : std::uint8_t { kRetained, kSubscriptions };

/// What operators' requests ask of a broker that runs. Errors: a loop does not answer in time, or there is no room;
/// asking again later may help. Used by the control thread.
class BrokerAccess {
 public:
  virtual ~BrokerAccess() = default;

  virtual const config::Settings& settings() const = 0;
  virtual Seconds uptime() const = 0;
  virtual std::size_t loops() const = 0;
  virtual Result<Sample> sample() = 0;
  virtual std::vector<ListenerReport> listeners() const = 0;
  virtual std::vector<plugin_host::PluginDescription> plugins() const = 0;
  virtual Result<ReloadReport> reload() = 0;

  /// At most `most`; fewer may come although there are more.
  virtual Result<SessionList> sessions(const core::SessionQuery& query, SessionCursor from, std::size_t most) = 0;
  virtual Result<std::optional<core::SessionReport>> session(const std::string& name_space,
                                                             const std::string& client_id) = 0;
  virtual Result<std::optional<core::SubscriptionPage>> subscriptions(const std::string& name_space,
                                                                      const std::string& client_id,
                                                                      const std::optional<std::string>& after,
                                                                      std::size_t most) = 0;
  virtual Result<core::Dismissed> dismiss(const std::string& name_space, const std::string& client_id,
                                          const core::Dismissal& dismissal) = 0;

  virtual core::BanListPtr bans() const = 0;
  /// From now on, and after a restart; whoever is connected and banned is disconnected. Errors: the file cannot be
  /// written; then nothing has changed.
  virtual Result<void> set_bans(std::vector<core::Ban> bans) = 0;

  /// `from` is the beginning, or the `next` of a list of the same filter.
  virtual Result<RetainedList> retained(const std::string& filter, routing::RetainedCursor from, std::size_t most) = 0;
  virtual Result<routing::LevelPage> levels(Tree tree, const std::optional<std::string>& under,
                                            const std::optional<std::string>& after, std::size_t most) = 0;
  /// False: too much waits to be published.
  virtual bool publish(mqtt::MessagePtr message) = 0;
};

}  // namespace mortise::admin
