#include "exchange_fixture.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Loops, ExchangeTest, ::testing::Values(1, 3));

// ---- CONNECT --------------------------------------------------------------------------------------------------------

TEST_P(ExchangeTest, ConnectGoesOnWithAuthUntilThePluginAllows) {
  PROVES("5.0 MQTT-4.12.0-2", "5.0 MQTT-4.12.0-5");
  answers = {go_on("challenge"), go_on(""), allow("alice", "proof")};
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c", "first"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
  client.send(next_step("second"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "");
  client.send(auth_packet(ReasonCode::kContinueAuthentication));
  const auto connack = client.next_as<mqtt::ConnackView>();
  EXPECT_EQ(connack.code, 0);
  EXPECT_EQ(connack.properties.text(PropertyId::kAuthenticationMethod), "M");
  EXPECT_EQ(as_text(*connack.properties.binary(PropertyId::kAuthenticationData)), "proof");

  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].said, "first");
  EXPECT_EQ(asked[1].said, "second");
  EXPECT_EQ(asked[2].said, std::nullopt);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(asked[i].step, i + 1);
    EXPECT_EQ(asked[i].exchange, asked[0].exchange);
    EXPECT_EQ(asked[i].method, "M");
    EXPECT_TRUE(asked[i].is_connect);
  }
  EXPECT_THAT(ended(), IsEmpty()) << "it ended by the plugin's verdict";
  client.publish("t", "works", 1, 1);
  EXPECT_EQ(client.next_type(), PacketType::kPuback);
}

TEST_P(ExchangeTest, WhoProvedToBeSomebodyIsThatUserAndNotWhoConnectClaims) {
  plugins.auth->on_authorize = [](const hooks::AccessRequest& request) {
    return access(request.principal->user_name == "alice");
  };
  TestBroker broker(options());
  auto& client = enhanced(broker);
  client.publish("t", "x", 1, 1);
  EXPECT_EQ(client.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNoMatchingSubscribers);
}

TEST_P(ExchangeTest, EachExchangeHasANumberOfItsOwn) {
  TestBroker broker(options());
  std::vector<hooks::ExchangeId> numbers;
  for (int i = 0; i < 6; ++i) {
    enhanced(broker, "c" + std::to_string(i));
    numbers.push_back(asked.back().exchange);
  }
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
}

TEST_P(ExchangeTest, AMethodThatNoPluginTakesIsRefused) {
  PROVES("5.0 MQTT-4.12.0-1");
  answers = {step(Verdict::kNext)};
  {
    TestBroker broker(options());
    auto& client = broker.client();
    client.send(connect_packet("c"));
    expect_refused(client, ReasonCode::kBadAuthenticationMethod);
  }
  // Without the hook nobody is asked, and whoever lets everybody in does not let this one in.
  plugins.auth->on_exchange = nullptr;
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) { return allow_connect(); };
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c"));
  expect_refused(client, ReasonCode::kBadAuthenticationMethod);
}

