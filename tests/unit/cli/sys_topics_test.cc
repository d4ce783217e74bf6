#include "broker/cli/sys_topics.h"

#include <gtest/gtest.h>

#include <map>

namespace mortise::cli {
namespace {

class SysTopicsTest : public ::testing::Test {
 protected:
  void update(Seconds after) { topics.update(sample, now += after); }
  std::string told(const std::string& name) const {
    const auto at = published.find("$SYS/broker/" + name);
    return at == published.end() ? "(nothing)" : at->second;
  }

  std::map<std::string, std::string> published;
  int publishes = 0;
  SteadyTime now{Seconds(1000)};
  admin::Sample sample;
  SysTopics topics{"1.2.3", now, [this](const std::string& topic, const std::string& value) {
                     published[topic] = value;
                     ++publishes;
                   }};
};

TEST_F(SysTopicsTest, TellsTheVersionAtOnceAndTheRestInTheNamesThatMonitorsKnow) {
  EXPECT_EQ(told("version"), "mortise version 1.2.3");
  sample.holdings.sessions = 5;
  sample.holdings.online = 3;
  sample.counters.packets_received = 11;
  sample.counters.packets_sent = 4;
  sample.counters.publishes_sent = 6;
  sample.counters.dropped_queue_full = 2;
  sample.counters.dropped_too_large = 1;
  sample.counters.sessions_expired = 9;
  sample.totals.bytes_read = 1234;
  sample.retained_messages = 20;
  sample.retained_bytes = 2000;
  sample.holdings.queued_messages = 7;
  sample.holdings.queued_bytes = 300;
  sample.subscriptions = 8;
  sample.shared_subscriptions = 2;
  sample.is_store_failing = true;
  update(Seconds(10));
  EXPECT_EQ(told("uptime"), "10 seconds");
  EXPECT_EQ(told("clients/connected"), "3");
  EXPECT_EQ(told("clients/disconnected"), "2");
  EXPECT_EQ(told("clients/total"), "5");
  EXPECT_EQ(told("clients/expired"), "9");
  EXPECT_EQ(told("messages/received"), "11");
  EXPECT_EQ(told("messages/sent"), "10");
  EXPECT_EQ(told("publish/messages/dropped"), "3");
  EXPECT_EQ(told("bytes/received"), "1234");
  EXPECT_EQ(told("retained messages/count"), "20");
  EXPECT_EQ(told("retained messages/bytes"), "2000");
  EXPECT_EQ(told("store/messages/count"), "27");
  EXPECT_EQ(told("store/messages/bytes"), "2300");
  EXPECT_EQ(told("messages/stored"), "27");
  EXPECT_EQ(told("store/failing"), "1");
  EXPECT_EQ(told("subscriptions/count"), "8");
  EXPECT_EQ(told("memory/stage"), "(nothing)") << "there is no budget";
  EXPECT_EQ(told("shared_subscriptions/count"), "2");
}

TEST_F(SysTopicsTest, TellsOnlyWhatHasChanged) {
  update(Seconds(10));
  const int first = publishes;
  update(Seconds(10));
  EXPECT_EQ(publishes, first + 1) << "the uptime";
  sample.holdings.sessions = sample.holdings.online = 1;
  update(Seconds(10));
  EXPECT_EQ(publishes, first + 1 + 5) << "the uptime, and connected, total, maximum, active";
}

TEST_F(SysTopicsTest, TheMaximumOfClientsStaysWhenTheyLeave) {
  sample.holdings.sessions = sample.holdings.online = 4;
  update(Seconds(10));
  sample.holdings.sessions = sample.holdings.online = 1;
  update(Seconds(10));
  EXPECT_EQ(told("clients/maximum"), "4");
}

TEST_F(SysTopicsTest, LoadsArePerMinuteAndComeCloserToTheRateTheLongerItLasts) {
  for (int i = 0; i < 6; ++i) {
    sample.counters.publishes_received += 100;  // 600 in a minute
    update(Seconds(10));
  }
  // 1 - exp(-1), 1 - exp(-1/5) and 1 - exp(-1/15) of it, after a minute.
  EXPECT_EQ(told("load/publish/received/1min"), "379.27");
  EXPECT_EQ(told("load/publish/received/5min"), "108.76");
  EXPECT_EQ(told("load/publish/received/15min"), "38.70");
  for (int i = 0; i < 6 * 60; ++i) update(Seconds(10));
  EXPECT_EQ(told("load/publish/received/1min"), "0.00");
}

TEST_F(SysTopicsTest, TellsOfPluginsAndLeavesOutWhatIsNoTopic) {
  plugin_host::InstanceStatistics plugin;
  plugin.instance = "passwords";
  plugin.calls.emplace_back();
  plugin.calls.back().name = "auth.authenticate";
  plugin.calls.back().calls = 12;
  plugin.calls.back().failures[1] = 2;
  plugin.counters["asked"] = 5;
  plugin.counters["a/#"] = 5;
  plugin.violations["E_EXPIRED"] = 1;
  plugin.events_dropped = 3;
  sample.plugins.push_back(plugin);
  update(Seconds(10));
  EXPECT_EQ(told("plugins/passwords/calls/auth.authenticate"), "12");
  EXPECT_EQ(told("plugins/passwords/failures/auth.authenticate"), "2");
  EXPECT_EQ(told("plugins/passwords/counters/asked"), "5");
  EXPECT_EQ(told("plugins/passwords/counters/a/#"), "(nothing)");
  EXPECT_EQ(told("plugins/passwords/violations/E_EXPIRED"), "1");
  EXPECT_EQ(told("plugins/passwords/events/dropped"), "3");
}

TEST_F(SysTopicsTest, TellsHowMuchMemoryIsUsedOfItsBudget) {
  sample.memory.budget = 1000;
  sample.memory.used = 910;
  sample.memory.maximum = 950;
  sample.memory.stage = core::MemoryStage::kHoldingBack;
  sample.memory.entered = {3, 2, 1};
  sample.counters.connects_without_memory = 7;
  sample.counters.shed_connections = 5;
  update(Seconds(10));
  EXPECT_EQ(told("memory/used"), "910");
  EXPECT_EQ(told("memory/maximum"), "950");
  EXPECT_EQ(told("memory/budget"), "1000");
  EXPECT_EQ(told("memory/stage"), "2");
  EXPECT_EQ(told("memory/entered/refusing"), "3");
  EXPECT_EQ(told("memory/entered/holding_back"), "2");
  EXPECT_EQ(told("memory/entered/shedding"), "1");
  EXPECT_EQ(told("memory/refused"), "7");
  EXPECT_EQ(told("memory/shed"), "5");
}

}  // namespace
}  // namespace mortise::cli
