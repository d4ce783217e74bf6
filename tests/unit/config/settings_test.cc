#include "broker/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// ---- What a file says ----

TEST(Settings, AnEmptyMappingGivesTheDefaultsAndOneLoopbackListener) {
  const auto settings = settings_of("{}");
  ASSERT_EQ(settings->listeners.size(), 1u);
  EXPECT_EQ(settings->listeners[0].host, "127.0.0.1");
  EXPECT_EQ(settings->listeners[0].port, 1883);
  EXPECT_EQ(settings->mqtt.receive_maximum, session::MqttLimits{}.receive_maximum);
  EXPECT_EQ(settings->plugin_dir, plugin_folder());
  EXPECT_THAT(settings->warnings, IsEmpty());
}

TEST(Settings, EveryKindOfValueIsRead) {
  const auto settings = settings_of(R"(
node: { name: edge-1, data_dir: /var/lib/mortise, loops: 3 }
log: { level: debug }
listeners:
  - { url: "tcp://[::1]:18830", max_connections: 9, backlog: 5 }
mqtt: { max_packet_size: 64KiB, receive_maximum: 0x10, maximum_qos: 1, retain_available: False, max_keep_alive: 60s,
        connect_timeout: 500ms, max_topic_levels: unlimited, max_client_id_length: 100B, reason_strings: always }
session:
  expiry_interval_max: 7d
  takeover: any
  durability: none
  queue: { max_messages: 5, max_bytes: 1MiB, when_full: drop_new }
retained: { max_messages: 7, max_bytes: 1KiB }
subscriptions: { max_bytes: 64KiB }
match_cache: { max_entries: 8 }
plugin_limits: { token_deadline_max: 5s, tokens_max: 6 }
)");
  EXPECT_EQ(settings->node_name, "edge-1");
  EXPECT_EQ(settings->data_dir, "/var/lib/mortise");
  EXPECT_EQ(settings->loops, 3u);
  EXPECT_EQ(settings->log_level, LogLevel::kDebug);
  EXPECT_EQ(settings->listeners[0].host, "::1");
  EXPECT_EQ(settings->listeners[0].port, 18830);
  EXPECT_EQ(settings->listeners[0].max_connections, 9u);
  EXPECT_EQ(settings->listeners[0].backlog, 5);
  EXPECT_EQ(settings->listeners[0].line, 5);
  EXPECT_EQ(settings->mqtt.max_packet_size, 65536u);
  EXPECT_EQ(settings->mqtt.receive_maximum, 16);
  EXPECT_EQ(settings->mqtt.maximum_qos, mqtt::QoS::kAtLeastOnce);
  EXPECT_FALSE(settings->mqtt.retain_available);
  EXPECT_EQ(settings->mqtt.max_keep_alive, 60);
  EXPECT_EQ(settings->mqtt.connect_timeout, 500ms);
  EXPECT_EQ(settings->mqtt.topic.maximum_levels, 0u);
  EXPECT_EQ(settings->mqtt.max_client_id_length, 100);
  EXPECT_EQ(settings->mqtt.reason_strings, session::ReasonStrings::kAlways);
  EXPECT_EQ(settings->session.expiry_interval_max, Seconds(604800));
  EXPECT_EQ(settings->session.takeover, session::TakeOver::kAny);
  EXPECT_EQ(settings->session.durability, session::Durability::kNone);
  EXPECT_EQ(settings->session.queue.max_messages, 5u);
  EXPECT_EQ(settings->session.queue.max_bytes, 1048576u);
  EXPECT_EQ(settings->session.queue.when_full, session::WhenFull::kDropNew);
  EXPECT_EQ(settings->retained.maximum_messages, 7u);
  EXPECT_EQ(settings->subscriptions.maximum_bytes, 65'536u);
  EXPECT_EQ(settings->match_cache.maximum_entries, 8u);
  EXPECT_EQ(settings->plugin_token_deadline_max, 5000ms);
  EXPECT_EQ(settings->plugin_tokens_max, 6u);
}

TEST(Settings, UnlimitedExpiryIsTheLargestNumberOfSecondsThatMqttKnows) {
  EXPECT_EQ(settings_of("session: {expiry_interval_max: unlimited}")->session.expiry_interval_max, Seconds(0xFFFFFFFF));
}

TEST(Settings, PluginsAndHooksAreReadInOrder) {
  const auto settings = settings_of(R"(
plugins:
  - { name: passwords, library: auth.so, on_failure: { auth: next }, config: { passwords: passwd, iterations: 4096, salt: "007" } }
  - { name: tenants, library: affix.so, on_failure: { topic: passthrough } }
  - { name: queue, library: store.so, run: inline, on_failure: { store: stop_acks } }
hooks: { auth: [passwords], topic: [tenants], store: queue, event: [] }
)");
  ASSERT_EQ(settings->plugins.size(), 3u);
  EXPECT_EQ(settings->plugins[0].library, plugin_folder() / "auth.so");
  EXPECT_EQ(settings->plugins[0].on_auth_failure, hooks::AuthFailurePolicy::kNext);
  EXPECT_EQ(settings->plugins[0].config_json, R"({"passwords":"passwd","iterations":4096,"salt":"007"})");
  EXPECT_EQ(settings->plugins[1].on_topic_failure, hooks::TopicFailurePolicy::kPassthrough);
  EXPECT_EQ(settings->plugins[1].config_json, "{}");
  EXPECT_EQ(settings->plugins[2].on_store_failure, StoreFailurePolicy::kStopAcks);
  EXPECT_THAT(settings->hooks.auth, ElementsAre("passwords"));
  EXPECT_THAT(settings->hooks.topic, ElementsAre("tenants"));
  EXPECT_EQ(settings->hooks.store, "queue");
  EXPECT_THAT(settings->warnings, IsEmpty());
}

TEST(Settings, RelativePathsAreRelativeToTheFile) {
  const auto settings =
      parse("node: {data_dir: ../data}\nplugin_dir: plugins\n", "/etc/mortise/mortise.yaml", "/nowhere");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ((*settings)->directory, "/etc/mortise");
  EXPECT_EQ((*settings)->data_dir, "/etc/data");
  EXPECT_EQ((*settings)->plugin_dir, "/etc/mortise/plugins");
}

TEST(Settings, SectionsWithNothingInThemAreDefaults) {
  const auto settings = settings_of("mqtt:\nsession:\n  queue:\nplugins:\nhooks:\n  auth:\n");
  EXPECT_EQ(settings->session.queue.max_messages, session::QueueLimits{}.max_messages);
}

// ---- What is wrong with a key or a value ----

TEST(SettingsErrors, AnUnknownKeyIsAnErrorThatNamesTheNearestOne) {
  EXPECT_EQ(error_of("mqtt:\n  recieve_maximum: 5\n"),
            "test.yaml:2:3: mqtt.recieve_maximum: unknown key; did you mean receive_maximum?");
  EXPECT_THAT(error_of("mqtt: {maxPacketSize: 1MiB}"), HasSubstr("did you mean max_packet_size?"));
  EXPECT_THAT(error_of("listners: []"), HasSubstr("test.yaml:1:1: listners: unknown key; did you mean listeners?"));
  EXPECT_THAT(error_of("session: {queue: {max_message: 5}}"),
              HasSubstr("session.queue.max_message: unknown key; did you mean max_messages?"));
  EXPECT_THAT(error_of("listeners: [{adress: x}]"),
              HasSubstr("listeners[0].adress: unknown key; allowed here: url, name, allow_anonymous"));
  EXPECT_THAT(error_of("plugins: [{nmae: x}]"), HasSubstr("plugins[0].nmae: unknown key; did you mean name?"));
}

TEST(SettingsErrors, AKeyThatBelongsElsewhereIsNamedWithItsWholePath) {
  EXPECT_THAT(error_of("mqtt: {max_inflight: 5}"),
              HasSubstr("mqtt.max_inflight: unknown key; did you mean session.max_inflight?"));
}

TEST(SettingsErrors, AKeyLikeNothingKnownIsAnswered_WithWhatIsAllowed) {
  EXPECT_EQ(
      error_of("xylophone: 1"),
      "test.yaml:1:1: xylophone: unknown key; allowed here: node, log, sys, mqtt, session, retained, subscriptions, "
      "match_cache, plugin_dir, plugin_limits, hooks, admin, listeners, plugins");
  EXPECT_THAT(error_of("\"a\\nb\": 1"), HasSubstr(R"("a\nb": unknown key)"));
}

TEST(SettingsErrors, AMappingWhereAValueBelongsAndTheOtherWayRoundAreErrors) {
  EXPECT_EQ(
      error_of("mqtt: 5"),
      "test.yaml:1:7: mqtt: \"5\" (a number) is not allowed; allowed: a mapping of max_packet_size, receive_maximum, "
      "topic_alias_maximum, outbound_topic_alias_maximum, maximum_qos, retain_available, "
      "wildcard_subscription_available, "
      "shared_subscription_available, subscription_identifier_available, max_keep_alive, connect_timeout, "
      "max_client_id_length, max_topic_levels, max_topic_length, check_payload_format, reason_strings, "
      "response_information");
  EXPECT_THAT(error_of("[a, b]"),
              HasSubstr("test.yaml:1:1: the file: a list is not allowed; allowed: a mapping of node"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: [1]}"),
              HasSubstr("mqtt.receive_maximum: a list is not allowed; allowed: a whole number, 1 to 65535"));
  EXPECT_THAT(error_of("mqtt: {max_packet_size: {a: 1}}"), HasSubstr("mqtt.max_packet_size: a mapping is not allowed"));
  EXPECT_THAT(error_of("listeners: {url: a}"),
              HasSubstr("listeners: a mapping is not allowed; allowed: a list, each entry begun with `- `"));
  EXPECT_THAT(error_of("listeners: [tcp://127.0.0.1]"),
              HasSubstr("listeners[0]: \"tcp://127.0.0.1\" is not allowed; allowed: a mapping of url"));
  EXPECT_THAT(error_of("plugins: [{name: a, library: auth.so, config: [1]}]"),
              HasSubstr("plugins[0].config: a list is not allowed; allowed: a mapping"));
  EXPECT_THAT(error_of("plugins: [{name: a, library: auth.so, on_failure: deny}]"),
              HasSubstr("plugins[0].on_failure: \"deny\" is not allowed"));
}

TEST(SettingsErrors, ACountOutOfRangeOrOfTheWrongTypeIsAnError) {
  EXPECT_EQ(error_of("mqtt:\n  receive_maximum: 0\n"),
            "test.yaml:2:20: mqtt.receive_maximum: \"0\" is out of range; allowed: a whole number, 1 to 65535");
  EXPECT_THAT(error_of("mqtt: {receive_maximum: 65536}"), HasSubstr("out of range"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: -1}"), HasSubstr("\"-1\" (a number) is not allowed"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: 1.5}"), HasSubstr("is not allowed"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: 99999999999999999999}"), HasSubstr("is not allowed"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: many}"), HasSubstr("\"many\" is not allowed"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: }"), HasSubstr("nothing is not allowed"));
  EXPECT_THAT(error_of("mqtt: {receive_maximum: \"5\"}"),
              HasSubstr("\"5\" is text, because it is in quotes; write the number without them"));
  EXPECT_THAT(error_of("node: {loops: some}"),
              HasSubstr("\"some\" is not allowed; allowed: a whole number, 1 to 256, or auto"));
  EXPECT_THAT(error_of("mqtt: {maximum_qos: 3}"), HasSubstr("0 to 2"));
}

