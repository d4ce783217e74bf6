#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "scripted_hooks.h"

namespace mortise::core::testing {

using mqtt::PacketType;
using mqtt::ReasonCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr auto k311 = mqtt::ProtocolVersion::k311;

/// Every test runs on one loop and on three: where a client lives must not matter.
class CoreTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  TestOptions options(bool has_store = false) {
    TestOptions made;
    made.loops = GetParam();
    made.has_store = has_store;
    made.dispatch = plugins.dispatch();
    return made;
  }
  hooks::Pending pending(Millis within = Millis(5000)) { return {SteadyTime{} + std::chrono::hours(1) + within}; }

  /// A 5.0 client that goes on with its session, when it has one; what it was told at CONNECT is taken.
  static TestClient& connected(TestBroker& broker, std::string id, std::uint32_t session_expiry = 0,
                               std::uint16_t receive_maximum = 0) {
    TestClient& client = broker.client();
    ConnectOptions connect;
    connect.client_id = std::move(id);
    connect.clean_start = false;
    connect.session_expiry = session_expiry;
    connect.receive_maximum = receive_maximum;
    client.connect(connect);
    broker.make_durable();
    client.take_types();
    return client;
  }

  Plugins plugins;
};

}  // namespace mortise::core::testing
