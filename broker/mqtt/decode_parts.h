#pragma once

#include "broker/mqtt/decode.h"

/// What decode() is put together from, one function per packet. Internal to broker/mqtt.
namespace mortise::mqtt {

/// What next_frame could not judge without the version: the shortest Remaining Length, and DUP where 3.1 alone has it.
Result<void, Refusal> check_fixed_header(const FrameView& frame, ProtocolVersion version) noexcept;

Result<ConnackView, Refusal> decode_connack(const FrameView& frame, ProtocolVersion version) noexcept;
Result<SubscribeView, Refusal> decode_subscribe(const FrameView& frame, ProtocolVersion version);
Result<UnsubscribeView, Refusal> decode_unsubscribe(const FrameView& frame, ProtocolVersion version);
Result<SubscriptionAcknowledgementView, Refusal> decode_subscription_acknowledgement(const FrameView& frame,
                                                                                     ProtocolVersion version) noexcept;
Result<DisconnectView, Refusal> decode_disconnect(const FrameView& frame, ProtocolVersion version) noexcept;
Result<AuthView, Refusal> decode_auth(const FrameView& frame, ProtocolVersion version) noexcept;

}  // namespace mortise::mqtt
