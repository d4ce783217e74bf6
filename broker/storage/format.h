#pragma once

#include <cstdint>

/// What the broker alone writes into the opaque parts of store records. FORMAT.md is the page to read beside this.
namespace mortise::storage {

/// A body begins with two bytes: the version that wrote it, and the oldest version of a reader that understands it.
/// Fields are only ever added at the end; a reader ignores what follows those it knows.
struct BodyVersion {
  std::uint8_t written = 1;
  std::uint8_t readable_since = 1;
};
inline constexpr BodyVersion kSessionBody{2, 1};
inline constexpr BodyVersion kSubscriptionBody{1, 1};
inline constexpr BodyVersion kMessageBody{2, 1};
inline constexpr BodyVersion kQueueBody{2, 1};

/// Since which version of a body a field is in it.
inline constexpr std::uint8_t kSessionSaysSentUntilSince = 2;
inline constexpr std::uint8_t kMessageSaysOriginSince = 2;
inline constexpr std::uint8_t kQueueSaysShareTagSince = 2;

/// First byte of a session's key.
enum class KeyKind : std::uint8_t { kClient = 1, kShareGroup = 2 };

/// Bits of queue_put.flags.
inline constexpr std::uint16_t kQueueRetain = 1;

/// Bits of the first byte behind the envelope of a session body.
inline constexpr std::uint8_t kSessionHasPrincipal = 1;
inline constexpr std::uint8_t kSessionHasUserName = 2;
inline constexpr std::uint8_t kSessionHasAffix = 4;
inline constexpr std::uint8_t kSessionIsShareGroup = 8;

/// Bits of the first byte behind the envelope of a message body; the QoS as published is in bits 0 and 1.
inline constexpr std::uint8_t kMessageQosMask = 3;
inline constexpr std::uint8_t kMessageRetain = 4;
inline constexpr std::uint8_t kMessageIsWill = 8;

/// How many session numbers one mark_put reserves: after a restart numbering goes on behind them.
inline constexpr std::uint64_t kSessionNumbersReserved = 4096;

}  // namespace mortise::storage
