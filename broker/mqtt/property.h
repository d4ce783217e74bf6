#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/types.h"

namespace mortise::mqtt {

/// 5.0 table 2-4.
enum class PropertyId : std::uint8_t {
  kPayloadFormatIndicator = 0x01,
  kMessageExpiryInterval = 0x02,
  kContentType = 0x03,
  kResponseTopic = 0x08,
  kCorrelationData = 0x09,
  kSubscriptionIdentifier = 0x0B,
  kSessionExpiryInterval = 0x11,
  kAssignedClientIdentifier = 0x12,
  kServerKeepAlive = 0x13,
  kAuthenticationMethod = 0x15,
  kAuthenticationData = 0x16,
  kRequestProblemInformation = 0x17,
  kWillDelayInterval = 0x18,
  kRequestResponseInformation = 0x19,
  kResponseInformation = 0x1A,
  kServerReference = 0x1C,
  kReasonString = 0x1F,
  kReceiveMaximum = 0x21,
  kTopicAliasMaximum = 0x22,
  kTopicAlias = 0x23,
  kMaximumQoS = 0x24,
  kRetainAvailable = 0x25,
  kUserProperty = 0x26,
  kMaximumPacketSize = 0x27,
  kWildcardSubscriptionAvailable = 0x28,
  kSubscriptionIdentifierAvailable = 0x29,
  kSharedSubscriptionAvailable = 0x2A,
};

enum class PropertyType : std::uint8_t {
  kByte,
  kTwoByteInteger,
  kFourByteInteger,
  kVariableByteInteger,
  kUtf8,
  kBinary,
  kUtf8Pair
};

/// Where a property may stand: bit 1 << PacketType, and kWillProperties for those of the Will in CONNECT.
using PropertyPlaces = std::uint32_t;
inline constexpr PropertyPlaces kWillProperties = 1u << 16;
inline constexpr PropertyPlaces place(PacketType type) { return 1u << static_cast<unsigned>(type); }

/// One row of the table that drives decoding, encoding, validation, the fuzz dictionary and the documentation.
struct PropertyRow {
  PropertyId id;
  const char* name;
  PropertyType type;
  PropertyPlaces places;
  bool may_repeat;                                       // User Property; Subscription Identifier in PUBLISH
  std::uint32_t minimum;                                 // for numbers, inclusive
  std::uint32_t maximum;                                 // for numbers, inclusive
  const char* statement;                                 // what a second one, or a value out of range, violates
  ReasonCode out_of_range = ReasonCode::kProtocolError;  // what a value out of range is refused with
};

std::span<const PropertyRow> property_table() noexcept;
/// Null when no property has this identifier.
const PropertyRow* find_property(std::uint32_t id) noexcept;

/// One decoded property; which member is set follows from its row's type.
struct PropertyView {
  PropertyId id;
  std::uint32_t number = 0;  // byte, two, four byte and variable byte integers
  std::string_view text;     // UTF-8, binary data, and the name of a pair
  std::string_view value;    // the value of a pair
};

/// A validated property list, without its Property Length: borrowed, for the call. Cost: look-ups scan, with a mask
/// that answers "absent" at once.
class PropertiesView {
 public:
  PropertiesView() = default;

  /// Checks `encoded` (without Property Length) against the table for one place. Errors: Malformed Packet, Protocol
  /// Error, as 5.0 section 2.2.2 says, each with its statement.
  static Result<PropertiesView, Refusal> decode(ByteView encoded, PropertyPlaces where) noexcept;

  /// What was decoded before and has been copied since, with what present() said.
  static PropertiesView of_checked(ByteView encoded, std::uint64_t present) noexcept { return {encoded, present}; }

  bool has(PropertyId id) const noexcept { return (present_ >> static_cast<unsigned>(id)) & 1; }
  /// The first one with this identifier.
  std::optional<PropertyView> find(PropertyId id) const noexcept;
  std::optional<std::uint32_t> number(PropertyId id) const noexcept;
  std::optional<std::string_view> text(PropertyId id) const noexcept;
  std::optional<ByteView> binary(PropertyId id) const noexcept;

  /// Calls visit(const PropertyView&) for each, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    std::size_t at = 0;
    while (at < encoded_.size()) visit(read(at));
  }

  /// Calls visit(PropertyId, ByteView) with the encoding of each, identifier included, in order.
  template <class Visit>
  void for_each_encoded(Visit&& visit) const {
    for (std::size_t at = 0; at < encoded_.size();) {
      const std::size_t start = at;
      const PropertyId id = read(at).id;
      visit(id, encoded_.subspan(start, at - start));
    }
  }

  ByteView encoded() const noexcept { return encoded_; }
  bool empty() const noexcept { return encoded_.empty(); }
  /// Bit 1 << PropertyId for each that is there.
  std::uint64_t present() const noexcept { return present_; }

 private:
  friend class PropertyWriter;
  friend class Message;
  PropertiesView(ByteView encoded, std::uint64_t present) : encoded_(encoded), present_(present) {}
  /// The property at `at`, which moves behind it. The bytes were validated.
  PropertyView read(std::size_t& at) const noexcept;

  ByteView encoded_;
  std::uint64_t present_ = 0;
};

/// Builds a property list. Unsynchronised.
class PropertyWriter {
 public:
  void put(PropertyId id, std::uint32_t number);
  void put(PropertyId id, std::string_view text);
  void put(PropertyId id, ByteView binary) { put(id, as_text(binary)); }
  void put_pair(std::string_view name, std::string_view value);
  void put(const PropertyView& property);
  bool empty() const noexcept { return encoded_.empty(); }
  std::size_t size() const noexcept { return encoded_.size(); }
  void clear() noexcept {
    encoded_.clear();
    present_ = 0;
  }
  /// Borrowed from this writer until it is changed.
  PropertiesView view() const noexcept { return {as_bytes(encoded_), present_}; }

 private:
  ByteBuffer encoded_;
  std::uint64_t present_ = 0;
};

}  // namespace mortise::mqtt
