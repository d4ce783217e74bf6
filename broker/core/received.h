#pragma once

#include <cstdint>
#include <string_view>

#include "broker/hooks/affix.h"

namespace mortise::core {

/// A PUBLISH at QoS 0 without DUP and RETAIN as it was received. Borrowed.
struct ReceivedView {
  /// What the publisher's client calls the topic, in terms of affixes.
  enum class Naming : std::uint8_t {
    kByAffix,  // as whoever has the same `affix`
    kUnknown,  // of another loop, whose affixes are not for us: names are compared
  };

  std::string_view packet;  // empty: no receiver may get it unchanged
  std::string_view topic;   // in the packet
  std::uint32_t payload_size = 0;
  const hooks::Affix* affix = nullptr;
  Naming naming = Naming::kByAffix;
  bool is_v5 = false;
};

inline constexpr ReceivedView kNotReceived;

}  // namespace mortise::core
