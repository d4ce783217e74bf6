#include "broker/admin/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "broker/admin/openapi.h"
#include "fake_broker.h"

namespace mortise::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Routes : public ::testing::Test {
 protected:
  Response ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    Request request;
    request.method = method;
    const std::size_t mark = std::min(target.find('?'), target.size());
    request.path = split_path(target.substr(0, mark)).value();
    for (std::size_t at = mark; at < target.size();) {
      const std::size_t end = std::min(target.find('&', at + 1), target.size());
      const std::string pair = target.substr(at + 1, end - at - 1);
      request.query[pair.substr(0, pair.find('='))] = *percent_decoded(pair.substr(pair.find('=') + 1));
      at = end;
    }
    request.body = body;
    return answer(request, broker);
  }
  Json json(const std::string& method, const std::string& target, const std::string& body = {}) {
    const Response response = ask(method, target, body);
    EXPECT_LT(response.status, 300U) << response.body;
    return Json::parse(response.body);
  }
  std::string wrong(unsigned status, const std::string& method, const std::string& target,
                    const std::string& body = {}) {
    const Response response = ask(method, target, body);
    EXPECT_EQ(response.status, status) << response.body;
    const Json parsed = Json::parse(response.body);
    EXPECT_EQ(parsed["error"]["status"], status);
    return parsed["error"]["message"];
  }

  testing::FakeBroker broker;
};

