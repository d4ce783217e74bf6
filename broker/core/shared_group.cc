#include "broker/core/shared_group.h"

#include <algorithm>

#include "broker/session/origin.h"

namespace mortise::core {

using mqtt::QoS;

GroupMember* SharedGroup::find(mqtt::SessionId member) noexcept {
  const auto at =
      std::find_if(members.begin(), members.end(), [&](const GroupMember& known) { return known.session == member; });
  return at == members.end() ? nullptr : &*at;
}

GroupMember* SharedGroup::choose(std::string_view topic, bool needs_credit) noexcept {
  for (std::size_t tried = 0; tried < members.size(); ++tried) {
    GroupMember& member = members[next++ % members.size()];
    if (!member.is_online || (needs_credit && member.credit == 0)) continue;
    if (member.rules && !member.rules->allows(topic)) continue;
    if (needs_credit) --member.credit;
    return &member;
  }
  return nullptr;
}

bool SharedGroup::has_persistent_member() const noexcept {
  return std::any_of(members.begin(), members.end(), [](const GroupMember& member) { return member.is_persistent; });
}

mqtt::SessionId GroupDirectory::join(const std::string& key, LoopIndex home, std::string_view routed_filter,
                                     bool is_durable) {
  const std::lock_guard lock(mutex_);
  Listed& listed = groups_[key];
  if (listed.members++ > 0) return listed.id;
  if (++next_index_ >= kGroupSlotBit) {
    next_index_ = 1;
    ++generation_;
  }
  listed.id = {{next_index_ | kGroupSlotBit, generation_}, home};
  listed.routed_filter = routed_filter;
  routing::IndexedSubscription subscription;
  subscription.entry.subscriber = listed.id;
  subscription.entry.maximum_qos = QoS::kExactlyOnce;
  subscription.entry.is_group = true;
  subscription.entry.is_durable = is_durable;
  index_.subscribe(routed_filter, subscription);
  by_share_tag_[session::share_tag_of(key)] = listed.id;
  return listed.id;
}

std::size_t GroupDirectory::size() {
  const std::lock_guard lock(mutex_);
  return groups_.size();
}

bool GroupDirectory::leave(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(key);
  if (at == groups_.end() || --at->second.members > 0) return false;
  index_.unsubscribe(at->second.routed_filter, at->second.id);
  groups_.erase(at);
  by_share_tag_.erase(session::share_tag_of(key));
  return true;
}

mqtt::SessionId GroupDirectory::find(std::uint64_t share_tag) {
  const std::lock_guard lock(mutex_);
  const auto at = by_share_tag_.find(share_tag);
  return at == by_share_tag_.end() ? mqtt::SessionId() : at->second;
}

}  // namespace mortise::core
