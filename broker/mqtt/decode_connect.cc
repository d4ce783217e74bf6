#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

constexpr std::string_view kName = "MQTT";
constexpr std::string_view kName31 = "MQIsdp";

/// The Connect Flags (5.0 section 3.1.2.3).
struct ConnectFlags {
  std::uint8_t bits = 0;
  bool reserved() const noexcept { return (bits & 0x01) != 0; }
  bool clean_start() const noexcept { return (bits & 0x02) != 0; }
  bool will() const noexcept { return (bits & 0x04) != 0; }
  std::uint8_t will_qos() const noexcept { return (bits >> 3) & 3; }
  bool will_retain() const noexcept { return (bits & 0x20) != 0; }
  bool password() const noexcept { return (bits & 0x40) != 0; }
  bool user_name() const noexcept { return (bits & 0x80) != 0; }
};

ProtocolVersion read_version(ReaderView& in) noexcept {
  const std::string_view name = as_text(in.binary());
  const std::uint8_t level = in.byte();
  if (in.failed()) return ProtocolVersion::k5;
  if (name != kName && name != kName31) return in.fail(rule::kProtocolName), ProtocolVersion::k5;
  if (name == kName31 && level == 3) return ProtocolVersion::k31;
  if (name == kName && level == 4) return ProtocolVersion::k311;
  if (name == kName && level == 5) return ProtocolVersion::k5;
  return in.fail(rule::kProtocolVersion), ProtocolVersion::k5;
}

/// 3.1 says nothing of flags that stand where they mean nothing: they are ignored there.
void check_flags(ReaderView& in, ConnectFlags flags) noexcept {
  if (in.failed()) return;
  if (flags.will() && flags.will_qos() == 3) in.fail(rule::kWillQos);
  if (in.version() == ProtocolVersion::k31) return;
  if (flags.reserved()) in.fail(rule::kConnectReserved);
  if (!flags.will() && flags.will_qos() != 0) in.fail(rule::kWillQosWithoutWill);
  if (!flags.will() && flags.will_retain()) in.fail(rule::kWillRetainWithoutWill);
  if (in.version() == ProtocolVersion::k311 && flags.password() && !flags.user_name()) {
    in.fail(rule::kPasswordWithoutUserName);
  }
}

WillView read_will(ReaderView& in, ConnectFlags flags) noexcept {
  in.set_cut(rule::kWillCut);
  WillView will;
  will.qos = static_cast<QoS>(flags.will_qos());
  will.retain = flags.will_retain();
  will.properties = in.properties(kWillProperties);
  TextScan scan;
  will.topic = in.name(scan);
  if (!in.failed() && will.topic.empty()) in.fail(rule::kWillTopicEmpty);
  if (scan.has_wildcard) in.fail(rule::kWillTopicWildcard);
  will.payload = in.binary();
  in.set_cut(rule::kConnectCut);
  return will;
}

/// 3.1 section 3.1: there the Remaining Length takes precedence over the flags, and the strings may be missing.
bool is_there(const ReaderView& in, bool flag) noexcept {
  return flag && !(in.version() == ProtocolVersion::k31 && in.at_end());
}

std::string_view read_client_id(ReaderView& in) noexcept {
  if (in.failed()) return {};
  const std::string_view id = in.name();
  if (in.version() == ProtocolVersion::k5) in.answer(ReasonCode::kClientIdentifierNotValid);
  return id;
}

void read_credentials(ReaderView& in, ConnectFlags flags, ConnectView& connect) noexcept {
  if (in.failed()) return;
  if (is_there(in, flags.user_name())) connect.user_name = in.name();
  if (is_there(in, flags.password())) connect.password = in.binary();
  if (in.failed()) in.answer_nothing();
}

void check_client_id(ReaderView& in, const ConnectView& connect) noexcept {
  if (!connect.client_id.empty() || connect.version == ProtocolVersion::k5) return;
  if (connect.version == ProtocolVersion::k31 || !connect.clean_start) in.fail(rule::kClientId);
}

void check_authentication(ReaderView& in, const PropertiesView& properties) noexcept {
  if (properties.has(PropertyId::kAuthenticationData) && !properties.has(PropertyId::kAuthenticationMethod)) {
    in.fail(rule::kDataWithoutMethod);
  }
}

}  // namespace

Result<ConnectView, Refusal> decode_connect(const FrameView& frame) noexcept {
  ConnectView connect;
  ReaderView in(frame.body, ProtocolVersion::k5, rule::kConnectCut);
  connect.version = read_version(in);
  in.set_version(connect.version);
  if (!in.failed()) {
    Result<void, Refusal> checked = check_fixed_header(frame, connect.version);
    if (!checked) return std::move(checked).as_failure();
  }
  const ConnectFlags flags{in.byte()};
  check_flags(in, flags);
  connect.clean_start = flags.clean_start();
  connect.keep_alive = in.two_bytes();
  connect.properties = in.properties(place(PacketType::kConnect));
  check_authentication(in, connect.properties);
  connect.client_id = read_client_id(in);
  if (flags.will()) connect.will = read_will(in, flags);
  read_credentials(in, flags, connect);
  in.expect_end(rule::kConnectLeftOver);
  if (!in.failed()) check_client_id(in, connect);
  if (in.failed()) return in.as_failure();
  return connect;
}

PropertiesView connect_properties(const FrameView& connect) noexcept {
  ReaderView in(connect.body, ProtocolVersion::k5);
  if (read_version(in) != ProtocolVersion::k5) return {};
  in.byte();
  in.two_bytes();
  const PropertiesView properties = in.properties(place(PacketType::kConnect));
  return in.failed() ? PropertiesView{} : properties;
}

ProtocolVersion answer_version(const FrameView& connect) noexcept {
  ReaderView in(connect.body, ProtocolVersion::k5);
  const std::string_view name = as_text(in.binary());
  const std::uint8_t level = in.byte() & 0x7F;  // bridges of some brokers set the high bit
  if (in.failed() || level == 3 || level == 4) return name == kName31 ? ProtocolVersion::k31 : ProtocolVersion::k311;
  return ProtocolVersion::k5;
}

Result<ConnackView, Refusal> decode_connack(const FrameView& frame, ProtocolVersion version) noexcept {
  ConnackView connack;
  ReaderView in(frame.body, version);
  const std::uint8_t flags = in.byte();
  // The first byte of 3.1's is reserved and "not used".
  if (version != ProtocolVersion::k31 && (flags & 0xFE) != 0) in.fail(rule::kConnackFlags);
  connack.session_present = version != ProtocolVersion::k31 && (flags & 1) != 0;
  connack.code = in.byte();
  connack.properties = in.properties(place(PacketType::kConnack));
  in.expect_end();
  if (in.failed()) return in.as_failure();
  const bool is_known = version == ProtocolVersion::k5
                            ? is_allowed_in(static_cast<ReasonCode>(connack.code), PacketType::kConnack)
                            : connack.code <= static_cast<std::uint8_t>(ConnectReturnCode::kNotAuthorized);
  if (!is_known) in.fail(rule::kConnackCode);
  if (connack.session_present && connack.code != 0) in.fail(rule::kSessionPresent);
  if (in.failed()) return in.as_failure();
  return connack;
}

}  // namespace mortise::mqtt
