#include "broker/mqtt/reason_code.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

struct PacketCodes {
  PacketType type;
  std::vector<int> codes;
};

/// The tables of the packets themselves (5.0 tables 3-1, 3-4 to 3-9 and sections 3.14.2.1 and 3.15.2.1), not table 2-6.
const std::vector<PacketCodes>& tables() {
  static const std::vector<PacketCodes> kTables = {
      {PacketType::kConnack, {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                              0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}},
      {PacketType::kPuback, {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},
      {PacketType::kPubrec, {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},
      {PacketType::kPubrel, {0x00, 0x92}},
      {PacketType::kPubcomp, {0x00, 0x92}},
      {PacketType::kSuback, {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}},
      {PacketType::kUnsuback, {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}},
      {PacketType::kDisconnect,
       {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93,
        0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}},
      {PacketType::kAuth, {0x00, 0x18, 0x19}},
      {PacketType::kPublish, {}},
      {PacketType::kSubscribe, {}},
  };
  return kTables;
}

// [MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.9.3-2] [MQTT-3.11.3-2]
// [MQTT-3.14.2-1] [MQTT-3.15.2-1]
TEST(ReasonCode, StandsInThePacketsWhoseTablesListIt) {
  PROVES("5.0 MQTT-3.4.2-1", "5.0 MQTT-3.5.2-1", "5.0 MQTT-3.6.2-1", "5.0 MQTT-3.7.2-1", "5.0 MQTT-3.9.3-2",
         "5.0 MQTT-3.14.2-1", "5.0 MQTT-3.15.2-1");
  for (const PacketCodes& table : tables()) {
    for (int code = 0; code < 256; ++code) {
      const bool is_listed = std::find(table.codes.begin(), table.codes.end(), code) != table.codes.end();
      EXPECT_EQ(is_allowed_in(static_cast<ReasonCode>(code), table.type), is_listed)
          << code << " in packet type " << static_cast<int>(table.type);
    }
  }
}

TEST(ReasonCode, HasTheNameOfTable26) {
  EXPECT_STREQ(name_of(ReasonCode::kSuccess), "Success");
  EXPECT_STREQ(name_of(ReasonCode::kTopicFilterInvalid), "Topic Filter invalid");
  EXPECT_STREQ(name_of(ReasonCode::kWildcardSubscriptionsNotSupported), "Wildcard Subscriptions not supported");
  EXPECT_STREQ(name_of(static_cast<ReasonCode>(0x03)), "unknown");
  int named = 0;
  for (int code = 0; code < 256; ++code) named += std::string(name_of(static_cast<ReasonCode>(code))) != "unknown";
  EXPECT_EQ(named, 43);
}

TEST(ReasonCode, IsAnErrorFrom0x80On) {
  EXPECT_FALSE(is_error(ReasonCode::kReAuthenticate));
  EXPECT_TRUE(is_error(ReasonCode::kUnspecifiedError));
}

TEST(ReasonCode, BecomesTheNearestReturnCodeOf311) {
  EXPECT_EQ(connect_return_code(ReasonCode::kSuccess), ConnectReturnCode::kAccepted);
  EXPECT_EQ(connect_return_code(ReasonCode::kUnsupportedProtocolVersion),
            ConnectReturnCode::kUnacceptableProtocolVersion);
  EXPECT_EQ(connect_return_code(ReasonCode::kClientIdentifierNotValid), ConnectReturnCode::kIdentifierRejected);
  EXPECT_EQ(connect_return_code(ReasonCode::kServerUnavailable), ConnectReturnCode::kServerUnavailable);
  EXPECT_EQ(connect_return_code(ReasonCode::kServerBusy), ConnectReturnCode::kServerUnavailable);
  EXPECT_EQ(connect_return_code(ReasonCode::kQuotaExceeded), ConnectReturnCode::kServerUnavailable);
  EXPECT_EQ(connect_return_code(ReasonCode::kBadUserNameOrPassword), ConnectReturnCode::kBadUserNameOrPassword);
  EXPECT_EQ(connect_return_code(ReasonCode::kNotAuthorized), ConnectReturnCode::kNotAuthorized);
  EXPECT_EQ(connect_return_code(ReasonCode::kBanned), ConnectReturnCode::kNotAuthorized);
  for (int code = 0x80; code < 256; ++code) {
    EXPECT_NE(connect_return_code(static_cast<ReasonCode>(code)), ConnectReturnCode::kAccepted);
  }
}

}  // namespace
}  // namespace mortise::mqtt
