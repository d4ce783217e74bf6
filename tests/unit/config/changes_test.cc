#include "broker/config/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Changes changes(const std::string& from, const std::string& to) {
  return changes_between(*settings_of(from), *settings_of(to));
}

TEST(Changes, NothingComesOfTheSame) {
  const std::string text =
      "listeners: [{url: tcp://127.0.0.1:1883}]\nplugins: [{name: a, library: auth.so}]\nhooks: {auth: [a]}";
  const Changes same = changes(text, text);
  EXPECT_THAT(same.applied, IsEmpty());
  EXPECT_THAT(same.needs_restart, IsEmpty());
}

TEST(Changes, WhatIsKeptInTheDataDirectoryStaysWithIt) {
  const std::string admin = "admin: {url: \"http://127.0.0.1:9883\"}\n";
  const Changes moved = changes(admin, admin + "node: {data_dir: elsewhere}");
  EXPECT_THAT(moved.applied, IsEmpty());
  EXPECT_THAT(moved.needs_restart, ElementsAre("node.data_dir"));
  EXPECT_EQ(moved.effective.admin_token_file(), settings_of(admin)->admin_token_file());
}

TEST(Changes, WhatNeedsARestartStaysAsItIs) {
  const Changes made =
      changes("{}", "log: {level: debug}\nnode: {loops: 3}\nmqtt: {receive_maximum: 5, connect_timeout: 1s}");
  EXPECT_THAT(made.applied, UnorderedElementsAre("log.level", "mqtt.connect_timeout"));
  EXPECT_THAT(made.needs_restart, UnorderedElementsAre("node.loops", "mqtt.receive_maximum"));
  EXPECT_EQ(made.effective.log_level, LogLevel::kDebug);
  EXPECT_EQ(made.effective.mqtt.connect_timeout, Seconds(1));
  EXPECT_EQ(made.effective.loops, 0U);
  EXPECT_EQ(made.effective.mqtt.receive_maximum, 100);
}

TEST(Changes, ListenersAreTheSameWhenTheirUrlsAre) {
  const Changes made =
      changes("listeners: [{url: tcp://127.0.0.1:1}, {url: tcp://127.0.0.1:2}]",
              "listeners: [{url: tcp://127.0.0.1:3}, {url: tcp://127.0.0.1:2, max_connections: 7, backlog: 5}]");
  EXPECT_THAT(made.applied, UnorderedElementsAre("listeners[tcp://127.0.0.1:1]", "listeners[tcp://127.0.0.1:3]",
                                                 "listeners[tcp://127.0.0.1:2].max_connections"));
  EXPECT_THAT(made.needs_restart, ElementsAre("listeners[tcp://127.0.0.1:2].backlog"));
  ASSERT_EQ(made.effective.listeners.size(), 2U);
  EXPECT_EQ(made.effective.listeners[1].max_connections, 7U);
  EXPECT_EQ(made.effective.listeners[1].backlog, ListenerSettings{}.backlog);
}

TEST(Changes, PluginsComeGoAndChange) {
  const Changes made =
      changes("plugins: [{name: a, library: auth.so}, {name: b, library: auth.so}]\nhooks: {auth: [a, b]}",
              "plugins: [{name: a, library: auth.so, config: {x: 1}}, {name: c, library: affix.so}]\nhooks: {auth: "
              "[a], topic: [c]}");
  EXPECT_THAT(made.applied,
              UnorderedElementsAre("hooks.auth", "hooks.topic", "plugins[a].config", "plugins[b]", "plugins[c]"));
  EXPECT_THAT(made.needs_restart, IsEmpty());
  EXPECT_EQ(made.effective.plugins[0].config_json, "{\"x\":1}");
}

TEST(Changes, TheStoreStays) {
  const std::string store = "plugins: [{name: s, library: store.so}]\nhooks: {store: s}";
  const Changes gone = changes(store, "{}");
  EXPECT_THAT(gone.needs_restart, UnorderedElementsAre("hooks.store", "plugins[s]"));
  ASSERT_EQ(gone.effective.plugins.size(), 1U);
  EXPECT_EQ(gone.effective.hooks.store, "s");

  const Changes added = changes("{}", store);
  EXPECT_THAT(added.needs_restart, ElementsAre("hooks.store"));
  EXPECT_THAT(added.applied, IsEmpty());
  EXPECT_THAT(added.effective.plugins, IsEmpty());
  EXPECT_FALSE(added.effective.hooks.store);

  const Changes changed = changes(store, "plugins: [{name: s, library: store.so, config: {x: 1}}]\nhooks: {store: s}");
  EXPECT_THAT(changed.needs_restart, ElementsAre("plugins[s].config"));
  EXPECT_EQ(changed.effective.plugins[0].config_json, "{}");
}

}  // namespace
}  // namespace mortise::config
