#pragma once

#include "broker/mqtt/reason_code.h"

/// What decode() refuses, one constant each. The numbers of 3.1.1 and 5.0 differ; 3.1 numbers nothing and is judged
/// by 3.1.1's. Internal to broker/mqtt.
///
/// 5.0 section 4.13.1 leaves open which of Malformed Packet and Protocol Error is said of what has no Reason Code of
/// its own, and whether anything is: then we say what the brokers in the field say, whom clients and test suites know.
/// Nothing is said when the next packet cannot be found any more, of a DISCONNECT's code, and of most of what makes a
/// CONNECT unreadable or its credentials ill-formed.
namespace mortise::mqtt {

struct Rule {
  ReasonCode reason;
  const char* v5;
  const char* v311;
  const char* what;
  bool is_said = true;
};

inline Refusal refusal(const Rule& rule, ProtocolVersion version) noexcept {
  return {rule.reason, version == ProtocolVersion::k5 ? rule.v5 : rule.v311, rule.what, rule.is_said};
}

namespace rule {

inline constexpr ReasonCode kMalformed = ReasonCode::kMalformedPacket;
inline constexpr ReasonCode kProtocol = ReasonCode::kProtocolError;

// Any packet.
inline constexpr Rule kCut{kMalformed, "MQTT-4.13.1-1", "MQTT-4.8.0-1", "the packet ends inside a field"};
inline constexpr Rule kLeftOver{kMalformed, "MQTT-4.13.1-1", "MQTT-4.8.0-1",
                                "bytes are left over after the last field"};
inline constexpr Rule kNoSuchPacket{kProtocol, "5.0 2.1.2", "3.1.1 2.2.1",
                                    "the packet type does not exist in this version"};
inline constexpr Rule kReservedFlags{kMalformed, "MQTT-2.1.3-1", "MQTT-2.2.2-2",
                                     "reserved flags of the fixed header are set"};
inline constexpr Rule kLongLength{kMalformed, "MQTT-1.5.5-1", "3.1.1 2.2.3", "the Remaining Length has no end", false};
inline constexpr Rule kPingBody{kMalformed, "MQTT-4.13.1-1", "MQTT-4.8.0-1", "PINGREQ or PINGRESP with a body", false};
inline constexpr Rule kLongInteger{kMalformed, "MQTT-1.5.5-1", "3.1.1 2.2.3",
                                   "a Variable Byte Integer is longer than it may be"};
inline constexpr Rule kUtf8{kMalformed, "MQTT-1.5.4-1", "MQTT-1.5.3-1", "a string is not well-formed UTF-8"};
inline constexpr Rule kNul{kMalformed, "MQTT-1.5.4-2", "MQTT-1.5.3-2", "a string contains U+0000"};
inline constexpr Rule kControl{kMalformed, "5.0 1.5.4", "3.1.1 1.5.3", "a name contains a control character"};
inline constexpr Rule kNoPacketId{kProtocol, "MQTT-2.2.1-3", "MQTT-2.3.1-1", "the Packet Identifier is 0"};

// CONNECT.
inline constexpr Rule kConnectCut{kMalformed, "MQTT-3.1.4-1", "MQTT-3.1.4-1", "CONNECT ends inside a field", false};
inline constexpr Rule kWillCut{kMalformed, "MQTT-3.1.4-1", "MQTT-3.1.4-1", "CONNECT ends inside its Will"};
inline constexpr Rule kConnectLeftOver{kMalformed, "MQTT-3.1.4-1", "MQTT-3.1.4-1",
                                       "CONNECT has bytes left over after its last field"};
inline constexpr Rule kProtocolName{ReasonCode::kUnsupportedProtocolVersion, "MQTT-3.1.2-1", "MQTT-3.1.2-1",
                                    "CONNECT with an unknown Protocol Name", false};
inline constexpr Rule kProtocolVersion{ReasonCode::kUnsupportedProtocolVersion, "MQTT-3.1.2-2", "MQTT-3.1.2-2",
                                       "CONNECT with an unknown Protocol Version"};
inline constexpr Rule kConnectReserved{kMalformed, "MQTT-3.1.2-3", "MQTT-3.1.2-3",
                                       "CONNECT with the reserved Connect Flag set"};
inline constexpr Rule kWillQosWithoutWill{kMalformed, "MQTT-3.1.2-11", "MQTT-3.1.2-13",
                                          "CONNECT with a Will QoS but no Will"};
inline constexpr Rule kWillQos{kMalformed, "MQTT-3.1.2-12", "MQTT-3.1.2-14", "CONNECT with Will QoS 3", false};
inline constexpr Rule kWillRetainWithoutWill{kMalformed, "MQTT-3.1.2-13", "MQTT-3.1.2-15",
                                             "CONNECT with Will Retain but no Will"};
inline constexpr Rule kPasswordWithoutUserName{kMalformed, "MQTT-3.1.2-19", "MQTT-3.1.2-22",
                                               "CONNECT with a Password but no User Name"};
inline constexpr Rule kClientId{ReasonCode::kClientIdentifierNotValid, "MQTT-3.1.3-8", "MQTT-3.1.3-8",
                                "CONNECT without a Client Identifier and without Clean Session"};
inline constexpr Rule kWillTopicWildcard{kMalformed, "MQTT-4.7.0-1", "MQTT-4.7.1-1",
                                         "CONNECT with a wildcard in the Will Topic"};
inline constexpr Rule kWillTopicEmpty{kMalformed, "MQTT-4.7.3-1", "MQTT-4.7.3-1", "CONNECT with an empty Will Topic"};
inline constexpr Rule kDataWithoutMethod{kProtocol, "5.0 3.1.2.11.10", "5.0 3.1.2.11.10",
                                         "Authentication Data without Authentication Method"};

// CONNACK.
inline constexpr Rule kConnackFlags{kMalformed, "MQTT-3.2.2-1", "3.1.1 3.2.2.1",
                                    "CONNACK with reserved Acknowledge Flags set"};
inline constexpr Rule kSessionPresent{kProtocol, "MQTT-3.2.2-6", "MQTT-3.2.2-4",
                                      "CONNACK refuses and says that a session is present"};
inline constexpr Rule kConnackCode{kProtocol, "MQTT-3.2.2-8", "3.1.1 3.2.2.3", "CONNACK with an unknown code"};

// PUBLISH.
inline constexpr Rule kQos3{kMalformed, "MQTT-3.3.1-4", "MQTT-3.3.1-4", "PUBLISH with QoS 3"};
inline constexpr Rule kDupAtQos0{kMalformed, "MQTT-3.3.1-2", "MQTT-3.3.1-2", "PUBLISH at QoS 0 with DUP"};
inline constexpr Rule kTopicWildcard{kMalformed, "MQTT-3.3.2-2", "MQTT-3.3.2-2",
                                     "PUBLISH with a wildcard in its Topic Name"};
inline constexpr Rule kTopicEmpty{kMalformed, "5.0 3.3.2.1", "MQTT-4.7.3-1",
                                  "PUBLISH with neither a Topic Name nor a Topic Alias"};

// Acknowledgements.
inline constexpr Rule kAcknowledgedId{kProtocol, "MQTT-2.2.1-5", "MQTT-2.3.1-6",
                                      "an acknowledgement with Packet Identifier 0"};
inline constexpr Rule kSubackId{kProtocol, "MQTT-2.2.1-6", "MQTT-2.3.1-7",
                                "SUBACK or UNSUBACK with Packet Identifier 0"};
inline constexpr Rule kPubackCode{kProtocol, "MQTT-3.4.2-1", "MQTT-4.8.0-1",
                                  "PUBACK with a Reason Code it cannot carry"};
inline constexpr Rule kPubrecCode{kProtocol, "MQTT-3.5.2-1", "MQTT-4.8.0-1",
                                  "PUBREC with a Reason Code it cannot carry"};
inline constexpr Rule kPubrelCode{kProtocol, "MQTT-3.6.2-1", "MQTT-4.8.0-1",
                                  "PUBREL with a Reason Code it cannot carry"};
inline constexpr Rule kPubcompCode{kProtocol, "MQTT-3.7.2-1", "MQTT-4.8.0-1",
                                   "PUBCOMP with a Reason Code it cannot carry"};
inline constexpr Rule kSubackCode{kProtocol, "MQTT-3.9.3-2", "MQTT-3.9.3-2", "SUBACK with a code it cannot carry"};
inline constexpr Rule kUnsubackCode{kProtocol, "MQTT-3.11.3-2", "MQTT-4.8.0-1",
                                    "UNSUBACK with a Reason Code it cannot carry"};
inline constexpr Rule kSubackEmpty{kProtocol, "MQTT-3.8.4-6", "MQTT-3.8.4-5", "SUBACK without a code"};
inline constexpr Rule kUnsubackEmpty{kProtocol, "MQTT-3.11.3-1", "MQTT-4.8.0-1", "UNSUBACK without a Reason Code"};

// SUBSCRIBE and UNSUBSCRIBE.
inline constexpr Rule kRequestId{kMalformed, "MQTT-2.2.1-3", "MQTT-2.3.1-1",
                                 "SUBSCRIBE or UNSUBSCRIBE with Packet Identifier 0"};
inline constexpr Rule kSubscribeEmpty{kMalformed, "MQTT-3.8.3-2", "MQTT-3.8.3-3", "SUBSCRIBE without a Topic Filter"};
inline constexpr Rule kSubscribeReserved{kMalformed, "MQTT-3.8.3-5", "3.1.1 3.8.3",
                                         "SUBSCRIBE with reserved Subscription Options set"};
inline constexpr Rule kSubscribeQos{kMalformed, "5.0 3.8.3.1", "3.1.1 3.8.3", "SUBSCRIBE with Maximum QoS 3"};
inline constexpr Rule kRetainHandling{kMalformed, "5.0 3.8.3.1", "3.1.1 3.8.3", "SUBSCRIBE with Retain Handling 3"};
inline constexpr Rule kNoLocalShared{kProtocol, "MQTT-3.8.3-4", "3.1.1 3.8.3",
                                     "SUBSCRIBE with No Local on a Shared Subscription"};
inline constexpr Rule kUnsubscribeEmpty{kMalformed, "MQTT-3.10.3-2", "MQTT-3.10.3-2",
                                        "UNSUBSCRIBE without a Topic Filter"};

// DISCONNECT and AUTH.
inline constexpr Rule kDisconnectCode{kProtocol, "MQTT-3.14.2-1", "MQTT-4.8.0-1",
                                      "DISCONNECT with a Reason Code it cannot carry", false};
inline constexpr Rule kAuthCode{kProtocol, "MQTT-3.15.2-1", "MQTT-4.8.0-1", "AUTH with a Reason Code it cannot carry"};
inline constexpr Rule kAuthWithoutMethod{kProtocol, "5.0 3.15.2.2.2", "5.0 3.15.2.2.2",
                                         "AUTH without Authentication Method"};

}  // namespace rule
}  // namespace mortise::mqtt
