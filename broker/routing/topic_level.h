#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/page_room.h"

namespace mortise::routing {

/// One level right below others, for who looks through a tree of topics.
struct TopicLevel {
  std::string text;
  std::size_t here = 0;  // what is kept under the name that ends with it: retained messages, or subscriptions
  bool has_more_below = false;
};

/// Which levels are asked for. Borrowed.
struct LevelQueryView {
  std::optional<std::string_view> under;  // the levels above, joined; nothing: the first levels
  std::optional<std::string_view> after;  // the last level of the page before; nothing: from the beginning
  PageRoom room;
};

/// Some levels, in an order that no change of the tree changes.
struct LevelPage {
  std::vector<TopicLevel> levels;
  bool is_last = true;
};

}  // namespace mortise::routing
