#include "broker/admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "fake_broker.h"

namespace mortise::admin {
namespace {

using ::testing::HasSubstr;

class Metrics : public ::testing::Test {
 protected:
  testing::FakeBroker broker;
  std::string text = metrics_text(broker.sample().value(), broker);
};

// The text format: every family has HELP and TYPE once, before its lines, which stand together.
TEST_F(Metrics, IsWhatPrometheusReads) {
  const std::regex line(
      R"re(mortise_([a-z][a-z0-9_]*)(\{[a-z]+="([^"\\\n]|\\["\\n])*"(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? ([0-9.e+-]+))re");
  std::set<std::string> families, series;
  std::map<std::string, std::string> types;
  std::string current;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one);) {
    if (one.starts_with("# HELP mortise_")) {
      current = one.substr(15, one.find(' ', 15) - 15);
      EXPECT_TRUE(families.insert(current).second) << one;
      EXPECT_GT(one.size(), 16 + current.size()) << "a family without a word about it: " << one;
    } else if (one.starts_with("# TYPE mortise_")) {
      types[current] = one.substr(one.rfind(' ') + 1);
    } else {
      std::smatch found;
      ASSERT_TRUE(std::regex_match(one, found, line)) << one;
      const std::string name = found[1];
      const bool is_histogram = types[current] == "histogram";
      EXPECT_TRUE(name == current || (is_histogram && name.starts_with(current + "_"))) << one;
      EXPECT_TRUE(series.insert(one.substr(0, one.rfind(' '))).second) << "twice: " << one;
    }
  }
  for (const auto& [name, type] : types) EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
}

TEST_F(Metrics, CarriesTheNumbers) {
  EXPECT_THAT(text, HasSubstr("mortise_publishes_received_total 5\n"));
  EXPECT_THAT(text, HasSubstr("mortise_messages_dropped_total{reason=\"queue_full\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("mortise_clients_connected 1\n"));
  EXPECT_THAT(text, HasSubstr("mortise_uptime_seconds 7\n"));
  EXPECT_THAT(text, HasSubstr("mortise_store_failing 0\n"));
  EXPECT_THAT(text, HasSubstr("mortise_listener_connections{url=\"tcp://127.0.0.1:1883\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("mortise_plugin_calls_total{plugin=\"p\\\"1\",hook=\"auth.authenticate\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(",kind=\"deadline_passed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("name=\"line\\nfeed\"} 1\n"));
}

TEST_F(Metrics, AHistogramGrowsToItsCount) {
  EXPECT_THAT(text, HasSubstr("le=\"1e-06\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("le=\"1e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("le=\"+Inf\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("mortise_plugin_call_seconds_count{plugin=\"p\\\"1\",hook=\"auth.authenticate\"} 1\n"));
}

}  // namespace
}  // namespace mortise::admin
