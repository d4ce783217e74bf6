#include "broker/core/session_table.h"

#include <utility>

#include "broker/base/check.h"
#include "broker/core/shard.h"

namespace mortise::core {

ResidentSession& SessionTable::emplace(LoopIndex loop, mqtt::PrincipalPtr principal, session::QueueScope& queues) {
  const std::uint32_t hash = hash_of(principal->name_space, principal->client_id);
  if (4 * (names_ + 1) > 3 * places_.size()) resize(places_.empty() ? kFewest : 2 * places_.size());
  ResidentSession& session = sessions_.emplace(loop, std::move(principal), queues);
  put({session.id.slot.index, hash});
  ++names_;
  return session;
}

ResidentSession* SessionTable::find(std::string_view name_space, std::string_view client_id) {
  if (names_ == 0) return nullptr;
  const std::uint32_t hash = hash_of(name_space, client_id);
  for (std::size_t at = hash & (places_.size() - 1); places_[at].slot != kFree; at = next(at)) {
    if (places_[at].hash != hash) continue;
    ResidentSession* session = sessions_.in_slot(places_[at].slot);
    CHECK(session != nullptr);
    const mqtt::Principal& principal = *session->principal;
    if (principal.client_id == client_id && principal.name_space == name_space) return session;
  }
  return nullptr;
}

void SessionTable::erase(ResidentSession& session) {
  const std::uint32_t hash = hash_of(session.principal->name_space, session.principal->client_id);
  std::size_t at = hash & (places_.size() - 1);
  for (; places_[at].slot != session.id.slot.index; at = next(at)) CHECK(places_[at].slot != kFree);
  remove(at);
  --names_;
  sessions_.erase(session.id.slot);
  if (places_.size() > kFewest && 8 * names_ < places_.size()) resize(places_.size() / 2);
}

std::uint32_t SessionTable::hash_of(std::string_view name_space, std::string_view client_id) const {
  // The lower half chose the loop: what is here agrees in it.
  return static_cast<std::uint32_t>((*hash_)(session_key(name_space, client_id)) >> 32);
}

void SessionTable::put(Place place) {
  std::size_t at = place.hash & (places_.size() - 1);
  while (places_[at].slot != kFree) at = next(at);
  places_[at] = place;
}

void SessionTable::resize(std::size_t places) {
  const std::vector<Place> before = std::exchange(places_, std::vector<Place>(places));
  for (const Place& place : before) {
    if (place.slot != kFree) put(place);
  }
}

void SessionTable::remove(std::size_t at) {
  places_[at] = {};
  // Those behind it move up, unless that would put them before the place that their hash names.
  for (std::size_t behind = next(at); places_[behind].slot != kFree; behind = next(behind)) {
    const std::size_t wanted = places_[behind].hash & (places_.size() - 1);
    const std::size_t mask = places_.size() - 1;
    if (((behind - wanted) & mask) < ((behind - at) & mask)) continue;
    places_[at] = std::exchange(places_[behind], {});
    at = behind;
  }
}

}  // namespace mortise::core