TEST(SettingsErrors, ASizeOrDurationWithoutUnitNamesTheRemedy) {
  EXPECT_EQ(error_of("mqtt: {max_packet_size: 1024}"),
            "test.yaml:1:25: mqtt.max_packet_size: the unit is missing; write 1024B or another of B, KiB, MiB, GiB; "
            "allowed: a size with its unit (B, "
            "KiB, MiB, GiB), 128B to 268435460B");
  EXPECT_THAT(error_of("session: {expiry_interval_max: 100}"),
              HasSubstr("the unit is missing; write 100ms or another of ms, s, m, h, d"));
  EXPECT_THAT(error_of("mqtt: {max_packet_size: 1MB}"), HasSubstr("write 1MiB"));
  EXPECT_THAT(error_of("mqtt: {max_packet_size: 1GiB}"), HasSubstr("\"1GiB\" is out of range"));
  EXPECT_THAT(error_of("mqtt: {max_keep_alive: never}"), HasSubstr("1s to 65535s, or unlimited"));
}

TEST(SettingsErrors, FlagsAndChoicesNameWhatIsAllowed) {
  EXPECT_THAT(error_of("mqtt: {retain_available: yes}"),
              HasSubstr("mqtt.retain_available: \"yes\" is not allowed; allowed: true, false"));
  EXPECT_THAT(error_of("mqtt: {retain_available: 1}"),
              HasSubstr("\"1\" (a number) is not allowed; allowed: true, false"));
  EXPECT_THAT(error_of("mqtt: {retain_available: \"true\"}"), HasSubstr("is not allowed; allowed: true, false"));
  EXPECT_THAT(error_of("session: {takeover: nobody}"),
              HasSubstr("session.takeover: \"nobody\" is not allowed; allowed: same_user, any"));
  EXPECT_THAT(error_of("session: {queue: {when_full: panic}}"), HasSubstr("allowed: drop_oldest, drop_new, reject"));
  EXPECT_EQ(settings_of("session: {queue: {when_full: reject}}")->session.queue.when_full, session::WhenFull::kReject);
  EXPECT_THAT(error_of("log: {level: loud}"), HasSubstr("allowed: debug, info, warning, error"));
}

