#include "broker/cli/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace mortise::cli {

namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// The number a file begins with; kUnlimited where there is none ("max", or no file).
std::uint64_t number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t number = kUnlimited;
  return file >> number ? number : kUnlimited;
}

/// The least that this group and those around it allow.
std::uint64_t least_of_groups(const std::filesystem::path& hierarchy, std::string_view group, const char* file) {
  std::uint64_t least = kUnlimited;
  while (group.starts_with('/')) group.remove_prefix(1);
  for (std::filesystem::path at = hierarchy / group;; at = at.parent_path()) {
    least = std::min(least, number_in(at / file));
    if (at == hierarchy || !at.has_relative_path()) break;
  }
  return std::min(least, number_in(hierarchy / file));
}

/// A line of /proc/self/cgroup is "number:controllers:path"; of version 2 "0::path".
std::uint64_t limit_of_groups(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  std::uint64_t least = kUnlimited;
  const std::filesystem::path hierarchy = root / "sys/fs/cgroup";
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string_view group = std::string_view(line).substr(second + 1);
    if (controllers == ",,") least = std::min(least, least_of_groups(hierarchy, group, "memory.max"));
    if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least, least_of_groups(hierarchy / "memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

std::uint64_t memory_of_machine(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  return file >> name >> kilobytes && name == "MemTotal:" ? kilobytes * 1024 : kUnlimited;
}

}  // namespace

std::uint64_t memory_limit(const std::filesystem::path& root) {
  const std::uint64_t limit = std::min(limit_of_groups(root), memory_of_machine(root));
  return limit == kUnlimited ? 0 : limit;
}

std::uint64_t memory_in_use() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  return file >> size >> resident ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace mortise::cli