TEST_F(Routes, WhatIsNotThereIsSaid) {
  EXPECT_THAT(wrong(404, "GET", "/api/v1/nothing"), HasSubstr("there is nothing at \"/api/v1/nothing\""));
  EXPECT_THAT(wrong(404, "GET", "/"), HasSubstr("\"/\""));
  EXPECT_EQ(ask("PATCH", "/api/v1/clients/x").allowed_methods, "GET, DELETE");
  EXPECT_THAT(wrong(405, "POST", "/api/v1/clients"), HasSubstr("allowed: GET"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/clients?bogus=1"),
              HasSubstr("no parameter \"bogus\"; allowed: limit, cursor"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/status?x=1"), HasSubstr("allowed: none"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/sessions?connected=yes"), HasSubstr("allowed: true, false"));
  EXPECT_THAT(wrong(400, "POST", "/api/v1/reload", "{}"), HasSubstr("takes no body"));
}

TEST_F(Routes, ListsComeInPages) {
  Json page = json("GET", "/api/v1/sessions?limit=1");
  EXPECT_EQ(page["items"][0]["client_id"], "one/1");
  ASSERT_TRUE(page["next"].is_string());
  page = json("GET", "/api/v1/sessions?limit=1&cursor=" + page["next"].get<std::string>());
  EXPECT_EQ(page["items"][0]["client_id"], "two");
  EXPECT_TRUE(page["next"].is_null());
  for (const char* limit : {"0", "1001", "-1", "x", "1x", "99999999999999999999"})
    EXPECT_THAT(wrong(400, "GET", std::string("/api/v1/sessions?limit=") + limit), HasSubstr("allowed")) << limit;
  for (const char* cursor : {"x", "1", "1-", "-1", "2-0", "0-x", "0-1x", "0-99999999999"})
    EXPECT_THAT(wrong(400, "GET", std::string("/api/v1/sessions?cursor=") + cursor), HasSubstr("next")) << cursor;
}

TEST_F(Routes, FiltersAreHandedOn) {
  json("GET", "/api/v1/sessions?client_id=a&user_name=b&namespace=&listener=l&peer_address=p&connected=false");
  EXPECT_EQ(broker.asked.client_id, "a");
  EXPECT_EQ(broker.asked.user_name, "b");
  EXPECT_EQ(broker.asked.name_space, "");
  EXPECT_EQ(broker.asked.listener, "l");
  EXPECT_EQ(broker.asked.peer_address, "p");
  EXPECT_EQ(broker.asked.is_connected, false);
  json("GET", "/api/v1/clients");
  EXPECT_EQ(broker.asked.is_connected, true);
  EXPECT_FALSE(broker.asked.name_space);
}

TEST_F(Routes, AClientIsFoundKickedAndItsSessionEnded) {
  EXPECT_EQ(json("GET", "/api/v1/clients/one%2F1")["user_name"], "alice");
  EXPECT_THAT(wrong(404, "GET", "/api/v1/clients/two"), HasSubstr("\"two\"")) << "it is not connected";
  EXPECT_EQ(json("GET", "/api/v1/sessions/two")["connected"], false);
  EXPECT_THAT(wrong(404, "GET", "/api/v1/sessions/two?namespace=n"), HasSubstr("in namespace \"n\""));
  EXPECT_EQ(json("GET", "/api/v1/sessions/two/subscriptions")["next"], "a/#");
  EXPECT_THAT(wrong(404, "GET", "/api/v1/sessions/three/subscriptions"), HasSubstr("three"));

  EXPECT_EQ(json("DELETE", "/api/v1/clients/one%2F1"), Json({{"disconnected", true}, {"session_ended", false}}));
  EXPECT_EQ(json("DELETE", "/api/v1/sessions/two"), Json({{"disconnected", false}, {"session_ended", true}}));
  EXPECT_THAT(wrong(404, "DELETE", "/api/v1/clients/two"), HasSubstr("two")) << "nobody is there to disconnect";
}

TEST_F(Routes, BansAreMadeReplacedAndLifted) {
  json("POST", "/api/v1/bans", R"({"kind": "peer_address", "what": "10.0.0.0/8", "reason": "abuse"})");
  json("POST", "/api/v1/bans", R"({"kind": "client_id", "what": "x", "seconds": 60})");
  const Json again = json("POST", "/api/v1/bans", R"({"kind": "client_id", "what": "x"})");
  EXPECT_TRUE(again["until"].is_null());
  const Json list = json("GET", "/api/v1/bans");
  ASSERT_EQ(list["items"].size(), 2U);
  EXPECT_EQ(list["items"][0]["reason"], "abuse");
  EXPECT_EQ(json("DELETE", "/api/v1/bans/peer_address/10.0.0.0%2F8")["lifted"], true);
  EXPECT_THAT(wrong(404, "DELETE", "/api/v1/bans/peer_address/10.0.0.0%2F8"), HasSubstr("no ban"));
  EXPECT_THAT(wrong(404, "DELETE", "/api/v1/bans/shoe_size/42"), HasSubstr("shoe_size"));

  EXPECT_THAT(wrong(400, "POST", "/api/v1/bans", R"({"kind": "user", "what": "x"})"), HasSubstr("allowed: client_id"));
  EXPECT_THAT(wrong(400, "POST", "/api/v1/bans", R"({"kind": "peer_address", "what": "10.0.0.1/8"})"),
              HasSubstr("10.0.0.0/8"));
  EXPECT_THAT(wrong(400, "POST", "/api/v1/bans", R"({"kind": "client_id", "what": ""})"), HasSubstr("nobody"));
  EXPECT_THAT(wrong(400, "POST", "/api/v1/bans", R"({"kind": "client_id", "what": "x", "seconds": 0})"),
              HasSubstr("seconds"));
  broker.answers = false;
  EXPECT_THAT(wrong(503, "POST", "/api/v1/bans", R"({"kind": "client_id", "what": "y"})"), HasSubstr("disk"));
}

TEST_F(Routes, RetainedMessagesAreListedReadAndDeleted) {
  Json page = json("GET", "/api/v1/retained?limit=1");
  EXPECT_EQ(page["items"][0]["topic"], "a/b");
  EXPECT_FALSE(page["items"][0].contains("payload"));
  page = json("GET", "/api/v1/retained?limit=1&cursor=0:/a%2Fb");
  EXPECT_EQ(page["items"][0]["topic"], "bin");
  EXPECT_TRUE(page["next"].is_null());
  EXPECT_EQ(json("GET", "/api/v1/retained/a%2Fb")["payload"], "text");
  EXPECT_EQ(json("GET", "/api/v1/retained/bin")["payload_base64"], "/wA=");
  EXPECT_THAT(wrong(404, "GET", "/api/v1/retained/none"), HasSubstr("nothing is retained"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/retained/%23"), HasSubstr("no Topic Name"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/retained/%FF"), HasSubstr("no Topic Name"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/retained?filter=a%2F%23%2Fb"), HasSubstr("no Topic Filter"));
  EXPECT_THAT(wrong(400, "GET", "/api/v1/retained?filter=$share/g/a"), HasSubstr("shared"));

  EXPECT_EQ(ask("DELETE", "/api/v1/retained/a%2Fb").status, 202U);
  ASSERT_EQ(broker.published.size(), 1U);
  EXPECT_TRUE(broker.published[0]->retain() && broker.published[0]->payload().empty());
  EXPECT_THAT(wrong(404, "DELETE", "/api/v1/retained/none"), HasSubstr("nothing is retained"));
  EXPECT_THAT(wrong(400, "DELETE", "/api/v1/retained/$SYS%2Fx"), HasSubstr("the broker's own"));
}

// A walk that goes on with another filter's cursor would look for levels that this one does not have.
TEST_F(Routes, ACursorOfAnotherFilterIsRefused) {
  for (const char* query :
       {"filter=a&cursor=0:/a/b", "filter=a/%2B&cursor=0:/a/b/c", "cursor=x", "cursor=0", "cursor=0:a", "cursor=:/a"})
    EXPECT_THAT(wrong(400, "GET", std::string("/api/v1/retained?") + query), HasSubstr("cursor")) << query;
  for (const char* query : {"filter=a/b&cursor=0:/a/b", "filter=a/%23&cursor=9:/a/b/c/d", "cursor=0:"})
    EXPECT_EQ(ask("GET", std::string("/api/v1/retained?") + query).status, 200U) << query;
}

TEST_F(Routes, APublishSaysAllThatAMessageCan) {
  const Response response = ask("POST", "/api/v1/publish", R"({"topic": "t", "payload": "p", "qos": 2, "retain": true,
    "properties": {"payload_format_indicator": 1, "content_type": "text/plain", "response_topic": "r",
                   "correlation_data_base64": "AP8=", "message_expiry_interval_seconds": 60,
                   "user_properties": [["k", "v"], ["k", "w"]]}})");
  EXPECT_EQ(response.status, 202U) << response.body;
  ASSERT_EQ(broker.published.size(), 1U);
  const mqtt::Message& message = *broker.published[0];
  EXPECT_EQ(message.topic(), "t");
  EXPECT_EQ(as_text(message.payload()), "p");
  EXPECT_EQ(message.qos(), mqtt::QoS::kExactlyOnce);
  EXPECT_TRUE(message.retain() && message.has_expiry());
  EXPECT_EQ(message.properties().text(mqtt::PropertyId::kContentType), "text/plain");
  EXPECT_EQ(as_text(*message.properties().binary(mqtt::PropertyId::kCorrelationData)), std::string_view("\0\xFF", 2));
  std::size_t pairs = 0;
  message.properties().for_each(
      [&](const mqtt::PropertyView& one) { pairs += one.id == mqtt::PropertyId::kUserProperty; });
  EXPECT_EQ(pairs, 2U);
}

TEST_F(Routes, APublishThatIsWrongPublishesNothing) {
  const std::pair<const char*, const char*> bodies[] = {
      {"", "\"topic\" is missing"},
      {R"({"topic": ""})", "no Topic Name"},
      {R"({"topic": "a/#"})", "no Topic Name"},
      {R"({"topic": "a\u0000b"})", "no Topic Name"},
      {R"({"topic": "$SYS/x"})", "the broker's own"},
      {R"({"topic": "t", "qos": 3})", "\"qos\""},
      {R"({"topic": "t", "qos": "1"})", "\"qos\""},
      {R"({"topic": "t", "payload": 1})", "\"payload\""},
      {R"({"topic": "t", "payload_base64": "?"})", "no base64"},
      {R"({"topic": "t", "payload": "a", "payload_base64": "YQ=="})", "keep one"},
      {R"({"topic": "t", "properties": []})", "\"properties\""},
      {R"({"topic": "t", "properties": {"response_topic": "+"}})", "response_topic"},
      {R"({"topic": "t", "properties": {"content_type": "\u0000"}})", "content_type"},
      {R"({"topic": "t", "properties": {"user_properties": {"a": "\u0000"}}})", "user_properties"},
      {R"({"topic": "t", "properties": {"bogus": 1}})", "properties.bogus"},
      {R"({"topic": "t", "payload_base64": "/w==", "properties": {"payload_format_indicator": 1}})",
       "said to be UTF-8"},
  };
  for (const auto& [body, what] : bodies)
    EXPECT_THAT(wrong(400, "POST", "/api/v1/publish", body), HasSubstr(what)) << body;
  broker.running.mqtt.max_packet_size = 128;
  EXPECT_THAT(wrong(400, "POST", "/api/v1/publish", R"({"topic": "t", "payload": ")" + std::string(200, 'x') + "\"}"),
              HasSubstr("mqtt.max_packet_size"));
  broker.has_room = false;
  EXPECT_THAT(wrong(503, "POST", "/api/v1/publish", R"({"topic": "t"})"), HasSubstr("too much waits"));
  EXPECT_TRUE(broker.published.empty());
}

TEST_F(Routes, ALoopThatHangsIsSaid) {
  broker.answers = false;
  for (const char* path :
       {"/health/ready", "/metrics", "/api/v1/status", "/api/v1/clients", "/api/v1/clients/x", "/api/v1/plugins",
        "/api/v1/sessions/x/subscriptions", "/api/v1/topics", "/api/v1/retained", "/api/v1/retained/a"})
    EXPECT_THAT(wrong(503, "GET", path), HasSubstr("loop 1 does not answer")) << path;
  EXPECT_THAT(wrong(503, "DELETE", "/api/v1/clients/x"), HasSubstr("loop 1"));
  EXPECT_EQ(ask("GET", "/health/live").status, 200U);
}

TEST_F(Routes, AReloadThatFailsSaysWhy) {
  EXPECT_EQ(json("POST", "/api/v1/reload")["needs_restart"][0], "node.loops");
  broker.reload_error = "mortise.yaml:3:1: nonsense";
  EXPECT_EQ(wrong(409, "POST", "/api/v1/reload"), "mortise.yaml:3:1: nonsense");
}

TEST_F(Routes, TheConfigurationHidesSecretsOfPlugins) {
  config::PluginSettings plugin;
  plugin.name = "p";
  plugin.config_json = R"({"url": "redis://user:secret@host", "password": "x", "API_KEY": "y", "list": [{"token": "z"}],
                           "file": "acl.yaml", "keys": {"secret": {"a": 1}}})";
  broker.running.plugins = {plugin};
  const std::string body = ask("GET", "/api/v1/configuration").body;
  const Json shown = Json::parse(body)["plugins"][0]["config"];
  EXPECT_EQ(shown["url"], "(hidden)");
  EXPECT_EQ(shown["password"], "(hidden)");
  EXPECT_EQ(shown["API_KEY"], "(hidden)");
  EXPECT_EQ(shown["list"][0]["token"], "(hidden)");
  EXPECT_EQ(shown["file"], "acl.yaml");
  const Json whole = Json::parse(body);
  EXPECT_EQ(whole["session"]["queue"]["when_full"], "drop_oldest");
  EXPECT_EQ(whole["mqtt"]["max_packet_size"], "1MiB");
  EXPECT_EQ(whole["node"]["loops"], "auto");
}