TEST(SettingsErrors, WhereClientsAreSentAndAnsweredIsChecked) {
  EXPECT_EQ(settings_of("mqtt: {response_information: \"responses/%n/%c/%u/%l/100%%\"}")->mqtt.response_information,
            "responses/%n/%c/%u/%l/100%%");
  for (const char* wrong : {"a/%x/", "a/%", "%%%"}) {
    EXPECT_THAT(error_of("mqtt: {response_information: \"" + std::string(wrong) + "\"}"),
                HasSubstr("has a % that is no placeholder; allowed: %c, %u, %n, %l, and %% for a percent sign"))
        << wrong;
  }
  EXPECT_THAT(error_of("mqtt: {response_information: \"a/#\"}"),
              HasSubstr("test.yaml:1:30: mqtt.response_information: \"a/#\" has a wildcard"));
  EXPECT_THAT(error_of("mqtt: {response_information: $SYS/a}"), HasSubstr("begins with '$'"));
  EXPECT_THAT(error_of("mqtt: {response_information: " + std::string(1025, 'a') + "}"),
              HasSubstr("has 1025 bytes; at most 1024"));

  const auto moved = settings_of("node: {server_reference: \"a.example b.example:1883\", server_moved: true}");
  EXPECT_EQ(moved->mqtt.server_reference, "a.example b.example:1883");
  EXPECT_TRUE(moved->mqtt.server_moved);
  EXPECT_THAT(error_of("node: {server_moved: true}"),
              HasSubstr("node.server_moved: true sends everybody away; write in node.server_reference where to"));
}

