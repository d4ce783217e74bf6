#pragma once

#include <string_view>

namespace mortise::routing {

/// A Topic Filter for the tree: `#` is not a level there but something its parent level holds. Borrowed.
struct FilterPathView {
  std::string_view levels;
  bool is_root;  // no levels at all: the filter is `#`
  bool below;    // the filter ends in `#`

  explicit FilterPathView(std::string_view filter) noexcept : levels(filter), is_root(filter == "#"), below(is_root) {
    if (!filter.ends_with("/#")) return;
    levels.remove_suffix(2);
    below = true;
  }
};

}  // namespace mortise::routing
