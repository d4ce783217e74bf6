#include <algorithm>

#include "broker/mqtt/topic.h"
#include "model.h"

// What sessions must receive.

namespace mortise::simulation {

using mqtt::QoS;

namespace {

/// What a packet takes besides its topic and payload, at the most.
constexpr std::size_t kAround = 60;

}  // namespace

void Model::published(const Message& message) {
  if (message.payload.empty()) return;
  for (auto& [id, of] : sessions_) owe(of, message);
}

bool Model::is_for(const Session& of, const Subscription& by, const Message& message) {
  return !by.is_shared && by.is_sure(message.routed_from) && mqtt::matches(by.filter, message.topic) &&
         !(by.options.no_local && message.publisher == of.client_id) &&
         message.topic.size() + message.payload.size() + kAround < of.smallest_packet;
}

void Model::owe(Session& of, const Message& message) {
  if (message.qos == QoS::kAtMostOnce || of.got.contains(message.number)) return;
  const bool is_owed = std::any_of(of.subscriptions.begin(), of.subscriptions.end(), [&](const Subscription& each) {
    return each.options.maximum_qos != QoS::kAtMostOnce && is_for(of, each, message);
  });
  if (is_owed) of.owed.insert(message.number);
}

/// What is surely retained now, and surely nothing else.
const Model::Message* Model::current(const std::vector<int>& history, Step before, Now now) const {
  const Message& last = messages_.at(history.back());
  const bool is_one = !last.payload.empty() && !last.must_not_come && last.surely_retained < before &&
                      last.last_possible < before && last.expires_first() > now.wall + Seconds(1);
  const bool is_last = is_one && std::all_of(history.begin(), history.end() - 1, [&](int number) {
                         return messages_.at(number).last_possible < last.first_sent;
                       });
  return is_last ? &last : nullptr;
}

void Model::owe_replays(const Link& to, const Subscription& by, Now now) {
  const Session& of = sessions_.at(to.session);
  for (const auto& [topic, history] : retained_) {
    if (!mqtt::matches(by.filter, topic)) continue;
    const Message* message = current(history, by.from, now);
    if (message == nullptr || (by.options.no_local && message->publisher == to.session)) continue;
    if (topic.size() + message->payload.size() + kAround >= of.smallest_packet) continue;
    replays_due_.push_back({to.client->number(), message->number, by.from, by.place});
  }
}

/// What is retained was sent, or waits until there is room: for as long as this connection lasts, its subscription
/// stands and the message is what is retained.
void Model::check_replays() {
  std::erase_if(replays_due_, [this](const ReplayDue& due) {
    const Session& of = session(links_.at(due.link));
    const auto got = of.got.find(due.number);
    const bool is_done = got != of.got.end() && got->second.replayed >= due.from;
    duties_ += is_done ? 1 : 0;
    const Message& message = messages_.at(due.number);
    const bool stands = std::any_of(of.subscriptions.begin(), of.subscriptions.end(), [&](const Subscription& each) {
      return each.from == due.from && each.place == due.place && each.until == kNeverStep;
    });
    return is_done || !open_.contains(due.link) || !stands || retained_.at(message.topic).back() != due.number;
  });
}

/// At QoS 0 whoever is connected and reads gets it at once.
void Model::check_at_most_once(std::uint64_t dropped) {
  if (std::exchange(dropped_, dropped) != dropped) {
    fresh_.clear();
    for (const std::size_t open : open_) {
      for (const int unheard : links_.at(open).unheard) messages_.at(unheard).is_dropped = true;
    }
  }
  for (const int number : std::exchange(fresh_, {})) {
    const Message& message = messages_.at(number);
    if (message.payload.empty() || message.is_dropped) continue;
    for (const std::size_t open : open_) {
      const Link& to = links_.at(open);
      if (!to.is_connected || to.is_slow || !to.client->takes_bytes || to.greeted_at > message.routed_from) continue;
      const Session& of = session(to);
      const bool is_due = std::any_of(of.subscriptions.begin(), of.subscriptions.end(),
                                      [&](const Subscription& each) { return is_for(of, each, message); });
      if (!is_due) continue;
      if (!of.got.contains(number)) violated(to, "it was not sent " + describe(message));
      ++duties_;
    }
  }
}

/// Whether some member of this one's group must get it: as long as one stays, the group does, and what is unfinished
/// when another leaves comes back to it. At QoS 2 it does not, and at QoS 0 nobody tells.
bool Model::is_for_group(const Subscription& by, const Message& message) const {
  if (!by.is_shared || !by.is_sure(message.routed_from) || !mqtt::matches(by.filter, message.topic)) return false;
  return std::none_of(sessions_.begin(), sessions_.end(), [&](const auto& other) {
    const auto& all = other.second.subscriptions;
    return std::any_of(all.begin(), all.end(), [&](const Subscription& each) {
      return each.asked == by.asked && each.options.maximum_qos == QoS::kAtMostOnce &&
             each.surely_until >= message.routed_from;
    });
  });
}

/// What a group gave to a session that only memory has is lost with it.
void Model::forget_memory(const Session& of) {
  for (const Subscription& by : of.subscriptions) {
    if (!by.is_shared || of.least_expiry > 0) continue;
    for (const auto& [number, message] : messages_) {
      if (by.surely_until >= message.first_sent && mqtt::matches(by.filter, message.topic))
        reached_[by.asked].insert(number);
    }
  }
}

void Model::check_groups(Now now, std::uint64_t& missing, std::uint64_t dropped) {
  for (const auto& [number, message] : messages_) {
    const bool is_one = message.qos == QoS::kAtLeastOnce && !message.payload.empty() && !message.must_not_come &&
                        message.last_possible != kNeverStep && message.expires_first() > now.wall;
    std::set<std::string> groups;
    for (const auto& [id, of] : sessions_) {
      for (const Subscription& by : of.subscriptions) {
        if (!is_one || !is_for_group(by, message) || !groups.insert(by.asked).second) continue;
        if (reached_[by.asked].contains(number)) {
          ++duties_;
        } else if (++missing > dropped) {
          violated_("no member of " + by.asked + " received " + describe(message), id);
        }
      }
    }
  }
}

void Model::finish(Now now, std::uint64_t dropped) {
  std::uint64_t missing = 0;
  for (const ReplayDue& due : replays_due_) {
    const Message& message = messages_.at(due.number);
    if (message.expires_first() > now.wall && ++missing > dropped)
      violated(links_.at(due.link), "it was never sent what is retained: " + describe(message) + " [MQTT-3.3.1-9]");
  }
  for (auto& [id, of] : sessions_) refresh(of, now);
  check_groups(now, missing, dropped);
  for (auto& [id, of] : sessions_) {
    for (const int number : of.owed) {
      const Message& message = messages_.at(number);
      if (message.expires_first() > now.wall && ++missing > dropped)
        violated_("it never received " + describe(message) + " [MQTT-4.5.0-1]", id);
    }
    if (!of.publishing.empty()) violated_("it waits for an acknowledgement for ever [MQTT-4.3.2-4, MQTT-4.3.3-8]", id);
  }
}

}  // namespace mortise::simulation
