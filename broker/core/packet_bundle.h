#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "broker/core/received.h"
#include "broker/mqtt/message.h"

namespace mortise::core {

/// Messages that nobody keeps, on their way to another loop: the packets as they were received, one behind the other in
/// one piece of memory, where a Message each would be as many allocations. Small, so that a loop that handles one has
/// still said only so much. Unsynchronised; its loop hands it over whole.
class PacketBundle {
 public:
  static constexpr std::size_t kMaximumPackets = 16;
  static constexpr std::size_t kLargestPacket =
      512;  // from here on sharing a Message is cheaper than a copy for each loop

  /// Whether `received` may travel so at all.
  static bool suits(const ReceivedView& received) noexcept {
    return !received.packet.empty() && received.packet.size() <= kLargestPacket;
  }
  bool has_room() const noexcept { return packets_ < kMaximumPackets; }

  /// `fields` are what `received` was decoded to, with the topic that is routed.
  void add(const mqtt::MessageView& fields, const ReceivedView& received);

  /// Calls visit(const mqtt::MessageView&, const ReceivedView&) for each, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t at = 0; at < bytes_.size();) {
      mqtt::MessageView fields;
      ReceivedView received;
      at = read(at, fields, received);
      visit(fields, received);
    }
  }

  std::size_t packets() const noexcept { return packets_; }
  /// In memory.
  std::size_t cost() const noexcept { return bytes_.capacity(); }

 private:
  struct Head;
  /// Returns where the next one begins.
  std::size_t read(std::size_t at, mqtt::MessageView& fields, ReceivedView& received) const;

  std::string bytes_;
  std::size_t packets_ = 0;
};

}  // namespace mortise::core
