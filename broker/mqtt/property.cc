#include "broker/mqtt/property.h"

#include <array>

#include "broker/base/check.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

using enum PropertyType;

constexpr PropertyPlaces kConnect = place(PacketType::kConnect);
constexpr PropertyPlaces kConnack = place(PacketType::kConnack);
constexpr PropertyPlaces kPublish = place(PacketType::kPublish);
constexpr PropertyPlaces kSubscribe = place(PacketType::kSubscribe);
constexpr PropertyPlaces kUnsubscribe = place(PacketType::kUnsubscribe);
constexpr PropertyPlaces kDisconnect = place(PacketType::kDisconnect);
constexpr PropertyPlaces kAuth = place(PacketType::kAuth);
constexpr PropertyPlaces kMessage = kPublish | kWillProperties;
constexpr PropertyPlaces kReasons = kConnack | place(PacketType::kPuback) | place(PacketType::kPubrec) |
                                    place(PacketType::kPubrel) | place(PacketType::kPubcomp) |
                                    place(PacketType::kSuback) | place(PacketType::kUnsuback) | kDisconnect | kAuth;
constexpr PropertyPlaces kEverywhere = kConnect | kMessage | kSubscribe | kUnsubscribe | kReasons;

constexpr std::uint32_t kMax16 = 0xFFFF;
constexpr std::uint32_t kMax32 = 0xFFFFFFFF;

constexpr std::array<PropertyRow, 27> kTable = {{
    {PropertyId::kPayloadFormatIndicator, "Payload Format Indicator", kByte, kMessage, false, 0, 1, "5.0 3.3.2.3.2"},
    {PropertyId::kMessageExpiryInterval, "Message Expiry Interval", kFourByteInteger, kMessage, false, 0, kMax32,
     "5.0 3.3.2.3.3"},
    {PropertyId::kContentType, "Content Type", kUtf8, kMessage, false, 0, 0, "5.0 3.3.2.3.9"},
    {PropertyId::kResponseTopic, "Response Topic", kUtf8, kMessage, false, 0, 0, "5.0 3.3.2.3.5"},
    {PropertyId::kCorrelationData, "Correlation Data", kBinary, kMessage, false, 0, 0, "5.0 3.3.2.3.6"},
    {PropertyId::kSubscriptionIdentifier, "Subscription Identifier", kVariableByteInteger, kPublish | kSubscribe, true,
     1, kMaximumVariableByteInteger, "5.0 3.8.2.1.2"},
    {PropertyId::kSessionExpiryInterval, "Session Expiry Interval", kFourByteInteger, kConnect | kConnack | kDisconnect,
     false, 0, kMax32, "5.0 3.1.2.11.2"},
    {PropertyId::kAssignedClientIdentifier, "Assigned Client Identifier", kUtf8, kConnack, false, 0, 0,
     "5.0 3.2.2.3.7"},
    {PropertyId::kServerKeepAlive, "Server Keep Alive", kTwoByteInteger, kConnack, false, 0, kMax16, "5.0 3.2.2.3.14"},
    {PropertyId::kAuthenticationMethod, "Authentication Method", kUtf8, kConnect | kConnack | kAuth, false, 0, 0,
     "5.0 3.1.2.11.9"},
    {PropertyId::kAuthenticationData, "Authentication Data", kBinary, kConnect | kConnack | kAuth, false, 0, 0,
     "5.0 3.1.2.11.10"},
    {PropertyId::kRequestProblemInformation, "Request Problem Information", kByte, kConnect, false, 0, 1,
     "5.0 3.1.2.11.7"},
    {PropertyId::kWillDelayInterval, "Will Delay Interval", kFourByteInteger, kWillProperties, false, 0, kMax32,
     "5.0 3.1.3.2.2"},
    {PropertyId::kRequestResponseInformation, "Request Response Information", kByte, kConnect, false, 0, 1,
     "5.0 3.1.2.11.6"},
    {PropertyId::kResponseInformation, "Response Information", kUtf8, kConnack, false, 0, 0, "5.0 3.2.2.3.15"},
    {PropertyId::kServerReference, "Server Reference", kUtf8, kConnack | kDisconnect, false, 0, 0, "5.0 3.2.2.3.16"},
    {PropertyId::kReasonString, "Reason String", kUtf8, kReasons, false, 0, 0, "5.0 3.2.2.3.9"},
    {PropertyId::kReceiveMaximum, "Receive Maximum", kTwoByteInteger, kConnect | kConnack, false, 1, kMax16,
     "5.0 3.1.2.11.3"},
    {PropertyId::kTopicAliasMaximum, "Topic Alias Maximum", kTwoByteInteger, kConnect | kConnack, false, 0, kMax16,
     "5.0 3.1.2.11.5"},
    {PropertyId::kTopicAlias, "Topic Alias", kTwoByteInteger, kPublish, false, 1, kMax16, "MQTT-3.3.2-8",
     ReasonCode::kTopicAliasInvalid},
    {PropertyId::kMaximumQoS, "Maximum QoS", kByte, kConnack, false, 0, 1, "5.0 3.2.2.3.4"},
    {PropertyId::kRetainAvailable, "Retain Available", kByte, kConnack, false, 0, 1, "5.0 3.2.2.3.5"},
    {PropertyId::kUserProperty, "User Property", kUtf8Pair, kEverywhere, true, 0, 0, "5.0 2.2.2.2"},
    {PropertyId::kMaximumPacketSize, "Maximum Packet Size", kFourByteInteger, kConnect | kConnack, false, 1, kMax32,
     "5.0 3.1.2.11.4"},
    {PropertyId::kWildcardSubscriptionAvailable, "Wildcard Subscription Available", kByte, kConnack, false, 0, 1,
     "5.0 3.2.2.3.11"},
    {PropertyId::kSubscriptionIdentifierAvailable, "Subscription Identifier Available", kByte, kConnack, false, 0, 1,
     "5.0 3.2.2.3.12"},
    {PropertyId::kSharedSubscriptionAvailable, "Shared Subscription Available", kByte, kConnack, false, 0, 1,
     "5.0 3.2.2.3.13"},
}};

