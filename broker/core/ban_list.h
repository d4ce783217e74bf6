#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/ip_network.h"
#include "broker/base/time.h"

namespace mortise::core {

/// What a ban goes by: the client id or the user name, each as a whole, or the address or network of the peer.
enum class BanKind : std::uint8_t { kClientId, kUserName, kPeerAddress };

/// Somebody who may not connect.
struct Ban {
  BanKind kind = BanKind::kClientId;
  std::string what;
  WallTime until = kNeverWall;
  std::string reason;  // for operators and the log; may be empty
  bool operator==(const Ban&) const = default;
};

/// Who may not connect, whatever plugins say. Immutable; every loop has it.
class BanList {
 public:
  static constexpr std::size_t kMost = 10'000;

  /// Precondition: what of a kPeerAddress is an address or a network.
  explicit BanList(std::vector<Ban> bans);
  BanList(const BanList&) = delete;
  BanList& operator=(const BanList&) = delete;

  /// A ban that keeps out whoever is called so and comes from there; null: none does. Cost: two look-ups, and one for
  /// each length of network that is banned.
  const Ban* find(std::string_view client_id, const std::optional<std::string>& user_name,
                  std::string_view peer_address, WallTime now) const;
  const std::vector<Ban>& bans() const noexcept { return bans_; }

 private:
  using ByName = std::unordered_map<std::string, const Ban*>;
  static const Ban* find_in(const ByName& names, std::string_view name, WallTime now);

  const std::vector<Ban> bans_;
  ByName client_ids_, user_names_;
  std::unordered_map<IpNetwork, const Ban*, IpNetworkHash> networks_;
  std::vector<unsigned> lengths_;  // of networks_, each once
};
using BanListPtr = std::shared_ptr<const BanList>;

}  // namespace mortise::core
