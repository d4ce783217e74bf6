#include "broker/session/outbound_topic_aliases.h"

#include <algorithm>

namespace mortise::session {

namespace {

constexpr std::uint8_t kMostRounds = 3;

/// Topics that are remembered for each alias, of those without one.
constexpr std::size_t kRemembered = 4;

}  // namespace

OutboundTopicAliases::Choice OutboundTopicAliases::choose(std::string_view topic) {
  if (topic.size() < kShortestTopic || topic.size() > kLongestTopic) return {};
  const std::uint32_t hash = hash_of(topic);
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    if (hashes_[i] == hash && topics_[i] == topic) return {static_cast<std::uint16_t>(i + 1), true};
  }
  if (topics_.size() < maximum_) return {static_cast<std::uint16_t>(topics_.size() + 1), false};
  if (!comes_again(hash)) return {};
  if (rounds_[hand_] == 0) return {static_cast<std::uint16_t>(hand_ + 1), false};
  --rounds_[hand_];
  hand_ = static_cast<std::uint16_t>((hand_ + 1) % maximum_);
  return {};
}

void OutboundTopicAliases::sent(std::string_view topic, Choice choice) {
  if (choice.alias == 0) return;
  const std::size_t at = choice.alias - 1u;
  if (choice.is_set) {
    rounds_[at] = std::min<std::uint8_t>(static_cast<std::uint8_t>(rounds_[at] + 1), kMostRounds);
    return;
  }
  if (at == topics_.size()) {
    hashes_.push_back(hash_of(topic));
    topics_.emplace_back(topic);
    rounds_.push_back(0);
    return;
  }
  hashes_[at] = hash_of(topic);
  topics_[at].assign(topic);
  hand_ = static_cast<std::uint16_t>(choice.alias % maximum_);
}

bool OutboundTopicAliases::comes_again(std::uint32_t hash) {
  if (std::find(lately_.begin(), lately_.end(), hash) != lately_.end()) return true;
  if (lately_.size() < kRemembered * maximum_) {
    lately_.push_back(hash);
    return false;
  }
  lately_[oldest_] = hash;
  oldest_ = (oldest_ + 1) % lately_.size();
  return false;
}

}  // namespace mortise::session
