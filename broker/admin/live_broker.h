#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/admin/ban_file.h"
#include "broker/admin/broker_access.h"
#include "broker/core/shard.h"
#include "broker/net/loop_group.h"
#include "broker/net/mesh.h"
#include "broker/routing/subscription_index.h"

namespace mortise::admin {

/// BrokerAccess of a broker whose loops run: asks them by their mailboxes and waits a moment for what they say. Used by
/// the control thread.
class LiveBroker final : public BrokerAccess {
 public:
  /// All of it outlives the LiveBroker, and the loops run as long as it is used.
  struct Parts {
    const config::SettingsPtr& settings;  // as it is replaced by a reload
    const std::vector<std::unique_ptr<core::Shard>>& shards;
    net::Mesh& mesh;
    net::LoopGroup& loops;
    const plugin_host::PluginHost& plugins;
    const core::Shared& shared;
    std::function<Result<ReloadReport>()> reload;
    std::function<MemoryReport()> memory;
    std::function<bool()> is_store_failing;
  };
  explicit LiveBroker(Parts parts) : parts_(std::move(parts)), started_(steady_now()) {}

  /// Takes the bans of before a restart from `file`, and keeps them there; an empty name keeps them nowhere. Errors: it
  /// cannot be read, or holds something else.
  Result<void> restore_bans(const std::filesystem::path& file);

  const config::Settings& settings() const override { return *parts_.settings; }
  Seconds uptime() const override { return std::chrono::duration_cast<Seconds>(steady_now() - started_); }
  std::size_t loops() const override { return parts_.shards.size(); }
  Result<Sample> sample() override;
  /// All of a sample that no loop has to be asked for.
  void add_what_is_shared(Sample& sample) const;
  std::vector<ListenerReport> listeners() const override;
  std::vector<plugin_host::PluginDescription> plugins() const override { return parts_.plugins.descriptions(); }
  Result<ReloadReport> reload() override { return parts_.reload(); }
  Result<SessionList> sessions(const core::SessionQuery& query, SessionCursor from, std::size_t most) override;
  Result<std::optional<core::SessionReport>> session(const std::string& name_space,
                                                     const std::string& client_id) override;
  Result<std::optional<core::SubscriptionPage>> subscriptions(const std::string& name_space,
                                                              const std::string& client_id,
                                                              const std::optional<std::string>& after,
                                                              std::size_t most) override;
  Result<core::Dismissed> dismiss(const std::string& name_space, const std::string& client_id,
                                  const core::Dismissal& dismissal) override;
  core::BanListPtr bans() const override { return bans_; }
  Result<void> set_bans(std::vector<core::Ban> bans) override;
  Result<RetainedList> retained(const std::string& filter, routing::RetainedCursor from, std::size_t most) override;
  Result<routing::LevelPage> levels(Tree tree, const std::optional<std::string>& under,
                                    const std::optional<std::string>& after, std::size_t most) override;
  bool publish(mqtt::MessagePtr message) override;

 private:
  template <class Question>
  auto ask(LoopIndex loop, Question question) -> Result<decltype(question(std::declval<core::Shard&>()))>;
  void tell_bans(std::vector<core::Ban> bans);

  const Parts parts_;
  const SteadyTime started_;
  std::filesystem::path ban_file_;
  core::BanListPtr bans_ = std::make_shared<const core::BanList>(std::vector<core::Ban>());
};

}  // namespace mortise::admin