TEST(SettingsErrors, NamesAreShortAndPlain) {
  for (const char* name : {"Edge", "\"\"", "a b", "ab/c", "é", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "5", "[a]"})
    EXPECT_THAT(error_of(std::string("node: {name: ") + name + "}"),
                HasSubstr("a name of 1 to 32 of a-z, 0-9, _ and -"))
        << name;
  EXPECT_THAT(error_of("hooks: {auth: passwords}"),
              HasSubstr("hooks.auth: \"passwords\" is not allowed; allowed: a list of names"));
  EXPECT_THAT(error_of("hooks: {auth: [a, B]}"), HasSubstr("hooks.auth[1]: \"B\" is not allowed"));
  EXPECT_THAT(error_of("hooks: {auth: [a, a]}"), HasSubstr("hooks.auth[1]: a is in this list twice; keep one"));
}

TEST(SettingsErrors, TextMustBeTextOnOneLine) {
  EXPECT_THAT(error_of("node: {data_dir: 5}"),
              HasSubstr("node.data_dir: \"5\" (a number) is no text for YAML; put it in quotes"));
  EXPECT_THAT(error_of("node: {data_dir: \"\"}"), HasSubstr("is not allowed; allowed: a path"));
  EXPECT_THAT(error_of("node: {data_dir: \"a\\nb\"}"), HasSubstr("is not allowed"));
  EXPECT_THAT(error_of("node: {data_dir: \"a\\0b\"}"), HasSubstr("is not allowed"));
}

TEST(SettingsErrors, RequiredKeysAreNamedWithAnExample) {
  EXPECT_EQ(error_of("listeners:\n  - {backlog: 5}\n"),
            "test.yaml:2:5: listeners[0].url: missing; write for example url: tcp://127.0.0.1:1883");
  EXPECT_THAT(error_of("plugins: [{library: auth.so}]"),
              HasSubstr("plugins[0].name: missing; write for example name: passwords"));
  EXPECT_THAT(error_of("plugins: [{name: a}]"),
              HasSubstr("plugins[0].library: missing; write for example library: auth-file.so"));
  EXPECT_THAT(error_of("plugins: [ ~ ]"), HasSubstr("plugins[0].name: missing"));
}

TEST(SettingsErrors, WhatIsNotThereYetSaysSo) {
  EXPECT_THAT(error_of("plugins: [{name: a, library: auth.so, run: process}]"),
              HasSubstr("plugins[0].run: process is not there yet in this version; use run: inline"));
  EXPECT_THAT(error_of("plugins: [{name: a, caps: []}]"), HasSubstr("not there yet"));
}

// ---- Files ----

TEST(SettingsFiles, AFileThatIsNotThereOrADirectoryIsAnErrorThatNamesIt) {
  const auto missing = load("/nonexistent/mortise.yaml", "/nowhere");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "/nonexistent/mortise.yaml: cannot be opened: No such file or directory; give the configuration's name "
            "with --config FILE");
  const auto folder = load(plugin_folder(), "/nowhere");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr(": is a directory"));
}

TEST(SettingsFiles, AFileIsReadWhole) {
  const std::filesystem::path file = plugin_folder() / "small.yaml";
  std::ofstream(file) << "node: { name: from-file }\n";
  const auto settings = load(file, "/nowhere");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ((*settings)->node_name, "from-file");
  EXPECT_EQ((*settings)->directory, plugin_folder());
  EXPECT_EQ((*settings)->file, file);
}

}  // namespace
}  // namespace mortise::config
