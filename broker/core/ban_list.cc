#include "broker/core/ban_list.h"

#include <algorithm>

#include "broker/base/check.h"

namespace mortise::core {

BanList::BanList(std::vector<Ban> bans) : bans_(std::move(bans)) {
  for (const Ban& ban : bans_) {
    if (ban.kind == BanKind::kPeerAddress) {
      const auto network = IpNetwork::parse(ban.what);
      CHECK(network);
      // One network can be written in several ways: the ban that lasts longer holds.
      const auto [at, is_new] = networks_.emplace(*network, &ban);
      if (!is_new && at->second->until < ban.until) at->second = &ban;
      if (std::ranges::find(lengths_, network->length()) == lengths_.end()) lengths_.push_back(network->length());
    } else {
      (ban.kind == BanKind::kClientId ? client_ids_ : user_names_).emplace(ban.what, &ban);
    }
  }
}

const Ban* BanList::find_in(const ByName& names, std::string_view name, WallTime now) {
  if (names.empty()) return nullptr;
  const auto at = names.find(std::string(name));
  return at != names.end() && at->second->until > now ? at->second : nullptr;
}

const Ban* BanList::find(std::string_view client_id, const std::optional<std::string>& user_name,
                         std::string_view peer_address, WallTime now) const {
  if (const Ban* ban = find_in(client_ids_, client_id, now)) return ban;
  if (user_name) {
    if (const Ban* ban = find_in(user_names_, *user_name, now)) return ban;
  }
  if (networks_.empty()) return nullptr;
  const auto address = IpAddress::parse(peer_address);
  if (!address) return nullptr;
  for (const unsigned length : lengths_) {
    const auto at = networks_.find(IpNetwork::around(*address, length));
    if (at != networks_.end() && at->second->until > now) return at->second;
  }
  return nullptr;
}

}  // namespace mortise::core
