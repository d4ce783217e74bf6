#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/routing/filter_rules.h"
#include "broker/routing/match_result.h"
#include "broker/routing/subscription_index.h"
#include "broker/session/outbound_flow.h"

namespace mortise::core {

/// One member of a shared subscription.
struct GroupMember {
  /// A member is given so many messages at QoS > 0 at the most (fewer when its Receive Maximum is smaller), and more
  /// when it has nearly worked that off: whoever does not acknowledge is passed over, and what can wait here does not
  /// wait behind one member.
  static constexpr std::uint16_t kCredit = 128;

  mqtt::SessionId session;
  routing::MatchEntry entry;
  routing::FilterRulesPtr rules;
  bool is_online = false;
  bool is_persistent = false;
  std::uint16_t credit = 0;  // as many messages at QoS > 0 it may be given
  std::uint16_t credit_limit = kCredit;
};

/// Groups and sessions share one space of ids in the index; a group's slot has this bit.
inline constexpr std::uint32_t kGroupSlotBit = 0x80000000;

/// A shared subscription's group on its home loop: who its members are, whose turn it is, and what waits while nobody
/// is online or has credit (5.0 section 4.8.2). Unsynchronised (loop-owned).
struct SharedGroup {
  SharedGroup(mqtt::SessionId group_id, std::string group_key, session::QueueScope& queues)
      : id(group_id), key(std::move(group_key)), queue(queues) {}

  const mqtt::SessionId id;
  const std::string key;  // "$share/{ShareName}/{routed filter}"
  std::vector<GroupMember> members;
  std::size_t next = 0;               // whose turn it is
  session::SessionNumber number = 0;  // of the queue in the store; 0: not durable
  session::OutboundFlow queue;
  bool is_draining = false;

  GroupMember* find(mqtt::SessionId member) noexcept;
  /// The next online member that may receive `topic`, or null. `needs_credit`: at QoS > 0; the credit is taken.
  GroupMember* choose(std::string_view topic, bool needs_credit) noexcept;
  bool has_persistent_member() const noexcept;
};

/// Which group a shared subscription's key is, for the whole broker: whoever subscribes enters the group into the index
/// at once, so that what is published after SUBACK is not missed, and tells the group's home loop by mail. Internally
/// synchronised; rare.
class GroupDirectory {
 public:
  explicit GroupDirectory(routing::SubscriptionIndex& index) : index_(index) {}
  /// One more member; the first one enters the group into the index. Thread: any loop.
  mqtt::SessionId join(const std::string& key, LoopIndex home, std::string_view routed_filter, bool is_durable);
  /// One member less; after the last one the group is not matched any more. True: it was the last one, others that are
  /// on their way to the group's home loop included.
  bool leave(const std::string& key);
  /// Groups. Thread: any.
  std::size_t size();
  /// The group with this share tag (session/origin.h); empty when it has no members.
  mqtt::SessionId find(std::uint64_t share_tag);

 private:
  struct Listed {
    mqtt::SessionId id;
    std::string routed_filter;
    std::size_t members = 0;
  };
  std::mutex mutex_;
  routing::SubscriptionIndex& index_;
  std::unordered_map<std::string, Listed> groups_;                   // guarded by mutex_
  std::unordered_map<std::uint64_t, mqtt::SessionId> by_share_tag_;  // guarded by mutex_
  std::uint32_t next_index_ = 0;                                     // guarded by mutex_
  std::uint32_t generation_ = 1;                                     // guarded by mutex_
};

}  // namespace mortise::core
