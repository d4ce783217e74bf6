#pragma once

#include <string_view>
#include <vector>

#include "broker/base/keyed_hash.h"
#include "broker/base/registry.h"
#include "broker/core/resident_session.h"

namespace mortise::core {

/// One loop's sessions, by id and by whose they are. What a session is called, namespace and client id, stands in its
/// Principal and nowhere else: the table of names holds a slot and part of a hash, eight bytes each, and compares the
/// names themselves. Unsynchronised (loop-owned).
class SessionTable {
 public:
  using SlotId = Id<mqtt::SessionTag>;

  /// `hash`: of session keys, under a secret; outlives the table.
  explicit SessionTable(const KeyedHash& hash) : hash_(&hash) {}

  /// A new session of `principal`, who has none. `queues` outlives it.
  ResidentSession& emplace(LoopIndex loop, mqtt::PrincipalPtr principal, session::QueueScope& queues);
  ResidentSession* find(SlotId id) noexcept { return sessions_.find(id); }
  ResidentSession* find(std::string_view name_space, std::string_view client_id);
  void erase(ResidentSession& session);

  std::size_t size() const noexcept { return sessions_.size(); }
  /// For who looks at all of them, a part at a time: a session keeps its slot.
  std::uint32_t slots() const noexcept { return sessions_.slots(); }
  ResidentSession* in_slot(std::uint32_t slot) noexcept { return sessions_.in_slot(slot); }
  /// Names that lead to a session.
  std::size_t names() const noexcept { return names_; }

 private:
  /// A place in an open-addressed table (linear probing).
  struct Place {
    std::uint32_t slot = kFree;
    std::uint32_t hash = 0;
  };
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;
  static constexpr std::size_t kFewest = 16;

  std::uint32_t hash_of(std::string_view name_space, std::string_view client_id) const;
  std::size_t next(std::size_t at) const noexcept { return (at + 1) & (places_.size() - 1); }
  void put(Place place);
  void resize(std::size_t places);
  void remove(std::size_t at);

  const KeyedHash* hash_;
  Registry<ResidentSession, mqtt::SessionTag> sessions_;
  std::vector<Place> places_;  // a power of two of them, at most three quarters taken
  std::size_t names_ = 0;
};

}  // namespace mortise::core
