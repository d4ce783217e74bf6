#include "broker/cli/process_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace mortise::cli {
namespace {

TEST(ProcessCpu, grows_while_a_process_works) {
  const auto before = cpu_of(::getpid());
  ASSERT_TRUE(before);
  volatile unsigned number = 0;
  while (*cpu_of(::getpid()) < *before + std::chrono::milliseconds(20)) {
    for (int i = 0; i < 100'000; ++i) number = number + 1;
  }
  SUCCEED();
}

TEST(ProcessCpu, a_process_that_is_not_there_is_named) {
  EXPECT_NE(cpu_of(0x7FFFFFFF).error().message.find("2147483647"), std::string::npos);
}

TEST(ProcessCpu, the_descriptor_limit_is_not_lowered) { EXPECT_GE(raise_descriptor_limit(), 256u); }

}  // namespace
}  // namespace mortise::cli
