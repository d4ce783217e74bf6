#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "broker/base/time.h"
#include "broker/hooks/affix.h"
#include "broker/mqtt/encode.h"
#include "broker/mqtt/message.h"

namespace mortise::core {

/// Encodes a message once per distinct layout: protocol version, QoS, RETAIN and affix are what its receivers can
/// differ in. One per shard, which lends it to one message after the other, so that its buffers are allocated once.
/// Unsynchronised (loop-owned).
class EncodedLayouts {
 public:
  /// Borrowed until the next call.
  struct EncodedView {
    std::string_view head;         // up to the payload; small payloads included
    std::size_t packet_id_at = 0;  // 0: none
    std::size_t size = 0;          // of the whole packet
    bool has_payload = false;      // in `head`
  };
  struct Layout {
    bool is_v5 = false;
    bool retain = false;
    mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
    const hooks::Affix* affix = nullptr;  // borrowed for the passing of one message
    friend bool operator==(const Layout&, const Layout&) = default;
  };

  /// Another message passes: what was encoded is forgotten.
  void begin() noexcept { used_ = 0; }
  /// The message that passes. `topic`: as the receiver knows it.
  EncodedView encode(const mqtt::MessageView& message, const Layout& layout, std::string_view topic, WallTime now);
  /// Any message, for one receiver. `alias`: a Topic Alias, 0 for none.
  EncodedView encode_alone(const mqtt::MessageView& message, const Layout& layout, std::string_view topic,
                           std::span<const std::uint32_t> subscription_identifiers, WallTime now,
                           std::uint16_t alias = 0);

 private:
  struct Encoded {
    mqtt::ByteBuffer head;
    std::size_t packet_id_at = 0;
    std::size_t size = 0;
    bool has_payload = false;
    EncodedView view() const noexcept { return {head, packet_id_at, size, has_payload}; }
  };
  struct Slot {
    Layout layout;
    Encoded encoded;
  };
  static void encode_into(Encoded& encoded, const mqtt::MessageView& message, const Layout& layout,
                          std::string_view topic, const mqtt::DeliveryPropertiesView& properties);

  std::array<Slot, 4> slots_;
  std::size_t used_ = 0;
  Encoded alone_;
};

}  // namespace mortise::core
