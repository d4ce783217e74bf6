#include "broker/base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/base/scope_exit.h"

namespace mortise {
namespace {

std::vector<std::string>& lines() {
  static std::vector<std::string> kept;
  return kept;
}

void keep(LogLevel level, std::string_view component, std::string_view line) {
  lines().push_back(std::to_string(static_cast<int>(level)) + " " + std::string(component) + ": " + std::string(line));
}

TEST(Log, KeepsLinesFromTheLowestLevelOnAndEvaluatesNoArgumentOfOthers) {
  const ScopeExit restore([] { set_log_sink(nullptr, LogLevel::kInfo); });
  lines().clear();
  set_log_sink(&keep, LogLevel::kWarning);
  int evaluated = 0;
  MORTISE_LOG(kInfo, "net", "left out %d", ++evaluated);
  MORTISE_LOG(kWarning, "net", "kept %d", ++evaluated);
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(lines(), std::vector<std::string>{"2 net: kept 1"});
}

TEST(Log, ALineIsWholeUpToItsLimitAndCutBehindIt) {
  const ScopeExit restore([] { set_log_sink(nullptr, LogLevel::kInfo); });
  for (const std::size_t size : {1023u, 1024u, 4096u, unsigned{kLongestLogLine}, 10 * unsigned{kLongestLogLine}}) {
    lines().clear();
    set_log_sink(&keep, LogLevel::kInfo);
    const std::string text(size, 'x');
    MORTISE_LOG(kError, "net", "%s", text.c_str());
    ASSERT_EQ(lines().size(), 1u);
    EXPECT_EQ(lines()[0], "3 net: " + text.substr(0, kLongestLogLine));
  }
}

}  // namespace
}  // namespace mortise
