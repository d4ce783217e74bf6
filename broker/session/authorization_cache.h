#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/time.h"

namespace mortise::session {

/// What authorization answered a client about publishing, for as long as the answer may be kept. Bounded; when full it
/// starts anew. Unsynchronised.
class AuthorizationCache {
 public:
  explicit AuthorizationCache(std::size_t maximum_entries) : maximum_(maximum_entries) {}

  /// Whether publishing to a routed topic is allowed; nothing when the cache does not know.
  std::optional<bool> find(std::string_view topic, SteadyTime now) const;
  void remember(std::string_view topic, bool is_allowed, SteadyTime until);
  /// One answer for every topic that `filter` matches.
  void remember_filter(std::string_view filter, bool is_allowed, SteadyTime until);
  void clear();
  std::size_t size() const noexcept { return topics_.size() + filters_.size(); }

 private:
  struct Verdict {
    bool is_allowed = false;
    SteadyTime until{};
  };
  struct FilterVerdict {
    std::string filter;
    Verdict verdict;
  };
  std::size_t maximum_;
  std::unordered_map<std::string, Verdict, TextHash, std::equal_to<>> topics_;
  std::vector<FilterVerdict> filters_;  // few: looked through in order
};

}  // namespace mortise::session
