#pragma once

#include <deque>

#include "core_test.h"

namespace mortise::core::testing {

using hooks::AuthFailurePolicy;
using hooks::ExchangeDecision;
using hooks::FailureKind;
using hooks::Verdict;
using mqtt::PropertyId;

constexpr std::uint8_t code_of(ReasonCode reason) { return static_cast<std::uint8_t>(reason); }

/// A plugin that is asked and answers what the test queued; a client that says AUTH.
class ExchangeTest : public CoreTest {
 protected:
  struct Asked {
    hooks::ExchangeId exchange;
    std::uint32_t step;
    std::string method;
    std::optional<std::string> said;  // Authentication Data
    bool is_connect;
    std::string client_id;
  };

  ExchangeTest() {
    plugins.auth->on_exchange = [this](const hooks::ExchangeRequest& request) {
      Asked& noted = asked.emplace_back();
      noted = {request.exchange,
               request.step,
               request.method,
               std::nullopt,
               request.connect != nullptr,
               request.connect ? request.connect->client_id : request.principal->client_id};
      if (request.authentication_data) noted.said = std::string(as_text(request.authentication_data->view()));
      CHECK(!answers.empty());
      auto answer = std::move(answers.front());
      answers.pop_front();
      return answer;
    };
  }

  static ExchangeDecision allow(std::optional<std::string> user = {}, std::optional<std::string> said = {}) {
    ExchangeDecision decision = step(Verdict::kAllow, std::move(said));
    decision.user_name = std::move(user);
    return decision;
  }
  static ExchangeDecision deny(ReasonCode reason) {
    ExchangeDecision decision = step(Verdict::kDeny);
    decision.reason = reason;
    return decision;
  }
  static ExchangeDecision go_on(std::string said) { return step(Verdict::kContinue, std::move(said)); }

  static std::string connect_packet(std::string_view client_id, std::optional<std::string_view> said = {},
                                    std::uint32_t maximum_packet_size = 0, std::string_view method = "M") {
    mqtt::PropertyWriter properties;
    properties.put(PropertyId::kAuthenticationMethod, method);
    if (said) properties.put(PropertyId::kAuthenticationData, *said);
    if (maximum_packet_size != 0) properties.put(PropertyId::kMaximumPacketSize, maximum_packet_size);
    mqtt::ConnectView packet;
    packet.client_id = client_id;
    packet.clean_start = true;
    packet.user_name = "claimed";
    packet.properties = properties.view();
    std::string bytes;
    mqtt::encode(bytes, packet);
    return bytes;
  }
  static std::string auth_packet(ReasonCode reason, std::optional<std::string_view> said = {},
                                 std::string_view method = "M") {
    mqtt::PropertyWriter properties;
    properties.put(PropertyId::kAuthenticationMethod, method);
    if (said) properties.put(PropertyId::kAuthenticationData, *said);
    mqtt::AuthView packet;
    packet.reason = reason;
    packet.properties = properties.view();
    std::string bytes;
    mqtt::encode(bytes, packet, mqtt::ProtocolVersion::k5);
    return bytes;
  }
  static std::string next_step(std::string_view said) { return auth_packet(ReasonCode::kContinueAuthentication, said); }
  static std::string again(std::string_view said) { return auth_packet(ReasonCode::kReAuthenticate, said); }

  static void expect_auth(TestClient& client, ReasonCode reason, std::optional<std::string_view> said) {
    ASSERT_TRUE(client.has_next());
    ASSERT_EQ(client.next_type(), PacketType::kAuth);
    const auto packet = client.next_as<mqtt::AuthView>();
    EXPECT_EQ(packet.reason, reason);
    EXPECT_EQ(packet.properties.text(PropertyId::kAuthenticationMethod), "M");
    const auto data = packet.properties.binary(PropertyId::kAuthenticationData);
    EXPECT_EQ(data ? std::optional(as_text(*data)) : std::nullopt, said);
  }
  static void expect_refused(TestClient& client, ReasonCode reason) {
    ASSERT_TRUE(client.has_next());
    ASSERT_EQ(client.next_type(), PacketType::kConnack);
    EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, code_of(reason));
    EXPECT_FALSE(client.is_open());
    EXPECT_FALSE(client.has_next()) << "nothing after it";
  }
  static void expect_disconnected(TestClient& client, ReasonCode reason) {
    ASSERT_TRUE(client.has_next());
    ASSERT_EQ(client.next_type(), PacketType::kDisconnect);
    EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, reason);
    EXPECT_FALSE(client.is_open());
  }
  /// A client that is connected after one step.
  TestClient& enhanced(TestBroker& broker, std::string_view client_id = "c") {
    answers.push_back(allow("alice"));
    TestClient& client = broker.client();
    client.send(connect_packet(client_id));
    EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
    return client;
  }
  const std::vector<hooks::ExchangeId>& ended() const { return plugins.auth->ended; }

  std::vector<Asked> asked;
  std::deque<hooks::Answer<ExchangeDecision>> answers;
};

}  // namespace mortise::core::testing
