#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/check.h"
#include "broker/routing/retained_index.h"
#include "tests/unit/routing/naive_twin.h"

namespace mortise::routing {

/// A walk through the retained messages of a filter, page by page while others change them: it visits exactly once what
/// has been stored since before it began, and nothing else but what came meanwhile.
class WatchedWalk {
 public:
  WatchedWalk(const RetainedIndex& index, std::string_view filter, const NaiveTwin& twin)
      : index_(&index), filter_(filter), boundary_(index.sequence()) {
    for (std::string& topic : twin.retained_topics(filter)) due_.insert(std::move(topic));
  }

  /// What was stored under `topic` is gone, or another.
  void changed(std::string_view topic) {
    if (const auto at = due_.find(topic); at != due_.end()) due_.erase(at);
  }

  /// One page of so many nodes, and of so many messages at the most. True when the walk is over.
  bool page(std::size_t nodes, std::size_t messages) {
    const std::size_t allowed = nodes;
    const bool is_over =
        index_->match(filter_, cursor_, nodes, {}, [&](const mqtt::MessagePtr& found, std::uint64_t sequence) {
          if (sequence > boundary_) return true;
          const auto at = due_.find(found->topic());
          CHECK(at != due_.end());
          due_.erase(at);
          return --messages > 0;
        });
    CHECK(nodes < allowed);
    CHECK(!is_over || due_.empty());
    return is_over;
  }
  void finish(std::size_t nodes) {
    while (!page(nodes, 3)) {
    }
  }

 private:
  const RetainedIndex* index_;
  std::string filter_;
  std::uint64_t boundary_;
  RetainedCursor cursor_;
  std::set<std::string, std::less<>> due_;  // stored since before, unchanged, not visited yet
};

}  // namespace mortise::routing
