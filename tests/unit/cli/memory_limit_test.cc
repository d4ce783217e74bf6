#include "broker/cli/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mortise::cli {
namespace {

class MemoryLimitTest : public ::testing::Test {
 protected:
  MemoryLimitTest() { write("proc/meminfo", "MemTotal:        8000 kB\nMemFree:  1 kB\n"); }
  ~MemoryLimitTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::uint64_t limit() const { return memory_limit(root_); }

 private:
  std::filesystem::path root_ = [] {
    std::string pattern = ::testing::TempDir() + "memory-limit-XXXXXX";
    return std::filesystem::path(::mkdtemp(pattern.data()));
  }();
};

TEST_F(MemoryLimitTest, WithoutGroupsItIsWhatTheMachineHas) { EXPECT_EQ(limit(), 8000u * 1024); }

TEST_F(MemoryLimitTest, TheLeastOfTheGroupsAroundItCounts) {
  write("proc/self/cgroup", "0::/system.slice/mortise.service\n");
  write("sys/fs/cgroup/system.slice/mortise.service/memory.max", "max\n");
  EXPECT_EQ(limit(), 8000u * 1024);
  write("sys/fs/cgroup/system.slice/memory.max", "2000000\n");
  EXPECT_EQ(limit(), 2'000'000u);
  write("sys/fs/cgroup/system.slice/mortise.service/memory.max", "1000000\n");
  EXPECT_EQ(limit(), 1'000'000u);
}

TEST_F(MemoryLimitTest, InAContainerTheGroupIsTheRoot) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "3000000\n");
  EXPECT_EQ(limit(), 3'000'000u);
}

TEST_F(MemoryLimitTest, GroupsOfTheFirstVersionCountAlike) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/y\n");
  write("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "4000000\n");
  write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n");
  EXPECT_EQ(limit(), 4'000'000u);
}

TEST(MemoryLimit, ThisProcessUsesSomeOfWhatThereIs) {
  EXPECT_GT(memory_in_use(), 1u << 20);
  EXPECT_GT(memory_limit(), memory_in_use());
}

}  // namespace
}  // namespace mortise::cli
