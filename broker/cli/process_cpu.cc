#include "broker/cli/process_cpu.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace mortise::cli {

Result<std::chrono::microseconds> cpu_of(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) return failure("--pid: there is no process " + std::to_string(pid));
  char text[1024] = {};
  const std::size_t size = std::fread(text, 1, sizeof text - 1, file.get());
  // The command's name is in brackets and may hold anything: fields are counted from the last bracket on.
  const std::size_t bracket = std::string_view(text, size).rfind(')');
  unsigned long long user = 0, system = 0;
  if (bracket == std::string_view::npos ||
      std::sscanf(text + bracket + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2) {
    return failure(path + " does not look as it should");
  }
  const auto ticks_per_second = static_cast<unsigned long long>(::sysconf(_SC_CLK_TCK));
  return std::chrono::microseconds((user + system) * 1'000'000 / ticks_per_second);
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
