#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mortise::session {

/// The Topic Aliases that the broker sets on one connection (5.0 section 3.3.2.3.4). The first topics have one at once,
/// since most clients are sent few topics; when all are taken, a topic that came twice lately is given that of one that
/// did not come since it was last passed over (a clock, where each use is good for another round). Bounded by the
/// number of aliases and the length of a topic. Unsynchronised; ends with the connection (MQTT-3.3.2-7).
class OutboundTopicAliases {
 public:
  /// Others are always sent whole: an alias is three bytes, and what one connection keeps is bounded.
  static constexpr std::size_t kShortestTopic = 4, kLongestTopic = 2048;

  /// `maximum`: above 0; what the Client takes, or less (MQTT-3.1.2-26).
  explicit OutboundTopicAliases(std::uint16_t maximum) : maximum_(maximum) {}

  struct Choice {
    std::uint16_t alias = 0;  // 0: the topic is sent whole, and without
    bool is_set = false;      // the Client knows it: the topic is left out
  };
  /// How a PUBLISH to `topic` is to be sent. It changes nothing that the Client would have to know of.
  Choice choose(std::string_view topic);
  /// It was sent like that.
  void sent(std::string_view topic, Choice choice);

 private:
  static std::uint32_t hash_of(std::string_view topic) noexcept {
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(topic));
  }
  /// Whether a topic without an alias came lately; it did from now on.
  bool comes_again(std::uint32_t hash);

  const std::uint16_t maximum_;
  std::uint16_t hand_ = 0;             // whose turn it is to give up its alias
  std::vector<std::uint32_t> hashes_;  // by alias - 1, as the next two
  std::vector<std::string> topics_;
  std::vector<std::uint8_t> rounds_;   // that it stays although others come
  std::vector<std::uint32_t> lately_;  // hashes of topics that came without an alias, a ring
  std::size_t oldest_ = 0;             // of them, once it is full
};

}  // namespace mortise::session
