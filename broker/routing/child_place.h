#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mortise::routing {

/// How far a walk through the literal children of one level has come. Their order is that of hash and text, which
/// outlives every table that holds them. Borrowed.
struct ChildPlaceView {
  static constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;

  std::uint64_t hash = 0;                  // those with a smaller one were passed; kEnd: all were
  std::optional<std::string_view> behind;  // of those with this hash, the ones up to this text were passed, too

  template <class Node>
  bool is_before(std::uint32_t child_hash, const Node& child) const noexcept {
    return child_hash > hash || (child_hash == hash && (!behind || child.text() > *behind));
  }
};

}  // namespace mortise::routing
