#include "broker/core/groups.h"

#include <algorithm>
#include <utility>

#include "broker/base/log.h"
#include "broker/core/group_member.h"
#include "broker/core/room.h"

namespace mortise::core {

namespace {

using mqtt::QoS;

/// Stored members join with the first mail. A queue without any lost its group in the moment of a crash.
constexpr Seconds kMembersComeBackWithin{60};

SharedGroup* find_group(ShardState& state, mqtt::SessionId id) {
  const auto at = state.groups.find(id);
  return at == state.groups.end() ? nullptr : &at->second;
}

session::Durably durably(const ShardState& state, const SharedGroup& group) { return state.durably(group.number); }

/// The group's queue in the store is a session of its own that nobody connects to.
void make_durable(ShardState& state, SharedGroup& group) {
  if (state.journal == nullptr || group.number != 0) return;
  group.number = state.journal->new_session_number();
  state.groups_by_number[group.number] = group.id;
  auto principal = std::make_shared<mqtt::Principal>();
  principal->client_id = group.key;
  session::SessionRecord record;
  record.number = group.number;
  record.principal = std::move(principal);
  record.expiry_interval = session::kExpiryNever;
  record.share_group = group.key;
  state.journal->session_put(record);
}

void queue_in_group(ShardState& state, SharedGroup& group, PassingView& passing, Now now) {
  if (passing.qos() == QoS::kAtMostOnce || group.members.empty()) return;
  if (passing.must_not_wait(now)) {
    ++state.counters.dropped_expired;
    return;
  }
  if (group.has_persistent_member()) make_durable(state, group);
  session::OutboundFlow::Offer offer;
  offer.message = passing.kept();
  offer.effective_qos = passing.qos();
  const auto outcome = group.queue.enqueue(std::move(offer), durably(state, group));
  if (outcome == session::OutboundFlow::Enqueued::kQueued) return;
  ++state.counters.group_queue_dropped;
  if (outcome == session::OutboundFlow::Enqueued::kDropped) no_room(passing);
}

SharedGroup& open_group(ShardState& state, const GroupMembership& membership) {
  const auto [at, is_new] = state.groups.try_emplace(membership.group, membership.group, membership.key, state.queues);
  SharedGroup& group = at->second;
  if (!is_new) return group;
  state.groups_by_key[group.key] = group.id;
  if (auto recovered = state.recovered_queues.extract(membership.key)) {
    group.number = recovered.mapped().number;
    group.queue.restore(recovered.mapped().summary, 0);
    state.groups_by_number[group.number] = group.id;
  }
  return group;
}

void close_group(ShardState& state, SharedGroup& group) {
  if (group.number != 0) {
    state.journal->session_remove(group.number);
    state.groups_by_number.erase(group.number);
  }
  state.groups_by_key.erase(group.key);
  state.groups.erase(mqtt::SessionId(group.id));
}

std::string_view filter_of(std::string_view key) {
  constexpr std::string_view kBeforeName = "$share/";
  return key.substr(key.find('/', kBeforeName.size()) + 1);
}

SharedGroup* find_group_of(ShardState& state, const std::string& key) {
  const auto at = state.groups_by_key.find(key);
  return at == state.groups_by_key.end() ? nullptr : find_group(state, at->second);
}

}  // namespace

std::string group_key(std::string_view share_name, std::string_view routed_filter) {
  return std::string("$share/").append(share_name).append("/").append(routed_filter);
}

LoopIndex group_home(const Shared& shared, std::string_view key) noexcept {
  return static_cast<LoopIndex>(shared.home_hash(key) % shared.loops);
}

void recover_group_queue(ShardState& state, const std::string& key, const RecoveredQueue& queue, Now now) {
  SharedGroup* group = find_group_of(state, key);
  if (group == nullptr) {
    state.recovered_queues[key] = queue;
    state.timers.arm({now.steady + kMembersComeBackWithin, 0, 0, Timers::Kind::kOrphans});
  } else if (group->number == 0 && group->queue.empty()) {
    group->number = queue.number;
    group->queue.restore(queue.summary, 0);
    state.groups_by_number[group->number] = group->id;
  }
}

void remove_orphaned_queues(ShardState& state) {
  for (const auto& [key, queue] : std::exchange(state.recovered_queues, {})) {
    MORTISE_LOG(kWarning, "core",
                "store: nobody is a member of %s any more; what waited for it (%llu messages) is removed",
                quoted(key).c_str(), static_cast<unsigned long long>(queue.summary.messages));
    state.journal->session_remove(queue.number);
    ++state.counters.group_queues_orphaned;
  }
}

// ---- Members --------------------------------------------------------------------------------------------------------

namespace {

/// A member that is behind has none yet, and says what it may be given when it is ready.
void set_credit(GroupMember& member, std::uint16_t credit) {
  member.credit = credit;
  member.credit_limit = credit != 0 ? credit : GroupMember::kCredit;
}

}  // namespace

void membership_changed(ShardState& state, const GroupMembership& membership, Now now) {
  using Change = GroupMembership::Change;
  if (membership.change == Change::kJoin) {
    SharedGroup& group = open_group(state, membership);
    GroupMember* known = group.find(membership.member);
    // Joining again replaces the options; the directory counts a member once.
    if (known != nullptr) state.shared.groups->leave(membership.key);
    GroupMember& member = known != nullptr ? *known : group.members.emplace_back();
    member = {membership.member, membership.entry, membership.rules, membership.is_online, membership.is_persistent};
    set_credit(member, membership.credit);
    return drain_group(state, group, now);
  }
  SharedGroup* group = find_group_of(state, membership.key);
  GroupMember* member = group != nullptr ? group->find(membership.member) : nullptr;
  if (member == nullptr) return;
  if (membership.change == Change::kLeave) {
    group->members.erase(group->members.begin() + (member - group->members.data()));
    // A member that joined elsewhere, and is still on its way, keeps what waits for the group.
    if (state.shared.groups->leave(membership.key)) close_group(state, *group);
    return;
  }
  if (membership.change == Change::kReady) {
    // It says so a little later, and may have gone meanwhile.
    const std::uint32_t credit = std::uint32_t{member->credit} + membership.credit;
    member->credit = static_cast<std::uint16_t>(std::min<std::uint32_t>(credit, member->credit_limit));
  } else {
    member->is_online = membership.change == Change::kOnline;
    set_credit(*member, membership.credit);
  }
  if (member->is_online) drain_group(state, *group, now);
}

// ---- Messages -------------------------------------------------------------------------------------------------------

namespace {

/// What nobody could take so often waits in the group's queue.
constexpr std::uint8_t kMaximumReturns = 3;

const JoinedGroup* joined_group(ResidentSession* session, mqtt::SessionId group) {
  if (session == nullptr || session->groups.empty()) return nullptr;
  const auto at = std::find_if(session->groups->begin(), session->groups->end(),
                               [&](const JoinedGroup& joined) { return joined.group == group; });
  return at == session->groups->end() ? nullptr : &*at;
}

void give_to_member(ShardState& state, ResidentSession& session, const JoinedGroup& joined, PassingView& passing,
                    const routing::MatchEntry& entry, Phase phase, Now now) {
  passing.share_tag = joined.share_tag;
  deliver_to_session(state, session, passing, {&entry, 1}, phase, now);
  passing.share_tag = 0;
  if (passing.qos() == QoS::kAtMostOnce || phase == Phase::kDurable) return;
  if (session.taken_of_groups < UINT16_MAX) ++session.taken_of_groups;
  // At QoS 0 nothing else looks at what the socket takes.
  if (entry.maximum_qos == QoS::kAtMostOnce) return pump(state, session, now);
  tell_readiness(state, session, now);
}

/// Whose group it was has ended or left it: back to the group, which chooses again.
GroupDelivery returned(PassingView& passing, const mqtt::MessagePtr& message, mqtt::SessionId group,
                       std::uint8_t returns) {
  GroupDelivery delivery;
  delivery.question = pass_on_question(passing);
  delivery.message = message;
  delivery.group = group;
  delivery.returns = returns;
  delivery.retained_sequence = passing.retained_sequence;
  delivery.group_piece = passing.group;
  delivery.is_held = passing.is_held;
  return delivery;
}

}  // namespace

std::uint32_t choose_members(ShardState& state, std::span<const routing::MatchEntry> targets, PassingView& passing) {
  std::uint32_t elsewhere = 0;
  for (const routing::MatchEntry& entry : targets) {
    if (!entry.is_group) continue;
    GroupChoice choice{entry.subscriber, {}, {}};
    SharedGroup* group = find_group(state, entry.subscriber);
    if (group == nullptr) ++elsewhere;  // it comes back
    // What is read back from the store was published before this.
    const bool is_behind = group != nullptr && group->queue.paged_out() > 0 && !passing.is_from_queue;
    const bool needs_credit = passing.qos() != QoS::kAtMostOnce;
    GroupMember* member =
        group != nullptr && !(is_behind && needs_credit) ? group->choose(passing.topic(), needs_credit) : nullptr;
    if (member != nullptr) {
      choice.member = member->session;
      choice.entry = member->entry;
      if (member->session.loop != state.loop) ++elsewhere;
    }
    passing.choices.push_back(choice);
  }
  return elsewhere;
}

void deliver_to_group(ShardState& state, const routing::MatchEntry& entry, PassingView& passing, Phase phase, Now now) {
  const bool is_stored = state.journal != nullptr && passing.group != 0 && passing.qos() != QoS::kAtMostOnce;
  if (phase == Phase::kDurable && !is_stored) return;
  SharedGroup* group = find_group(state, entry.subscriber);
  const auto choice = std::find_if(passing.choices.begin(), passing.choices.end(),
                                   [&](const GroupChoice& made) { return made.group == entry.subscriber; });
  if (group == nullptr || choice == passing.choices.end()) {
    // Its first member's mail is still on the way; this comes back after it, with a piece of its own.
    if (phase == Phase::kDurable) return;
    GroupDelivery delivery = returned(passing, passing.kept(), entry.subscriber, 1);
    if (!is_stored) delivery.group_piece = 0;
    return state.mail_to(state.loop, std::move(delivery));
  }
  if (!choice->member) {
    if (phase != Phase::kLive || !is_stored) queue_in_group(state, *group, passing, now);
    return;
  }
  if (choice->member.loop == state.loop) {
    // Members here are known as they are.
    ResidentSession* session = state.sessions.find(choice->member.slot);
    if (const JoinedGroup* joined = joined_group(session, entry.subscriber))
      give_to_member(state, *session, *joined, passing, choice->entry, phase, now);
    return;
  }
  if (phase == Phase::kDurable) return;
  GroupDelivery delivery = returned(passing, passing.kept(), entry.subscriber, 0);
  delivery.member = choice->member;
  delivery.entry = choice->entry;
  if (!is_stored) delivery.group_piece = 0;
  state.mail_to(choice->member.loop, std::move(delivery));
}

namespace {

/// The group chooses again, on its home loop.
void give_again(ShardState& state, const GroupDelivery& delivery, PassingView& passing, Now now) {
  routing::MatchEntry entry;
  entry.subscriber = delivery.group;
  entry.is_group = true;
  const SharedGroup* group = find_group(state, delivery.group);
  const bool is_of_group = group != nullptr && mqtt::matches(filter_of(group->key), passing.topic());
  std::uint32_t passed_on = 0;
  if (is_of_group && delivery.returns <= kMaximumReturns) {
    passed_on = choose_members(state, {&entry, 1}, passing);
  } else {
    passing.choices.push_back({delivery.group, {}, {}});
  }
  const bool is_piece = passing.group != 0 && state.journal != nullptr;
  if (is_piece) {
    state.journal->begin_piece(passing.group, passed_on);
    passing.is_in_piece = true;
    if (is_of_group) deliver_to_group(state, entry, passing, Phase::kDurable, now);
    state.journal->end_piece();
    passing.is_in_piece = false;
  }
  if (is_of_group) deliver_to_group(state, entry, passing, is_piece ? Phase::kLive : Phase::kAll, now);
}

void take_group_delivery(ShardState& state, const GroupDelivery& delivery, PassingView& passing, Now now) {
  if (!delivery.member) return give_again(state, delivery, passing, now);
  ResidentSession* session = state.sessions.find(delivery.member.slot);
  const JoinedGroup* joined = joined_group(session, delivery.group);
  const bool is_piece = delivery.group_piece != 0 && state.journal != nullptr;
  if (is_piece) {
    // The group's loop adds one more when it is given back.
    state.journal->begin_piece(delivery.group_piece, joined != nullptr ? 0 : 1);
    passing.is_in_piece = true;
    if (joined != nullptr) give_to_member(state, *session, *joined, passing, delivery.entry, Phase::kDurable, now);
    state.journal->end_piece();
    passing.is_in_piece = false;
  }
  if (joined != nullptr) {
    return give_to_member(state, *session, *joined, passing, delivery.entry, is_piece ? Phase::kLive : Phase::kAll,
                          now);
  }
  // It left, or its session ended, while this was on its way (MQTT-3.10.4-2).
  state.mail_to(delivery.group.loop,
                returned(passing, delivery.message, delivery.group, static_cast<std::uint8_t>(delivery.returns + 1)));
}

}  // namespace

void group_delivery(ShardState& state, const GroupDelivery& delivery, Now now) {
  PassingView passing(state, delivery.message);
  passing.retained_sequence = delivery.retained_sequence;
  passing.group = delivery.group_piece;
  passing.is_held = delivery.is_held;
  RoomInquiry inquiry{delivery.question};
  if (delivery.question.number != 0) passing.inquiry = &inquiry;
  take_group_delivery(state, delivery, passing, now);
  if (passing.inquiry != nullptr) answer_for_member(state, inquiry);
}

void drain_group(ShardState& state, SharedGroup& group, Now now) {
  // A member here that is ready for more says so while it is given something: the loop below goes on with it.
  if (std::exchange(group.is_draining, true)) return;
  routing::MatchEntry entry;
  entry.subscriber = group.id;
  entry.is_group = true;
  const auto may_be_given = [](const GroupMember& member) { return member.is_online && member.credit > 0; };
  while (std::any_of(group.members.begin(), group.members.end(), may_be_given)) {
    const mqtt::MessagePtr front = group.queue.front();
    if (!front) break;
    if (front->is_expired(now.wall)) {
      ++state.counters.dropped_expired;
      group.queue.take_front(durably(state, group));
      continue;
    }
    PassingView passing(state, front);
    passing.is_from_queue = true;
    const std::uint32_t elsewhere = choose_members(state, {&entry, 1}, passing);
    if (!passing.choices.front().member) break;
    // Out of the group's queue and into the member's at once.
    if (group.number != 0) {
      passing.group = state.journal->new_group();
      state.journal->begin_piece(passing.group, 1 + elsewhere);
      passing.is_in_piece = true;
    }
    group.queue.take_front(durably(state, group));
    if (passing.is_in_piece) {
      deliver_to_group(state, entry, passing, Phase::kDurable, now);
      state.journal->end_piece();
      passing.is_in_piece = false;
    }
    deliver_to_group(state, entry, passing, passing.group != 0 ? Phase::kLive : Phase::kAll, now);
  }
  group.is_draining = false;
  if (group.number != 0 && group.queue.wants_page()) {
    const session::QueuePosition after = group.queue.begin_page();
    state.journal->fetch(group.number, after, session::OutboundFlow::kPageMessages, session::OutboundFlow::kPageBytes);
  }
}

}  // namespace mortise::core