TEST_P(ExchangeTest, APluginMayRefuseInAnyStep) {
  PROVES("5.0 MQTT-4.12.0-4");
  for (int steps = 1; steps <= 3; ++steps) {
    for (int i = 1; i < steps; ++i) answers.push_back(go_on("more"));
    answers.push_back(deny(ReasonCode::kBadUserNameOrPassword));
    TestBroker broker(options());
    auto& client = broker.client();
    client.send(connect_packet("c"));
    for (int i = 1; i < steps; ++i) {
      expect_auth(client, ReasonCode::kContinueAuthentication, "more");
      client.send(next_step("x"));
    }
    expect_refused(client, ReasonCode::kBadUserNameOrPassword);
    EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
  }
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_P(ExchangeTest, NothingButAuthAndDisconnectIsTakenBeforeConnack) {
  struct Case {
    std::string bytes;
    ReasonCode reason;
  };
  mqtt::PublishView publish;
  publish.topic = "t";
  std::string publish_bytes, auth_without_method = {'\xF0', 2, 0x18, 0};
  mqtt::encode(publish_bytes, publish, mqtt::ProtocolVersion::k5);
  const Case cases[] = {
      {publish_bytes, ReasonCode::kProtocolError},
      {std::string("\xC0\x00", 2), ReasonCode::kProtocolError},
      {connect_packet("c"), ReasonCode::kProtocolError},
      {again("x"), ReasonCode::kProtocolError},
      {auth_packet(ReasonCode::kSuccess, "x"), ReasonCode::kProtocolError},
      {auth_packet(ReasonCode::kContinueAuthentication, "x", "N"), ReasonCode::kProtocolError},
      {std::string("\xF0\x00", 2), ReasonCode::kProtocolError},
      {auth_without_method, ReasonCode::kProtocolError},
      {std::string("\xF1\x00", 2), ReasonCode::kProtocolError},
      {std::string("\xF0\x01\x18", 3), ReasonCode::kMalformedPacket},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(::testing::PrintToString(each.bytes));
    plugins.auth->ended.clear();
    answers = {go_on("challenge")};
    TestBroker broker(options());
    auto& client = broker.client();
    client.send(connect_packet("c"));
    expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
    client.send(each.bytes);
    expect_refused(client, each.reason);
    EXPECT_THAT(ended(), ElementsAre(asked.back().exchange)) << "the plugin is told";
    EXPECT_EQ(broker.total(&ShardCounters::protocol_errors), 1u);
  }
}

TEST_P(ExchangeTest, WhatIsNoPacketAtAllEndsItWithoutAWord) {
  answers = {go_on("challenge")};
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c"));
  client.take_types();
  client.send(std::string("\xF0\xFF\xFF\xFF\xFF\x01", 6));
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(client.has_next());
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
  EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
}

TEST_P(ExchangeTest, AClientMayLeaveInTheMiddle) {
  for (const bool says_so : {true, false}) {
    for (const bool is_asked : {true, false}) {
      plugins.auth->ended.clear();
      plugins.auth->pending.clear();
      plugins.auth->cancelled.clear();
      answers = {go_on("challenge")};
      if (is_asked) answers.push_back(pending());
      TestBroker broker(options());
      auto& client = broker.client();
      client.send(connect_packet("c"));
      expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
      if (is_asked) client.send(next_step("x"));
      if (says_so && !is_asked)
        client.disconnect();
      else
        client.drop();
      EXPECT_FALSE(client.is_open());
      EXPECT_FALSE(client.has_next());
      EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
      EXPECT_EQ(plugins.auth->cancelled, plugins.auth->pending);
      EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
    }
  }
}

TEST_P(ExchangeTest, ThePluginMayTakeItsTimeInEveryStep) {
  answers = {pending(), pending()};
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c"));
  EXPECT_FALSE(client.has_next());
  broker.answer(plugins.auth->pending.at(0), go_on("challenge"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
  client.send(next_step("x"));
  EXPECT_FALSE(client.has_next());
  broker.answer(plugins.auth->pending.at(0), deny(ReasonCode::kNotAuthorized));  // answered before: too late
  EXPECT_EQ(broker.total(&ShardCounters::late_answers), 1u);
  broker.answer(plugins.auth->pending.at(1), allow("alice"));
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ExchangeTest, WhatTheClientSaysAheadIsReadWhenItIsItsTurn) {
  answers = {pending(), allow("alice")};
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c") + next_step("ahead"));
  EXPECT_EQ(asked.size(), 1u);
  broker.answer(plugins.auth->pending.at(0), go_on("challenge"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[1].said, "ahead");
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ExchangeTest, ConnectTimeoutCoversTheWholeExchange) {
  answers = {go_on("1"), go_on("2")};
  TestBroker broker(options());
  auto& client = broker.client();
  broker.advance(Millis(4000));
  client.send(connect_packet("c"));
  broker.advance(Millis(4000));
  client.send(next_step("x"));
  client.take_types();
  broker.advance(Millis(1999));
  EXPECT_TRUE(client.is_open());
  broker.advance(Millis(1));
  expect_refused(client, ReasonCode::kNotAuthorized);
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
  EXPECT_EQ(broker.total(&ShardCounters::connects_timed_out), 1u);
}

TEST_P(ExchangeTest, APluginThatIsWaitedForTooLongHasFailed) {  // R10
  answers = {pending(Millis(60'000))};
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c"));
  broker.advance(Millis(10'000));
  expect_refused(client, ReasonCode::kServerUnavailable);
  EXPECT_EQ(plugins.auth->expired, plugins.auth->pending);
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
}

TEST_P(ExchangeTest, AnAnswerOnItsWayWhenTimeIsUpStillCounts) {  // R6
  answers = {pending()};
  plugins.auth->is_still_open = false;
  TestBroker broker(options());
  auto& client = broker.client();
  client.send(connect_packet("c"));
  broker.advance(Millis(20'000));
  EXPECT_TRUE(client.is_open());
  broker.answer(plugins.auth->pending.at(0), allow("alice"));
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ExchangeTest, EachFailureHasTheOutcomeOfItsPolicyInEveryStep) {  // R10
  for (const AuthFailurePolicy policy :
       {AuthFailurePolicy::kDeny, AuthFailurePolicy::kNext, AuthFailurePolicy::kAllow}) {
    for (const bool is_first : {true, false}) {
      for (const bool comes_later : {true, false}) {
        plugins.auth_failure = policy;
        plugins.auth->ended.clear();
        plugins.auth->pending.clear();
        answers.clear();
        if (!is_first) answers.push_back(go_on("challenge"));
        if (comes_later)
          answers.push_back(pending());
        else
          answers.push_back(FailureKind::kException);
        TestBroker broker(options());
        auto& client = broker.client();
        client.send(connect_packet("c"));
        if (!is_first) {
          expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
          client.send(next_step("x"));
        }
        if (comes_later) broker.answer(plugins.auth->pending.at(0), FailureKind::kCrashed);
        EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
        if (policy == AuthFailurePolicy::kAllow) {
          EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
        } else {
          expect_refused(client, policy == AuthFailurePolicy::kDeny ? ReasonCode::kServerUnavailable
                                                                    : ReasonCode::kBadAuthenticationMethod);
        }
      }
    }
  }
}

TEST_P(ExchangeTest, AnExchangeHasAnEnd) {
  TestBroker broker(options());
  auto& client = broker.client();
  for (std::uint32_t i = 0; i < hooks::kMostExchangeSteps; ++i) answers.push_back(go_on("more"));
  client.send(connect_packet("c"));
  for (std::uint32_t i = 1; i < hooks::kMostExchangeSteps; ++i) {
    expect_auth(client, ReasonCode::kContinueAuthentication, "more");
    client.send(next_step("x"));
  }
  expect_refused(client, ReasonCode::kNotAuthorized);
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
}

TEST_P(ExchangeTest, AnAuthAboveTheClientsMaximumPacketSizeIsNotSent) {
  PROVES("5.0 MQTT-3.15.2-2", "5.0 MQTT-3.15.2-3");
  const std::string challenge(20, 'x');
  // Fixed header 2, Reason Code 1, Property Length 1, method 4, data 3 + 20: no Reason String and no User Property.
  constexpr std::uint32_t kExactly = 31;
  for (const std::uint32_t maximum : {kExactly, kExactly - 1}) {
    answers = {go_on(challenge)};
    plugins.auth->ended.clear();
    TestBroker broker(options());
    auto& client = broker.client();
    client.send(connect_packet("c", {}, maximum));
    if (maximum == kExactly) {
      expect_auth(client, ReasonCode::kContinueAuthentication, challenge);
    } else {
      expect_refused(client, ReasonCode::kPacketTooLarge);
      EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
    }
  }
}

TEST_P(ExchangeTest, AClientWithoutAMethodHearsNothingOfIt) {
  PROVES("5.0 MQTT-4.12.0-6");
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) { return allow_connect(); };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  const auto connack = client.next_as<mqtt::ConnackView>();
  EXPECT_EQ(connack.code, 0);
  EXPECT_FALSE(connack.properties.has(PropertyId::kAuthenticationMethod));
  EXPECT_THAT(asked, IsEmpty());
  client.send(again("x"));
  expect_disconnected(client, ReasonCode::kProtocolError);
  EXPECT_THAT(asked, IsEmpty());
}

}  // namespace
}  // namespace mortise::core::testing
