#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/time.h"

namespace mortise::session {

/// What authorization answered a client about publishing, for as long as the answer may be kept. Bounded in entries and
/// in bytes; when full it starts anew, and says how often it did. An empty one owns no memory. Unsynchronised.
class AuthorizationCache {
 public:
  explicit AuthorizationCache(std::uint32_t maximum_entries) : maximum_(maximum_entries) {}

  /// Whether publishing to a routed topic is allowed; nothing when the cache does not know. Cost: of the topic asked
  /// for last, one compare.
  std::optional<bool> find(std::string_view topic, SteadyTime now);
  void remember(std::string_view topic, bool is_allowed, SteadyTime until);
  /// One answer for every topic that `filter` matches.
  void remember_filter(std::string_view filter, bool is_allowed, SteadyTime until);
  void clear() { contents_.reset(); }
  std::size_t size() const noexcept { return contents_ ? contents_->topics.size() + contents_->filters.size() : 0; }
  /// Of the names in it.
  std::size_t bytes() const noexcept { return contents_ ? contents_->bytes : 0; }
  /// What that is bounded by: long names take the place of several.
  std::size_t maximum_bytes() const noexcept { return std::size_t{maximum_} * kNameBytes; }
  /// How often it was full.
  std::uint32_t times_full() const noexcept { return times_full_; }

 private:
  struct Verdict {
    bool is_allowed = false;
    SteadyTime until{};
  };
  struct FilterVerdict {
    std::string filter;
    Verdict verdict;
  };
  struct Contents {
    std::unordered_map<std::string, Verdict, TextHash, std::equal_to<>> topics;
    std::vector<FilterVerdict> filters;  // few: looked through in order
    std::size_t bytes = 0;
    std::string last_topic;  // what was found last; empty: nothing
    Verdict last;
  };
  static constexpr std::size_t kNameBytes = 256;
  /// Makes room for a name; null when it does not even fit alone.
  Contents* make_room(std::size_t name_size, bool is_full);
  const Verdict* look_up(std::string_view topic, SteadyTime now) const;

  std::uint32_t maximum_;
  std::uint32_t times_full_ = 0;
  std::unique_ptr<Contents> contents_;
};

}  // namespace mortise::session
