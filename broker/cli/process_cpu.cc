#include "broker/cli/process_cpu.h"

#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace mortise::cli {

Result<std::chrono::nanoseconds> cpu_of(int pid) {
  clockid_t clock{};
  timespec used{};
  // The clock of a number that no process can have would be somebody else's.
  const bool is_there = ::kill(pid, 0) == 0 || errno == EPERM;
  if (!is_there || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return failure("--pid: there is no process " + std::to_string(pid));
  }
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace mortise::cli
