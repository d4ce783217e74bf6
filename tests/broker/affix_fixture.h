#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "tests/broker/broker_fixture.h"

namespace mortise::broker_tests {

using mqtt::PropertyId;
using mqtt::QoS;

/// A broker with topic-affix. What users are bound to: `alice` and `bob` tenant/<name>/, `both` p/ and /s, `empty` and
/// `operator` an affix that changes nothing, `publisher` tenant/alice/ for publishing only, all others no affix at all.
class AffixTest : public BrokerTest {
 protected:
  void start_tenants(const std::string& more = {});

  /// The next packet is exactly this PUBLISH, byte by byte; it is acknowledged.
  static void expect_message(WireClient& client, std::string_view topic, std::string_view payload,
                             QoS qos = QoS::kAtMostOnce, bool retain = false,
                             const mqtt::PropertyWriter* properties = nullptr);
  /// Up to the answer to a PINGREQ every PUBLISH is one of two, byte by byte: this one with RETAIN at QoS 1, or an
  /// empty one without at QoS 0.
  static void expect_nothing_but(WireClient& client, std::string_view topic, std::string_view payload,
                                 const mqtt::PropertyWriter* properties);
  /// Nothing else has come so far: the next thing `to` gets is what `from`, who published everything before, publishes
  /// now. `sent` and `received` are the topic as the two know it.
  static void expect_nothing_else(WireClient& from, std::string_view sent, WireClient& to, std::string_view received);
  /// Publishes at QoS 1 and waits for PUBACK; its Reason Code.
  static mqtt::ReasonCode publish_acknowledged(WireClient& client, std::string_view topic, std::string_view payload,
                                               bool retain = false);
};

}  // namespace mortise::broker_tests
