#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/boxed.h"
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
    mqtt::MessageView fields;
    ReceivedView received;
    for (std::size_t at = 0; at < bytes_.size();) {
      at = read(at, fields, received);
      visit(fields, received);
    }
  }

  /// Keeps its memory.
  void clear() noexcept {
    bytes_.clear();
    packets_ = 0;
  }

  std::size_t packets() const noexcept { return packets_; }
  /// In memory.
  std::size_t cost() const noexcept { return bytes_.capacity(); }

 private:
  struct Head;
  /// Sets all that differs from packet to packet. Returns where the next one begins.
  std::size_t read(std::size_t at, mqtt::MessageView& fields, ReceivedView& received) const;

  std::string bytes_;
  std::size_t packets_ = 0;
};

/// Bundles that came back, for the next packets: bounded in bytes; what does not fit is freed. Unsynchronised.
class SpareBundles {
 public:
  /// What a loop sends in a busy iteration.
  static constexpr std::size_t kMaximumBytes = 1u << 20;

  Boxed<PacketBundle> take() {
    if (bundles_.empty()) return PacketBundle();
    Boxed<PacketBundle> bundle = std::move(bundles_.back());
    bundles_.pop_back();
    bytes_ -= bundle->cost();
    return bundle;
  }
  void give_back(Boxed<PacketBundle> bundle) {
    if (bytes_ + bundle->cost() > kMaximumBytes) return;
    bundle->clear();
    bytes_ += bundle->cost();
    bundles_.push_back(std::move(bundle));
  }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::vector<Boxed<PacketBundle>> bundles_;
  std::size_t bytes_ = 0;
};

}  // namespace mortise::core
