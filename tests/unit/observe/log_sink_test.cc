#include "broker/observe/log_sink.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace mortise::observe {
namespace {

TEST(LogSinkTest, ALineHasTimeLevelComponentAndText) {
  const WallTime time{std::chrono::milliseconds(1'767'323'045'678)};
  EXPECT_EQ(format_log_line(time, LogLevel::kWarning, "net", "port 1883 is in use"),
            "2026-01-02T03:04:05.678Z warning net: port 1883 is in use\n");
}

TEST(LogSinkTest, OneCallIsOneLineWhateverItIsGiven) {
  EXPECT_EQ(format_log_line({}, LogLevel::kInfo, "a\nb", "x\r\ny\x1B[31mz"),
            "1970-01-01T00:00:00.000Z info a b: x  y [31mz\n");
}

TEST(LogSinkTest, WhatIsBelowTheLowestLevelIsNotWritten) {
  install_log_sink(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  MORTISE_LOG(kInfo, "test", "not %d", 1);
  MORTISE_LOG(kError, "test", "but %d", 2);
  const std::string written = testing::internal::GetCapturedStderr();
  set_log_sink(nullptr, LogLevel::kInfo);
  EXPECT_EQ(written.find("not 1"), std::string::npos);
  EXPECT_NE(written.find("Z error test: but 2\n"), std::string::npos);
}

}  // namespace
}  // namespace mortise::observe
