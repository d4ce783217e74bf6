#pragma once

#include <string>

#include "broker/mqtt/packets.h"

namespace mortise::mqtt {

/// Every field of `packet` as text: two packets are equal exactly when their dumps are.
std::string dump(const ControlPacketView& packet);

}  // namespace mortise::mqtt
