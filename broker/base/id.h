#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace mortise {

/// Names an object of a Registry: a slot and the generation it was handed out in. Generation 0 names nothing.
template <class Tag>
struct Id {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  explicit operator bool() const noexcept { return generation != 0; }
  friend auto operator<=>(const Id&, const Id&) = default;
};

/// The number of an event loop, from 0.
using LoopIndex = std::uint16_t;

}  // namespace mortise

template <class Tag>
struct std::hash<mortise::Id<Tag>> {
  std::size_t operator()(const mortise::Id<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}((std::uint64_t{id.generation} << 32) | id.index);
  }
};