constexpr std::size_t kIds = 64;  // every identifier is smaller, so that a list's contents fit one 64-bit mask

constexpr std::array<std::int16_t, kIds> kRowOfId = [] {
  std::array<std::int16_t, kIds> rows{};
  rows.fill(-1);
  for (std::size_t i = 0; i < kTable.size(); ++i)
    rows[static_cast<std::size_t>(kTable[i].id)] = static_cast<std::int16_t>(i);
  return rows;
}();

constexpr Rule kCutProperty{ReasonCode::kMalformedPacket, "5.0 2.2.2.2", "5.0 2.2.2.2", "a property ends too early"};
constexpr Refusal kUnknownProperty{ReasonCode::kMalformedPacket, "5.0 2.2.2.2",
                                   "a property identifier that does not exist"};
/// Section 2.2.2.2 calls it malformed; by the definitions of section 1.2 it is data that is not allowed and can be
/// parsed. What is said is what the brokers in the field say (see rules.h).
constexpr Refusal misplaced(PropertyPlaces where) noexcept {
  const bool is_request = where == place(PacketType::kSubscribe) || where == place(PacketType::kUnsubscribe);
  return {is_request ? ReasonCode::kMalformedPacket : ReasonCode::kProtocolError, "5.0 2.2.2.2",
          "a property that this packet cannot carry"};
}
constexpr Refusal kWildcardInResponseTopic{ReasonCode::kProtocolError, "MQTT-3.3.2-14",
                                           "a Response Topic with a wildcard"};
constexpr Refusal kEmptyResponseTopic{ReasonCode::kProtocolError, "MQTT-4.7.3-1", "an empty Response Topic"};

Refusal second_one(const PropertyRow& row) noexcept {
  return {ReasonCode::kProtocolError, row.statement, "a property that may stand once stands twice"};
}

void check_number(ReaderView& in, const PropertyRow& row, std::uint32_t number) noexcept {
  if (in.failed() || (number >= row.minimum && number <= row.maximum)) return;
  in.fail(Refusal{row.out_of_range, row.statement, "a property has a value it cannot have"});
}

void check_text(ReaderView& in, const PropertyRow& row) noexcept {
  TextScan scan;
  const std::string_view text = in.text(scan);
  if (in.failed() || row.id != PropertyId::kResponseTopic) return;
  if (text.empty()) in.fail(kEmptyResponseTopic);
  if (scan.has_wildcard) in.fail(kWildcardInResponseTopic);
}

void check_value(ReaderView& in, const PropertyRow& row) noexcept {
  switch (row.type) {
    case kByte:
      return check_number(in, row, in.byte());
    case kTwoByteInteger:
      return check_number(in, row, in.two_bytes());
    case kFourByteInteger:
      return check_number(in, row, in.four_bytes());
    case kVariableByteInteger:
      return check_number(in, row, in.variable_byte_integer());
    case kUtf8:
      return check_text(in, row);
    case kBinary:
      in.binary();
      return;
    case kUtf8Pair:
      in.text();
      in.text();
      return;
  }
}

/// Subscription Identifiers repeat in PUBLISH alone (5.0 sections 3.3.2.3.8 and 3.8.2.1.2).
bool may_repeat(const PropertyRow& row, PropertyPlaces where) noexcept {
  return row.may_repeat && (row.id != PropertyId::kSubscriptionIdentifier || where == kPublish);
}

constexpr std::uint64_t bit(PropertyId id) noexcept { return std::uint64_t{1} << static_cast<unsigned>(id); }

}  // namespace

std::span<const PropertyRow> property_table() noexcept { return kTable; }

