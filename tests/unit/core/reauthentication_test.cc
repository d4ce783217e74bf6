#include "exchange_fixture.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class ReauthenticationTest : public ExchangeTest {};
INSTANTIATE_TEST_SUITE_P(Loops, ReauthenticationTest, ::testing::Values(1, 3));

// ---- Re-authentication ----------------------------------------------------------------------------------------------

TEST_P(ReauthenticationTest, AConnectedClientAuthenticatesAgainWhileItsTrafficGoesOn) {
  TestBroker broker(options());
  auto& client = enhanced(broker);
  answers = {pending(), allow("alice", "proof")};
  client.send(again("first"));
  EXPECT_EQ(asked.back().step, 1u);
  EXPECT_FALSE(asked.back().is_connect);
  EXPECT_EQ(asked.back().client_id, "c");
  client.publish("t", "x", 1, 1);
  EXPECT_EQ(client.next().type, PacketType::kPuback) << "with the previous authentication";
  broker.answer(plugins.auth->pending.at(0), go_on("challenge"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
  client.publish("t", "x", 1, 2);
  EXPECT_EQ(client.next().type, PacketType::kPuback);
  client.send(next_step("second"));
  expect_auth(client, ReasonCode::kSuccess, "proof");
  EXPECT_TRUE(client.is_open());
  EXPECT_NE(asked[1].exchange, asked[0].exchange);
  EXPECT_EQ(asked[2].exchange, asked[1].exchange);
  EXPECT_THAT(ended(), IsEmpty());
  answers = {allow()};
  client.send(again(""));
  expect_auth(client, ReasonCode::kSuccess, std::nullopt);
}

TEST_P(ReauthenticationTest, WhatIsGrantedAndNotedAnewCounts) {
  std::vector<std::string> noted;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    noted.push_back(request.principal->note() != nullptr ? request.principal->note()->text : "nothing");
    return access(true);
  };
  TestBroker broker(options());
  auto& client = enhanced(broker);
  ExchangeDecision renewed = allow("alice");
  renewed.valid_for = Seconds(60);
  renewed.note = "renewed";
  answers = {renewed};
  client.send(again("x"));
  expect_auth(client, ReasonCode::kSuccess, std::nullopt);
  client.publish("t", "x", 1, 1);
  EXPECT_EQ(client.next().type, PacketType::kPuback);
  EXPECT_THAT(noted, ElementsAre("renewed"));
  broker.advance(Millis(59'999));
  EXPECT_TRUE(client.is_open());
  broker.advance(Millis(1));
  expect_disconnected(client, ReasonCode::kMaximumConnectTime);
}

TEST_P(ReauthenticationTest, ItGoesOnBesideAPublishThatWaitsForItsOwnAnswer) {
  plugins.auth->on_authorize = [this](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    return pending();
  };
  TestBroker broker(options());
  auto& client = enhanced(broker);
  client.publish("t", "x", 1, 1);
  answers = {pending()};
  client.send(again("x"));
  ASSERT_EQ(plugins.auth->pending.size(), 2u);
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_EQ(client.next().type, PacketType::kPuback);
  broker.answer(plugins.auth->pending.at(1), allow("alice"));
  expect_auth(client, ReasonCode::kSuccess, std::nullopt);
  EXPECT_EQ(broker.total(&ShardCounters::late_answers), 0u);
}

TEST_P(ReauthenticationTest, ARefusedReAuthenticationEndsTheConnection) {
  PROVES("5.0 MQTT-4.12.1-2");
  struct Case {
    ReasonCode said, told;
  };
  for (const Case each : {Case{ReasonCode::kNotAuthorized, ReasonCode::kNotAuthorized},
                          Case{ReasonCode::kServerBusy, ReasonCode::kServerBusy},
                          Case{ReasonCode::kBadUserNameOrPassword, ReasonCode::kNotAuthorized}}) {
    TestBroker broker(options());
    auto& client = enhanced(broker);
    answers = {deny(each.said)};
    client.send(again("x"));
    expect_disconnected(client, each.told);
    EXPECT_THAT(ended(), IsEmpty());
    EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
  }
}

TEST_P(ReauthenticationTest, NobodyBecomesAnotherUser) {
  for (const bool is_another_name_space : {false, true}) {
    TestBroker broker(options());
    auto& client = enhanced(broker);
    ExchangeDecision decision = allow(is_another_name_space ? "alice" : "bob");
    if (is_another_name_space) decision.name_space = "elsewhere";
    answers = {decision};
    client.send(again("x"));
    expect_disconnected(client, ReasonCode::kNotAuthorized);
  }
}

TEST_P(ReauthenticationTest, WhatAClientMayDoIsAskedAgainAfterIt) {
  bool is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest&) {
    hooks::AccessDecision decision = access(is_allowed);
    decision.cache_scope = hooks::CacheScope::kTopic;
    decision.cache_for = Millis(3'600'000);
    return decision;
  };
  TestBroker broker(options());
  auto& client = enhanced(broker);
  client.subscribe("s", 0);
  client.publish("t", "x", 1, 1);
  client.take_types();
  is_allowed = false;
  client.publish("t", "x", 1, 2);
  EXPECT_EQ(client.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNoMatchingSubscribers) << "remembered";
  answers = {allow("alice")};
  client.send(again("x"));
  expect_auth(client, ReasonCode::kSuccess, std::nullopt);
  client.publish("t", "x", 1, 3);
  EXPECT_EQ(client.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNotAuthorized);
}

TEST_P(ReauthenticationTest, AnAuthOutOfTurnIsAProtocolError) {
  struct Case {
    bool is_begun, is_asked;
    std::string bytes;
  };
  const Case cases[] = {
      {false, false, next_step("x")},
      {false, false, auth_packet(ReasonCode::kSuccess)},
      {false, false, auth_packet(ReasonCode::kReAuthenticate, "x", "N")},
      {false, false, std::string("\xF0\x00", 2)},
      {true, true, next_step("x")},
      {true, true, again("x")},
      {true, false, again("x")},
      {true, false, auth_packet(ReasonCode::kSuccess)},
      {true, false, auth_packet(ReasonCode::kContinueAuthentication, "x", "N")},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(::testing::PrintToString(each.bytes));
    plugins.auth->ended.clear();
    TestBroker broker(options());
    auto& client = enhanced(broker);
    if (each.is_begun) {
      if (each.is_asked)
        answers = {pending()};
      else
        answers = {go_on("challenge")};
      client.send(again("first"));
      client.take_types();
    }
    client.send(each.bytes);
    expect_disconnected(client, ReasonCode::kProtocolError);
    EXPECT_EQ(ended().size(), each.is_begun ? 1u : 0u);
  }
}

TEST_P(ReauthenticationTest, ReAuthenticationHasItsTimeToo) {
  TestBroker broker(options());
  auto& client = enhanced(broker);
  broker.advance(Millis(3'600'000));
  answers = {go_on("challenge")};
  client.send(again("x"));
  expect_auth(client, ReasonCode::kContinueAuthentication, "challenge");
  broker.advance(Millis(9'999));
  EXPECT_TRUE(client.is_open());
  broker.advance(Millis(1));
  expect_disconnected(client, ReasonCode::kNotAuthorized);
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
}

TEST_P(ReauthenticationTest, WhateverEndsTheConnectionEndsItsReAuthentication) {
  enum class End { kDrop, kDisconnect, kTakeOver, kKick, kShutDown, kProtocolError, kDropBehindAPublish };
  for (const End end : {End::kDrop, End::kDisconnect, End::kTakeOver, End::kKick, End::kShutDown, End::kProtocolError,
                        End::kDropBehindAPublish}) {
    for (const bool is_asked : {true, false}) {
      SCOPED_TRACE(static_cast<int>(end));
      plugins.auth->on_authorize = nullptr;
      if (end == End::kDropBehindAPublish)
        plugins.auth->on_authorize = [this](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
          return pending();
        };
      plugins.auth->ended.clear();
      plugins.auth->pending.clear();
      plugins.auth->cancelled.clear();
      TestBroker broker(options());
      auto& client = enhanced(broker);
      if (is_asked)
        answers = {pending()};
      else
        answers = {go_on("challenge")};
      client.send(again("x"));
      const hooks::ExchangeId exchange = asked.back().exchange;
      const auto asked_with = plugins.auth->pending;
      if (end == End::kDrop) client.drop();
      if (end == End::kDisconnect) client.disconnect();
      if (end == End::kTakeOver) enhanced(broker);
      if (end == End::kKick) broker.kick("c");
      if (end == End::kShutDown) broker.shut_down();
      if (end == End::kProtocolError) client.send(std::string("\xD0\x00", 2));
      if (end == End::kDropBehindAPublish) {
        client.publish("t", "x");
        client.drop();
      }
      EXPECT_FALSE(client.is_open());
      EXPECT_THAT(ended(), ElementsAre(exchange));
      EXPECT_EQ(plugins.auth->cancelled, asked_with);
    }
  }
}

TEST_P(ReauthenticationTest, AnAuthTooLargeForAConnectedClientEndsIt) {
  TestBroker broker(options());
  answers = {allow("alice")};
  auto& client = broker.client();
  client.send(connect_packet("c", {}, 60));
  ASSERT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
  answers = {go_on(std::string(60, 'x'))};
  client.send(again("x"));
  expect_disconnected(client, ReasonCode::kPacketTooLarge);
  EXPECT_THAT(ended(), ElementsAre(asked.back().exchange));
}

}  // namespace
}  // namespace mortise::core::testing
