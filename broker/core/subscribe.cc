#include "broker/core/subscribe.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/deliver.h"
#include "broker/core/explained.h"
#include "broker/core/group_member.h"
#include "broker/core/groups.h"
#include "broker/core/receive.h"
#include "broker/core/replay.h"
#include "broker/core/review.h"
#include "broker/core/talk.h"
#include "broker/session/origin.h"

namespace mortise::core {

namespace {

using mqtt::PropertyId;
using mqtt::QoS;
using mqtt::ReasonCode;
using mqtt::Refusal;

/// What a session keeps of one subscription, about.
std::size_t session_bytes(std::string_view filter, std::string_view routed_filter, const routing::FilterRules* rules) {
  // Its allocations, and its place in a vector that doubles, old and new for a moment.
  constexpr std::size_t kInMap = 32 + 3 * sizeof(void*);
  std::size_t bytes = sizeof(SubscriptionState) + sizeof(std::string) + kInMap + filter.size() + routed_filter.size();
  for (; rules != nullptr; rules = rules->also()) {
    for (const routing::FilterRule& rule : rules->rules()) bytes += sizeof rule + rule.filter.size();
  }
  return bytes;
}

/// Whoever subscribes again replaces what is there, and needs no room for it.
bool has_room(const ShardState& state, const ResidentSession& session, const ReviewedSubscription& reviewed) {
  if (session.subscriptions.contains(reviewed.filter)) return true;
  return state.shared.subscriptions->has_room(
      reviewed.routed_filter, session_bytes(reviewed.filter, reviewed.routed_filter, reviewed.rules.get()));
}

/// Well-formed, and above a limit of this Server: the answer is in SUBACK (5.0 section 3.9.3).
bool is_not_accepted(const Refusal& refusal) { return refusal.reason == ReasonCode::kTopicFilterInvalid; }

ReasonCode granted(QoS qos) { return static_cast<ReasonCode>(qos); }

/// The filters of the same packet before one, and the new ones among them.
struct AskedBefore {
  std::size_t all = 0, added = 0;
};

/// What CONNACK said is not available: a Protocol Error of a 5.0 Client (5.0 sections 3.2.2.3.11 to 3.2.2.3.13).
const Refusal* unavailable(const session::MqttLimits& limits, const mqtt::TopicFilterView& parsed,
                           std::uint32_t identifier) {
  static constexpr Refusal kShared{ReasonCode::kSharedSubscriptionsNotSupported, "5.0 3.2.2.3.13",
                                   "a Shared Subscription, which CONNACK said is not available"};
  static constexpr Refusal kWildcard{ReasonCode::kWildcardSubscriptionsNotSupported, "5.0 3.2.2.3.11",
                                     "a wildcard, which CONNACK said is not available"};
  static constexpr Refusal kIdentifier{ReasonCode::kSubscriptionIdentifiersNotSupported, "5.0 3.2.2.3.12",
                                       "a Subscription Identifier, which CONNACK said is not available"};
  if (parsed.is_shared() && !limits.shared_subscription_available) return &kShared;
  if (parsed.has_wildcard() && !limits.wildcard_subscription_available) return &kWildcard;
  return identifier != 0 && !limits.subscription_identifier_available ? &kIdentifier : nullptr;
}

/// What one asked filter is refused for without asking anybody; else it goes on to authorization as `reviewed`.
Result<void, Refusal> prepare(ShardState& state, const ResidentSession& session,
                              const mqtt::SubscriptionRequestView& request, const mqtt::TopicFilterView& parsed,
                              AskedBefore asked, ReviewedSubscription& reviewed) {
  const session::MqttLimits& limits = state.shared.mqtt;
  // Those of this packet are counted for themselves, too: each is held until all are authorized.
  const std::size_t maximum = state.shared.session.max_subscriptions;
  const bool is_new = !session.subscriptions.contains(request.filter);
  if (asked.all >= maximum || (is_new && session.subscriptions.size() + asked.added >= maximum)) {
    ++state.counters.subscribes_over_quota;
    return failure(
        Refusal{ReasonCode::kQuotaExceeded, "5.0 3.9.3", "the Client has as many subscriptions as it may have"});
  }
  std::string_view routed = parsed.filter;
  if (session.affix) {
    const auto joined = session.affix->apply_to_filter(hooks::kAffixSubscribe, parsed.filter, state.topic_scratch);
    if (!joined) return failure(joined.error());
    routed = *joined;
  }
  reviewed.filter = request.filter;
  reviewed.share_name = parsed.share_name;
  reviewed.routed_filter = routed;
  reviewed.options = request.options;
  reviewed.options.maximum_qos = std::min(request.options.maximum_qos, limits.maximum_qos);
  return {};
}

session::SubscriptionRecord to_record(const std::string& filter, const SubscriptionState& subscription) {
  session::SubscriptionRecord record;
  record.filter = filter;
  record.routed_filter = subscription.routed_filter;
  record.options = subscription.options;
  record.subscription_identifier = subscription.subscription_identifier;
  for (const routing::FilterRules* rules = subscription.rules.get(); rules != nullptr; rules = rules->also()) {
    auto& list = record.rules.emplace_back();
    for (const routing::FilterRule& rule : rules->rules()) list.emplace_back(rule.allow, rule.filter);
  }
  return record;
}

void grant(ShardState& state, ResidentSession& session, ReviewedSubscription& reviewed, Now now) {
  const auto existing = session.subscriptions.find(reviewed.filter);
  const bool is_new = existing == session.subscriptions.end();
  if (!is_new && existing->second.routed_filter != reviewed.routed_filter) {
    leave_subscription(state, session, existing->second, now);
    end_replay(session, existing->second);
  }
  SubscriptionState& subscription = session.subscriptions[reviewed.filter];
  const std::uint64_t replay = subscription.replay;  // goes on, with what is asked for now
  subscription = {std::move(reviewed.share_name),   std::move(reviewed.routed_filter), reviewed.options,
                  reviewed.subscription_identifier, std::move(reviewed.rules),         replay};
  charge(state, reviewed.filter, subscription);
  const auto handling = reviewed.options.retain_handling;
  const bool replays = subscription.share_name.empty() && (handling == mqtt::RetainHandling::kSend ||
                                                           (handling == mqtt::RetainHandling::kSendIfNew && is_new));
  const std::uint64_t boundary = enter_subscription(state, session, subscription, replays, now);
  put_subscription(state, session, reviewed.filter, subscription);
  state.emit(hooks::EventKind::kSubscribed, session.principal, now, subscription.routed_filter, ReasonCode::kSuccess,
             reviewed.options.maximum_qos);
  if (replays && state.shared.mqtt.retain_available)
    begin_replay(state, session, reviewed.filter, subscription, boundary);
}

void acknowledge_subscribe(ShardState& state, Connection& connection, const ResidentSession& session,
                           mqtt::PacketType type, mqtt::PacketId packet_id, std::span<const ReasonCode> codes,
                           const char* why) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(codes.size());
  for (const ReasonCode code : codes) {
    const bool is_failure = mqtt::is_error(code) && !connection.is_v5();
    bytes.push_back(is_failure ? 0x80 : static_cast<std::uint8_t>(code));
  }
  mqtt::SubscriptionAcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.codes = bytes;
  say_when_durable(state, connection, session.number != 0 ? state.journal->position() : 0,
                   encode_explained(connection, packet, why));
}

/// Refused before anything is changed: a SUBACK or UNSUBACK of `codes` Reason Codes cannot be made smaller.
Result<void, Refusal> check_answer_fits(const Connection& connection, std::size_t codes) {
  const std::size_t body = 3 + codes;  // Packet Identifier, Property Length
  const std::size_t size = body + (body < 128 ? 2 : (body < 16'384 ? 3 : 4));
  if (fits(connection, size)) return {};
  return failure(
      Refusal{ReasonCode::kPacketTooLarge, "MQTT-3.1.2-24", "its answer is above the Client's Maximum Packet Size"});
}

}  // namespace

// ---- SUBSCRIBE ------------------------------------------------------------------------------------------------------

Result<void, Refusal> subscribe(ShardState& state, Connection& connection, const mqtt::SubscribeView& packet, Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (auto checked = check_answer_fits(connection, packet.requests.size()); !checked) return checked;
  const std::uint32_t identifier = packet.properties.number(PropertyId::kSubscriptionIdentifier).value_or(0);
  PendingSubscribe pending;
  pending.packet_id = packet.packet_id;
  AskedBefore asked;
  for (const mqtt::SubscriptionRequestView& request : packet.requests) {
    const auto parsed = mqtt::parse_topic_filter(request.filter, state.shared.mqtt.topic);
    ReasonCode& code = pending.codes.emplace_back(ReasonCode::kSuccess);
    if (!parsed && is_not_accepted(parsed.error())) {
      pending.refuse(code, parsed.error());
      continue;
    }
    if (!parsed) return failure(parsed.error());
    if (parsed->is_shared() && request.options.no_local) {
      return failure(Refusal{ReasonCode::kProtocolError, "MQTT-3.8.3-4", "No Local on a shared subscription"});
    }
    if (const Refusal* refusal = unavailable(state.shared.mqtt, *parsed, identifier)) {
      if (connection.is_v5()) return failure(*refusal);
      pending.refuse(code, *refusal);
      continue;
    }
    ReviewedSubscription reviewed;
    reviewed.subscription_identifier = identifier;
    if (const auto prepared = prepare(state, *session, request, *parsed, asked, reviewed); !prepared) {
      pending.refuse(code, prepared.error());
      continue;
    }
    ++asked.all;
    asked.added += session->subscriptions.contains(request.filter) ? 0 : 1;
    pending.code_of.push_back(pending.codes.size() - 1);
    pending.review.subscriptions.push_back(std::move(reviewed));
  }
  connection.pending = std::make_unique<PendingOperation>(std::move(pending));
  SubscriptionReview& review = std::get<PendingSubscribe>(*connection.pending).review;
  if (advance_review(state, connection, review, session->principal, now)) subscribe_reviewed(state, connection, now);
  return {};
}

void subscribe_reviewed(ShardState& state, Connection& connection, Now now) {
  PendingSubscribe pending = std::move(std::get<PendingSubscribe>(*connection.pending));
  connection.pending.reset();
  connection.stage_deadline = kNever;
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  for (std::size_t i = 0; i < pending.review.subscriptions.size(); ++i) {
    ReviewedSubscription& reviewed = pending.review.subscriptions[i];
    ReasonCode& code = pending.codes[pending.code_of[i]];
    if (!reviewed.is_allowed) {
      pending.refuse(code, {ReasonCode::kNotAuthorized, "5.0 3.9.3", "not authorized"});
      ++state.counters.subscribes_denied;
      MORTISE_LOG(kInfo, "core", "%s: subscribe to %s denied: not authorized", describe(state, connection).c_str(),
                  quoted(reviewed.filter).c_str());
      continue;
    }
    if (!has_room(state, *session, reviewed)) {
      pending.refuse(code, {ReasonCode::kQuotaExceeded, "5.0 3.9.3", "there is no room for more subscriptions"});
      ++state.counters.subscribes_over_quota;
      continue;
    }
    code = granted(reviewed.options.maximum_qos);
    grant(state, *session, reviewed, now);
  }
  acknowledge_subscribe(state, connection, *session, mqtt::PacketType::kSuback, pending.packet_id, pending.codes,
                        pending.why);
  pump(state, *session, now);
  operation_finished(state, connection, now);
}

Result<void, Refusal> unsubscribe(ShardState& state, Connection& connection, const mqtt::UnsubscribeView& packet,
                                  Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (auto checked = check_answer_fits(connection, packet.filters.size()); !checked) return checked;
  std::vector<ReasonCode> codes;
  const char* why = "";
  bool has_left_group = false;
  for (const std::string_view filter : packet.filters) {
    // Also what was subscribed before the limits were lower.
    if (const auto parsed = mqtt::parse_topic_filter(filter, {0, mqtt::kMaximumStringSize}); !parsed)
      return failure(parsed.error());
    const auto at = session->subscriptions.find(filter);
    if (at == session->subscriptions.end()) {
      codes.push_back(ReasonCode::kNoSubscriptionExisted);
      why = "a Topic Filter was not subscribed to";
      continue;
    }
    codes.push_back(ReasonCode::kSuccess);
    leave_subscription(state, *session, at->second, now);
    has_left_group |= !at->second.share_name.empty();
    if (const session::Durably durably = session->durably(state.journal))
      durably.journal->subscription_remove(durably.number, filter);
    end_replay(*session, at->second);
    state.emit(hooks::EventKind::kUnsubscribed, session->principal, now, at->second.routed_filter);
    session->subscriptions.erase(at);
  }
  if (has_left_group) hand_back_unsent(state, *session);
  acknowledge_subscribe(state, connection, *session, mqtt::PacketType::kUnsuback, packet.packet_id, codes, why);
  return {};
}

// ---- The index ------------------------------------------------------------------------------------------------------

namespace {

routing::MatchEntry entry_of(const ResidentSession& session, const SubscriptionState& subscription) {
  routing::MatchEntry entry;
  entry.subscriber = session.id;
  entry.subscription_identifier = subscription.subscription_identifier;
  entry.maximum_qos = subscription.options.maximum_qos;
  entry.is_durable = session.number != 0 && entry.maximum_qos != mqtt::QoS::kAtMostOnce;
  entry.no_local = subscription.options.no_local;
  entry.retain_as_published = subscription.options.retain_as_published;
  return entry;
}

/// What the session may be given, and when it says that it may be given more.
std::uint16_t credit_of(ShardState& state, ResidentSession& session, GroupMembership::Change change) {
  if (change == GroupMembership::Change::kReady) return session.taken_of_groups;
  const std::uint16_t credit = group_credit(state, session);
  const bool is_behind = session.outbound.messages() > credit / 2u;
  if (is_behind) session.taken_of_groups = std::max(session.taken_of_groups, credit);
  if (!is_behind && change == GroupMembership::Change::kOnline) session.taken_of_groups = 0;
  return is_behind ? std::uint16_t{0} : credit;
}

void note_group(ResidentSession& session, const GroupMembership& membership) {
  const bool is_leaving = membership.change == GroupMembership::Change::kLeave;
  if (is_leaving && session.groups.empty()) return;
  const std::uint64_t share_tag = session::share_tag_of(membership.key);
  std::erase_if(*session.groups, [&](const JoinedGroup& joined) { return joined.share_tag == share_tag; });
  if (!is_leaving) session.groups->push_back({membership.group, share_tag});
  if (session.groups.empty()) session.groups.clear();
}

void tell_group(ShardState& state, ResidentSession& session, const SubscriptionState& subscription,
                GroupMembership::Change change, Now now) {
  GroupMembership membership;
  membership.change = change;
  membership.key = group_key(subscription.share_name, subscription.routed_filter);
  membership.member = session.id;
  const LoopIndex home = group_home(state.shared, membership.key);
  if (change == GroupMembership::Change::kJoin) {
    membership.group =
        state.shared.groups->join(membership.key, home, subscription.routed_filter, state.journal != nullptr);
    membership.entry = entry_of(session, subscription);
    membership.rules = subscription.rules;
    membership.is_persistent = session.is_persistent();
    const Connection* connection = state.connections.find(session.connection);
    membership.is_online = connection != nullptr;
  }
  if (change == GroupMembership::Change::kJoin || change == GroupMembership::Change::kLeave)
    note_group(session, membership);
  membership.credit = credit_of(state, session, change);
  // Here it is known at once; elsewhere before whatever is said to the client leaves, since mail is handed over first.
  // Readiness is never heard at once: it is said in the middle of a delivery, and the group goes on delivering.
  if (home == state.loop && change != GroupMembership::Change::kReady)
    return membership_changed(state, membership, now);
  state.mail_to(home, std::move(membership));
}

}  // namespace

std::uint64_t enter_subscription(ShardState& state, ResidentSession& session, const SubscriptionState& subscription,
                                 bool replays, Now now) {
  if (!subscription.share_name.empty()) {
    tell_group(state, session, subscription, GroupMembership::Change::kJoin, now);
    return 0;
  }
  routing::IndexedSubscription indexed{entry_of(session, subscription), subscription.rules};
  routing::SubscriptionIndex& index = *state.shared.subscriptions;
  if (replays)
    return index.subscribe(subscription.routed_filter, std::move(indexed), *state.shared.retained).retained_boundary;
  index.subscribe(subscription.routed_filter, indexed);
  return 0;
}

void leave_subscription(ShardState& state, ResidentSession& session, const SubscriptionState& subscription, Now now) {
  if (!subscription.share_name.empty())
    return tell_group(state, session, subscription, GroupMembership::Change::kLeave, now);
  state.shared.subscriptions->unsubscribe(subscription.routed_filter, session.id);
}

void remove_all_subscriptions(ShardState& state, ResidentSession& session, Now now) {
  for (const auto& [filter, subscription] : session.subscriptions)
    leave_subscription(state, session, subscription, now);
  end_replays(session);
  session.subscriptions.clear();
}

void charge(ShardState& state, std::string_view filter, SubscriptionState& subscription) {
  const std::size_t bytes = session_bytes(filter, subscription.routed_filter, subscription.rules.get());
  subscription.charge = ByteCharge(state.shared.subscriptions->session_bytes(), bytes);
}

void put_subscription(ShardState& state, const ResidentSession& session, const std::string& filter,
                      const SubscriptionState& subscription) {
  if (const session::Durably durably = session.durably(state.journal))
    durably.journal->subscription_put(durably.number, to_record(filter, subscription));
}

void recover_subscription(ShardState& state, ResidentSession& session, const session::SubscriptionRecord& record,
                          Now now) {
  const auto parsed = mqtt::parse_topic_filter(record.filter, {0, mqtt::kMaximumStringSize});
  if (!parsed) return;
  routing::FilterRulesPtr rules = routing::make_filter_rules(record.rules, [](const auto& rule) {
    return routing::FilterRule{rule.first, rule.second};
  });
  SubscriptionState& subscription = session.subscriptions[record.filter];
  subscription = {std::string(parsed->share_name), record.routed_filter, record.options, record.subscription_identifier,
                  std::move(rules)};
  charge(state, record.filter, subscription);
  enter_subscription(state, session, subscription, false, now);
}

void announce_to_groups(ShardState& state, ResidentSession& session, GroupMembership::Change change, Now now) {
  for (const auto& [filter, subscription] : session.subscriptions) {
    if (!subscription.share_name.empty()) tell_group(state, session, subscription, change, now);
  }
}

}  // namespace mortise::core