// ---- The description ------------------------------------------------------------------------------------------------

TEST(OpenApi, NamesEveryRouteAndEverySchemaThatIsNamed) {
  const Json description = openapi();
  std::size_t operations = 0;
  for (const auto& [path, methods] : description["paths"].items()) operations += methods.size();
  EXPECT_EQ(operations, all_routes().size());
  const std::string text = description.dump();
  const std::string marker = "\"#/components/schemas/";
  for (std::size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, at + 1)) {
    const std::size_t from = at + marker.size();
    EXPECT_TRUE(schemas().contains(text.substr(from, text.find('"', from) - from)));
  }
}

TEST(OpenApi, OnlyHealthAndTheDescriptionNeedNoToken) {
  EXPECT_TRUE(is_open_path("/health/live", false));
  EXPECT_TRUE(is_open_path("/health/ready", false));
  EXPECT_TRUE(is_open_path("/api/v1/openapi.json", false));
  EXPECT_FALSE(is_open_path("/metrics", false));
  EXPECT_TRUE(is_open_path("/metrics", true));
  std::set<std::string> open;
  for (const Route& route : all_routes()) {
    if (is_open_path(route.path, false)) open.insert(route.path);
  }
  EXPECT_THAT(open, ElementsAre("/api/v1/openapi.json", "/health/live", "/health/ready"));
  for (const char* path : {"", "/", "/health", "/health/live/", "/health/live/x", "/Health/live", "//health/live"})
    EXPECT_FALSE(is_open_path(path, false)) << path;
}

}  // namespace
}  // namespace mortise::admin
