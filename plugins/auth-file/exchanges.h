#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "scram.h"

namespace auth_file {

/// The SCRAM exchanges that wait for the client's last message, by number, as many as the operator allows. Internally
/// synchronised.
class Exchanges {
 public:
  explicit Exchanges(std::size_t limit) : limit_(limit) {}

  /// False: too many wait.
  bool add(std::uint64_t number, scram::Exchange exchange) {
    const std::lock_guard lock(mutex_);
    return waiting_.size() < limit_ && waiting_.emplace(number, std::move(exchange)).second;
  }
  /// Takes it out; nothing when it is not there.
  std::optional<scram::Exchange> take(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    auto found = waiting_.extract(number);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, scram::Exchange> waiting_;  // guarded by mutex_
};

}  // namespace auth_file
