#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/mqtt/message.h"
#include "broker/routing/match_result.h"
#include "broker/routing/retained_index.h"
#include "broker/routing/subscription_index.h"

namespace mortise::routing {

inline mqtt::SessionId session(std::uint32_t index, LoopIndex loop = 0) { return {{index, 1}, loop}; }

inline IndexedSubscription subscription(mqtt::SessionId subscriber, mqtt::QoS qos = mqtt::QoS::kAtMostOnce) {
  IndexedSubscription made;
  made.entry.subscriber = subscriber;
  made.entry.maximum_qos = qos;
  return made;
}

inline IndexedSubscription ruled(mqtt::SessionId subscriber, std::vector<FilterRule> rules) {
  IndexedSubscription made = subscription(subscriber);
  made.rules = std::make_shared<const FilterRules>(std::move(rules));
  return made;
}

/// The slots of the sessions in a result, in its order.
inline std::vector<std::uint32_t> subscribers(const MatchResultPtr& result) {
  std::vector<std::uint32_t> slots;
  for (const MatchEntry& entry : result->entries()) slots.push_back(entry.subscriber.slot.index);
  return slots;
}

inline mqtt::MessagePtr message(std::string_view topic, std::string_view payload, WallTime expires_at = kNeverWall) {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = as_bytes(payload);
  fields.retain = true;
  fields.expires_at = expires_at;
  return mqtt::Message::make(fields);
}

/// 32,768 levels, all `level`: as deep as a topic with a character in each level can be.
inline std::string deepest(std::string_view level) {
  std::string topic(level);
  for (int i = 0; i < 32767; ++i) topic.append("/").append(level);
  return topic;
}

/// A walk that nothing interrupts: visit answers nothing. How many pages it took.
template <class Visit>
std::size_t match_all(const RetainedIndex& index, std::string_view filter, WallTime now, std::size_t nodes,
                      Visit&& visit) {
  RetainedCursor cursor;
  const auto go_on = [&](const mqtt::MessagePtr& found, std::uint64_t sequence) {
    visit(found, sequence);
    return true;
  };
  for (std::size_t pages = 1;; ++pages) {
    std::size_t left = nodes;
    if (index.match(filter, cursor, left, now, go_on)) return pages;
  }
}

/// The topics that a filter finds, sorted; `nodes` to a page.
inline std::vector<std::string> retained_topics(const RetainedIndex& index, std::string_view filter, WallTime now = {},
                                                std::size_t nodes = 1000) {
  std::vector<std::string> topics;
  match_all(index, filter, now, nodes,
            [&](const mqtt::MessagePtr& found, std::uint64_t) { topics.emplace_back(found->topic()); });
  std::sort(topics.begin(), topics.end());
  return topics;
}

}  // namespace mortise::routing
