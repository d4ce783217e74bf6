#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace mortise::plugin_host {

/// Where the index of an owned handle belongs: indexes are given out to instances in blocks, process-wide, so that the
/// handle of another instance is seen to be one, and never mistaken for an own.
class HandleSlots {
 public:
  /// `owner`: the instance's ordinal, not 0.
  explicit HandleSlots(std::uint32_t owner) : owner_(owner) {}
  /// Gives the blocks back; whoever gets them next starts with generations above all that were used here.
  ~HandleSlots();
  HandleSlots(const HandleSlots&) = delete;
  HandleSlots& operator=(const HandleSlots&) = delete;

  struct Slot {
    std::uint32_t local;             // 0, 1, 2, ...
    std::uint32_t generation_floor;  // generations of this slot begin above it
  };
  /// One more slot; nothing when the process has no more indexes.
  std::optional<Slot> add();
  /// The index in a handle of a local slot.
  std::uint32_t index_of(std::uint32_t local) const noexcept;
  /// The other way; nothing when the index is not this instance's, or not given out yet.
  std::optional<std::uint32_t> find(std::uint32_t index) const noexcept;
  /// Tells the highest generation in use, for the next owner.
  void note_generation(std::uint32_t generation) noexcept {
    if (generation > highest_generation_) highest_generation_ = generation;
  }

  /// Who owns an index now: an ordinal; 0 when nobody does. Thread: any.
  static std::uint32_t owner_of(std::uint32_t index) noexcept;
  /// Whether any handle with this index was ever given. Thread: any.
  static bool was_given(std::uint32_t index) noexcept;

 private:
  static constexpr std::uint32_t kBlockSlots = 256;

  const std::uint32_t owner_;
  std::vector<std::uint32_t> blocks_;
  std::unordered_map<std::uint32_t, std::uint32_t> places_;  // block -> place in blocks_
  std::uint32_t size_ = 0;
  std::uint32_t highest_generation_ = 0;
};

}  // namespace mortise::plugin_host
