#include "broker/hooks/affixed_topics.h"

#include <cstring>

#include "broker/base/bytes.h"

namespace mortise::hooks {

namespace {

constexpr std::size_t kShortest = sizeof(std::uint64_t);

/// Topics differ at their ends.
std::uint64_t hash_of(const Affix* affix, std::string_view topic) noexcept {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::memcpy(&first, topic.data(), sizeof first);
  std::memcpy(&last, topic.data() + topic.size() - sizeof last, sizeof last);
  std::uint64_t hash = (first ^ reinterpret_cast<std::uintptr_t>(affix)) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (hash >> 32) ^ last ^ topic.size()) * 0xD6E8FEB86659FD93u;
  return hash ^ (hash >> 32);
}

}  // namespace

Result<std::string_view, mqtt::Refusal> AffixedTopics::apply(const AffixPtr& affix, std::string_view topic) {
  if (!affix->applies_to(kAffixPublish)) return topic;
  if (topic.size() < kShortest || topic.size() > kLongest) return affix->apply(kAffixPublish, topic, scratch_);
  const std::uint64_t hash = hash_of(affix.get(), topic);
  if (places_.empty()) places_.resize(kPlaces);
  Place& place = places_[hash & (kPlaces - 1)];
  if (place.affix.get() == affix.get() && is_same_text(place.topic, topic)) {
    if (place.candidate != 0) place.candidate = 0;
    return std::string_view(place.routed);
  }
  const Result<std::string_view, mqtt::Refusal> routed = affix->apply(kAffixPublish, topic, scratch_);
  if (!routed || place.candidate != hash) {
    place.candidate = hash;
    return routed;
  }
  place = {affix, std::string(topic), std::string(*routed), 0};
  return std::string_view(place.routed);
}

}  // namespace mortise::hooks
