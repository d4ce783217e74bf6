#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace mortise::cli {

/// Which of one publisher's numbers a subscriber has seen: the next one, and the last kRemembered before it, in 64
/// bytes however many there are. Unsynchronised.
class SequenceRecord {
 public:
  enum class Finding : std::uint8_t {
    kInOrder,    // later than all before
    kLate,       // new, and after a later one
    kDuplicate,  // seen before, or older than what is remembered
  };
  static constexpr std::uint64_t kRemembered = 448;

  Finding add(std::uint64_t sequence) noexcept {
    if (sequence >= next_) {
      // What is skipped was not seen; a bit that comes round is forgotten.
      const std::uint64_t first = std::max(next_, sequence < kRemembered ? 0 : sequence - kRemembered + 1);
      for (std::uint64_t skipped = first; skipped < sequence; ++skipped) word_of(skipped) &= ~bit_of(skipped);
      word_of(sequence) |= bit_of(sequence);
      next_ = sequence + 1;
      return Finding::kInOrder;
    }
    if (next_ - sequence > kRemembered || (word_of(sequence) & bit_of(sequence)) != 0) return Finding::kDuplicate;
    word_of(sequence) |= bit_of(sequence);
    return Finding::kLate;
  }

 private:
  std::uint64_t& word_of(std::uint64_t sequence) noexcept { return seen_[sequence % kRemembered / 64]; }
  static std::uint64_t bit_of(std::uint64_t sequence) noexcept { return std::uint64_t{1} << (sequence % 64); }

  std::uint64_t next_ = 0;
  std::array<std::uint64_t, kRemembered / 64> seen_{};
};

}  // namespace mortise::cli
