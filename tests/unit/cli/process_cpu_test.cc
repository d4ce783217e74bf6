#include "broker/cli/process_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace mortise::cli {
namespace {

TEST(ProcessCpu, grows_while_a_process_works_in_steps_finer_than_a_clock_tick) {
  const auto before = cpu_of(::getpid());
  ASSERT_TRUE(before);
  volatile unsigned number = 0;
  auto after = *before;
  while (after == *before) {
    for (int i = 0; i < 1'000; ++i) number = number + 1;
    after = *cpu_of(::getpid());
  }
  EXPECT_LT(after - *before, std::chrono::milliseconds(10));
}

TEST(ProcessCpu, a_process_that_is_not_there_is_named) {
  EXPECT_NE(cpu_of(0x7FFFFFFF).error().message.find("2147483647"), std::string::npos);
}

TEST(ProcessCpu, the_descriptor_limit_is_not_lowered) { EXPECT_GE(raise_descriptor_limit(), 256u); }

}  // namespace
}  // namespace mortise::cli