const PropertyRow* find_property(std::uint32_t id) noexcept {
  if (id >= kIds || kRowOfId[id] < 0) return nullptr;
  return &kTable[static_cast<std::size_t>(kRowOfId[id])];
}

Result<PropertiesView, Refusal> PropertiesView::decode(ByteView encoded, PropertyPlaces where) noexcept {
  ReaderView in(encoded, ProtocolVersion::k5, kCutProperty);
  std::uint64_t present = 0;
  while (!in.at_end()) {
    const std::uint32_t id = in.variable_byte_integer();
    if (in.failed()) break;
    const PropertyRow* row = find_property(id);
    if (row == nullptr) return failure(kUnknownProperty);
    check_value(in, *row);
    if (in.failed()) break;  // what is cut short is malformed, whatever it was to be
    if ((row->places & where) == 0) return failure(misplaced(where));
    if ((present & bit(row->id)) != 0 && !may_repeat(*row, where)) return failure(second_one(*row));
    present |= bit(row->id);
  }
  if (in.failed()) return in.as_failure();
  return PropertiesView(encoded, present);
}

PropertyView PropertiesView::read(std::size_t& at) const noexcept {
  ReaderView in(encoded_.subspan(at), ProtocolVersion::k5, kCutProperty);
  const PropertyRow* row = find_property(in.byte());
  CHECK(row != nullptr);
  PropertyView property{row->id, 0, {}, {}};
  switch (row->type) {
    case kByte:
      property.number = in.byte();
      break;
    case kTwoByteInteger:
      property.number = in.two_bytes();
      break;
    case kFourByteInteger:
      property.number = in.four_bytes();
      break;
    case kVariableByteInteger:
      property.number = in.variable_byte_integer();
      break;
    case kUtf8:
    case kBinary:
      property.text = as_text(in.binary());
      break;
    case kUtf8Pair:
      property.text = as_text(in.binary());
      property.value = as_text(in.binary());
      break;
  }
  CHECK(!in.failed());
  at = encoded_.size() - in.size();
  return property;
}

std::optional<PropertyView> PropertiesView::find(PropertyId id) const noexcept {
  if (!has(id)) return std::nullopt;
  std::size_t at = 0;
  while (at < encoded_.size()) {
    const PropertyView property = read(at);
    if (property.id == id) return property;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> PropertiesView::number(PropertyId id) const noexcept {
  const std::optional<PropertyView> property = find(id);
  return property ? std::optional(property->number) : std::nullopt;
}

std::optional<std::string_view> PropertiesView::text(PropertyId id) const noexcept {
  const std::optional<PropertyView> property = find(id);
  return property ? std::optional(property->text) : std::nullopt;
}

std::optional<ByteView> PropertiesView::binary(PropertyId id) const noexcept {
  const std::optional<PropertyView> property = find(id);
  return property ? std::optional(as_bytes(property->text)) : std::nullopt;
}

void PropertyWriter::put(PropertyId id, std::uint32_t number) {
  const PropertyRow* row = find_property(static_cast<std::uint32_t>(id));
  CHECK(row != nullptr && row->maximum != 0 && number <= row->maximum);  // a maximum of 0: no number
  append_byte(encoded_, static_cast<unsigned>(id));
  present_ |= bit(id);
  switch (row->type) {
    case kByte:
      return append_byte(encoded_, number);
    case kTwoByteInteger:
      return append_two_bytes(encoded_, static_cast<std::uint16_t>(number));
    case kFourByteInteger:
      return append_four_bytes(encoded_, number);
    case kVariableByteInteger:
      return append_variable_byte_integer(encoded_, number);
    case kUtf8:
    case kBinary:
    case kUtf8Pair:
      return;
  }
}

void PropertyWriter::put(PropertyId id, std::string_view text) {
  const PropertyRow* row = find_property(static_cast<std::uint32_t>(id));
  CHECK(row != nullptr && (row->type == kUtf8 || row->type == kBinary) && text.size() <= kMax16);
  append_byte(encoded_, static_cast<unsigned>(id));
  append_text(encoded_, text);
  present_ |= bit(id);
}

void PropertyWriter::put_pair(std::string_view name, std::string_view value) {
  CHECK(name.size() <= kMax16 && value.size() <= kMax16);
  append_byte(encoded_, static_cast<unsigned>(PropertyId::kUserProperty));
  append_text(encoded_, name);
  append_text(encoded_, value);
  present_ |= bit(PropertyId::kUserProperty);
}

void PropertyWriter::put(const PropertyView& property) {
  const PropertyRow* row = find_property(static_cast<std::uint32_t>(property.id));
  CHECK(row != nullptr);
  if (row->type == kUtf8Pair) return put_pair(property.text, property.value);
  if (row->type == kUtf8 || row->type == kBinary) return put(property.id, property.text);
  put(property.id, property.number);
}

}  // namespace mortise::mqtt
