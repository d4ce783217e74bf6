#include <algorithm>

#include "model.h"

// How long sessions and Wills live: what is known of it, and what a broker that was killed may have forgotten.

namespace mortise::simulation {

namespace {

/// Behind the moment in which something ends, how long it may still be seen.
constexpr Seconds kLate{2};

}  // namespace

void Model::settled(Now now, bool stored, std::uint64_t dropped) {
  notice_ends(now);
  for (auto& [id, of] : sessions_) refresh(of, now);
  settle_wills(now);
  for (const std::size_t number : open_) {
    Link& from = links_.at(number);
    if (!from.client->is_heard()) continue;
    for (const int heard : std::exchange(from.unheard, {})) {
      Message& message = messages_.at(heard);
      message.last_possible = step_;
      message.latest = now.wall;
      fresh_.push_back(heard);
      if (message.retain) unstored_retained_.push_back(heard);
    }
  }
  check_replays();
  check_at_most_once(dropped);
  if (stored) stored_now();
}

void Model::stored_now() {
  for (const int number : std::exchange(unstored_retained_, {})) messages_.at(number).surely_retained = step_;
  unstored_wills_.clear();
  for (auto& [id, of] : sessions_) {
    if (of.is_exact) of.least_expiry = of.most_expiry = of.live_expiry;
    if (of.is_gone) {
      for (Subscription& each : of.subscriptions) each.surely_until = std::min(each.surely_until, step_);
    }
    std::erase_if(of.subscriptions, [&](const Subscription& each) {
      return each.surely_until != kNeverStep && each.surely_until + 20'000 < step_;
    });
  }
}

bool Model::has_other(const Link& link) const {
  return std::any_of(open_.begin(), open_.end(), [&](std::size_t number) {
    const Link& other = links_.at(number);
    return &other != &link && other.has_connect && other.session == link.session;
  });
}

bool Model::is_online(const std::string& client_id) const {
  return std::any_of(open_.begin(), open_.end(), [&](std::size_t number) {
    const Link& each = links_.at(number);
    return each.is_connected && each.session == client_id;
  });
}

/// Whether the session is there when this connection comes, whatever the others of the session did last.
bool Model::is_sure_to_others(const Link& link, Now now) const {
  bool is_alone = true, is_held = true;
  for (const std::size_t number : open_) {
    const Link& other = links_.at(number);
    if (&other == &link || !other.has_connect || other.session != link.session) continue;
    is_alone = false;
    is_held &= other.is_connected && other.expiry > 0 && !other.has_left;
  }
  return is_alone ? sessions_.at(link.session).surely_until > now.wall : is_held;
}

bool Model::is_sure(const std::string& client_id, Now now) const {
  Link nobody;
  nobody.session = client_id;
  return sessions_.contains(client_id) && is_sure_to_others(nobody, now);
}

void Model::refresh(Session& of, Now now) {
  Link nobody;
  nobody.session = of.client_id;
  of.is_gone = false;
  if (has_other(nobody)) return;
  if (of.surely_until <= now.wall) forget_duties(of, step_);
  of.is_gone = of.maybe_until + kLate < now.wall;
}

void Model::forget_duties(Session& of, Step since) {
  of.owed.clear();
  for (Subscription& each : of.subscriptions) each.until = std::min(each.until, since);
}

// ---- Ends of connections --------------------------------------------------------------------------------------------

void Model::notice_ends(Now now) {
  const std::set<std::size_t> open = open_;
  for (const std::size_t number : open) {
    Link& each = links_.at(number);
    if (!each.client->is_open()) closed(each, now);
  }
}

void Model::closed(Link& from, Now now) {
  ++step_;
  open_.erase(from.client->number());
  if (!from.has_connect) return;
  Session& of = session(from);
  of.last_online = step_;
  const bool has_surely_left = from.has_left && from.is_connected && from.client->is_heard();
  std::uint32_t least = of.least_expiry, most = of.most_expiry;
  if (from.is_connected) {
    least = most = from.expiry;
    const bool changes = from.left_expiry && from.expiry != 0;
    if (changes && has_surely_left) least = most = std::min(*from.left_expiry, expiry_max_);
    if (changes && !has_surely_left) least = std::min(least, *from.left_expiry);
    if (changes && !has_surely_left) most = std::max(most, *from.left_expiry);
  }
  // What the client knew of a session that ends with its connection ends with it, whatever the next one is told.
  of.is_forgotten |= from.is_connected && most == 0 && !is_online(from.session);
  if (!has_other(from)) {
    const bool was_online = of.maybe_until == kNeverWall;
    of.surely_until = std::min(of.surely_until, now.wall + Seconds(least));
    of.maybe_until = was_online ? now.wall + Seconds(most) : std::max(of.maybe_until, now.wall + Seconds(most));
    of.is_exact = from.is_connected && least == most;
    of.live_expiry = most;
    if (of.surely_until <= now.wall) forget_duties(of, step_);
  }
  if (from.will != 0) close_will(from, has_surely_left, least, now);
}

void Model::close_will(Link& from, bool has_surely_left, std::uint32_t expiry, Now now) {
  Message& will = messages_.at(from.will);
  PendingWill pending{will.number, from.session};
  pending.is_durable = from.is_stored;
  pending.due_first = pending.due = now.wall + Seconds(std::min(from.will_delay, expiry));
  if (has_surely_left && from.reason == mqtt::ReasonCode::kSuccess) {
    will.must_not_come = true;
    pending.is_sure = false;
    unstored_wills_.push_back(pending);
    return;
  }
  may_come(will, from, now);
  pending.is_contested = from.will_delay > 0 && has_other(from);
  // By one that ended before it.
  const bool was_contested =
      from.will_delay > 0 && session(from).newest_connect > from.connected_at && !pending.is_contested;
  if ((from.has_left && !has_surely_left) || !from.is_connected || was_contested) {
    pending.is_sure = false;
    pending.due_first = now.wall;
    pending.due = now.wall + Seconds(std::min(from.will_delay, session(from).most_expiry));
  }
  if (pending.is_contested) pending.contested_at = session(from).newest_connect;
  wills_.push_back(pending);
}

void Model::may_come(Message& will, const Link& from, Now now) {
  will.must_not_come = false;
  will.first_sent = from.connected_at;
  will.routed_from = step_;
  will.earliest = now.wall;
  if (will.retain) retained_[will.topic].push_back(will.number);
}

/// A connection goes on with a session, or with a new one: Wills that waited are taken back, or were sent.
void Model::come_back(const Link& to, bool is_present, Now now) {
  for (PendingWill& pending : wills_) {
    if (pending.session != to.session || !pending.is_contested) continue;
    Message& will = messages_.at(pending.number);
    pending.is_sure &= pending.contested_at == to.connected_at;  // or another had it before, and was never answered
    will.must_not_come = is_present && pending.is_sure && pending.due_first > to.connected_wall;
    if (is_present) {
      // What was done with it was durable before this was answered.
      pending.number = 0;
    } else {
      pending.is_contested = false;
      pending.due = pending.due_first = now.wall;
    }
  }
  std::erase_if(wills_, [](const PendingWill& pending) { return pending.number == 0; });
}

void Model::settle_wills(Now now) {
  std::vector<PendingWill> due;
  std::erase_if(wills_, [&](const PendingWill& pending) {
    const bool is_due = !pending.is_contested && pending.due <= now.wall;
    if (is_due) due.push_back(pending);
    return is_due;
  });
  for (const PendingWill& pending : due) {
    unstored_wills_.push_back(pending);
    if (!pending.is_sure) continue;
    Message& will = messages_.at(pending.number);
    will.last_possible = step_;
    will.latest = now.wall;
    if (will.retain) unstored_retained_.push_back(will.number);
    if (will.qos == mqtt::QoS::kAtMostOnce && pending.contested_at == 0) fresh_.push_back(will.number);
    published(will);
  }
}

// ---- Restarts -------------------------------------------------------------------------------------------------------

void Model::killed(Now now, bool stored) {
  ++step_;
  if (stored) stored_now();
  kill_sessions(now, stored);
  kill_wills(now, stored);
  fresh_.clear();
  replays_due_.clear();
  unstored_retained_.clear();
  for (const std::size_t number : std::exchange(open_, {})) {
    Link& each = links_.at(number);
    if (each.has_connect) session(each).last_online = step_;
  }
  for (auto& [id, of] : sessions_) refresh(of, now);
}

void Model::kill_sessions(Now now, bool stored) {
  for (auto& [id, of] : sessions_) {
    forget_memory(of);
    Link nobody;
    nobody.session = id;
    const bool was_online = has_other(nobody);
    if (was_online || !stored) {
      const bool was_sure = of.maybe_until == kNeverWall;  // somebody heard CONNACK and is connected
      of.surely_until = std::min(of.surely_until, now.wall + Seconds(of.least_expiry));
      of.maybe_until =
          was_sure ? now.wall + Seconds(of.most_expiry) : std::max(of.maybe_until, now.wall + Seconds(of.most_expiry));
      of.live_expiry = of.most_expiry;
      of.is_exact = of.least_expiry == of.most_expiry;
    }
  }
}

void Model::kill_wills(Now now, bool stored) {
  for (PendingWill& pending : wills_) {
    pending.is_sure &= !pending.is_contested && pending.is_durable;
    if (stored) continue;
    // The connection that came back may have had it published.
    Message& will = messages_.at(pending.number);
    if (pending.is_contested && pending.is_durable && will.qos != mqtt::QoS::kExactlyOnce) ++will.times;
    wait_anew(pending, now);
  }
  for (const std::size_t number : open_) {
    const Link& each = links_.at(number);
    if (each.will == 0) continue;
    const bool is_known = each.is_connected && !each.has_left && !has_other(each);
    if (!each.is_stored) continue;  // and never comes
    may_come(messages_.at(each.will), each, now);
    PendingWill pending{each.will, each.session};
    pending.is_sure = is_known;
    pending.is_durable = true;
    pending.due_first = is_known ? kNeverWall : now.wall;
    wait_anew(pending, now);
    wills_.push_back(pending);
  }
  for (PendingWill& will : std::exchange(unstored_wills_, {})) {
    if (!stored) forget_end(will, now);
  }
}

/// A broker that found a connection in its store begins its delay, which ends with the session.
void Model::wait_anew(PendingWill& will, Now now) const {
  const Session& of = sessions_.at(will.session);
  const std::uint32_t delay = links_.at(messages_.at(will.number).link).will_delay;
  will.due_first = std::min(will.due_first, now.wall + Seconds(std::min(delay, of.least_expiry)));
  will.due = std::max(will.due, now.wall + Seconds(std::min(delay, of.most_expiry)));
}

/// The store may not know that a Will was published, or taken back. At QoS 2 it knows before anybody gets it.
void Model::forget_end(PendingWill pending, Now now) {
  Message& will = messages_.at(pending.number);
  for (auto& [id, of] : sessions_) of.owed.erase(will.number);
  will.last_possible = kNeverStep;
  will.latest = kNeverWall;
  if (!pending.is_durable) return;
  if (will.must_not_come) {
    may_come(will, links_.at(will.link), now);
  } else if (will.qos != mqtt::QoS::kExactlyOnce) {
    ++will.times;
  }
  wait_anew(pending, now);
  wills_.push_back(pending);
}

}  // namespace mortise::simulation
