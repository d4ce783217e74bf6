#include "broker/plugin_host/handle_slots.h"

#include <array>
#include <atomic>
#include <memory>

#include "broker/base/mutex.h"
#include "broker/plugin_host/generated/abi_tables.h"

namespace mortise::plugin_host {

namespace {

constexpr std::uint32_t kBlocks = (1U << abi::kIndexBits) / 256;

/// Which instance has which block. Internally synchronised.
struct Blocks {
  Mutex mutex;
  std::vector<std::uint32_t> free MORTISE_GUARDED_BY(mutex);
  std::atomic<std::uint32_t> next{0};
  // Read without the lock to classify handles.
  std::array<std::atomic<std::uint32_t>, kBlocks> owners{};
  std::array<std::uint32_t, kBlocks> generation_floors MORTISE_GUARDED_BY(mutex){};
};

Blocks& blocks() {
  static Blocks* instance = new Blocks;  // handles are asked about until the process ends
  return *instance;
}

}  // namespace

HandleSlots::~HandleSlots() {
  Blocks& all = blocks();
  const MutexLock lock(all.mutex);
  for (const std::uint32_t block : blocks_) {
    if (highest_generation_ > all.generation_floors[block]) all.generation_floors[block] = highest_generation_;
    all.owners[block].store(0, std::memory_order_relaxed);
    all.free.push_back(block);
  }
}

std::optional<HandleSlots::Slot> HandleSlots::add() {
  Blocks& all = blocks();
  if (size_ % kBlockSlots == 0) {
    const MutexLock lock(all.mutex);
    std::uint32_t block = all.next.load(std::memory_order_relaxed);
    if (!all.free.empty()) {
      block = all.free.back();
      all.free.pop_back();
    } else if (block < kBlocks) {
      all.next.store(block + 1, std::memory_order_relaxed);
    } else {
      return std::nullopt;
    }
    all.owners[block].store(owner_, std::memory_order_relaxed);
    places_.emplace(block, static_cast<std::uint32_t>(blocks_.size()));
    blocks_.push_back(block);
  }
  const std::uint32_t local = size_++;
  const MutexLock lock(all.mutex);
  return Slot{local, all.generation_floors[blocks_[local / kBlockSlots]]};
}

std::uint32_t HandleSlots::index_of(std::uint32_t local) const noexcept {
  return blocks_[local / kBlockSlots] * kBlockSlots + local % kBlockSlots;
}

std::optional<std::uint32_t> HandleSlots::find(std::uint32_t index) const noexcept {
  const auto place = places_.find(index / kBlockSlots);
  if (place == places_.end()) return std::nullopt;
  const std::uint32_t local = place->second * kBlockSlots + index % kBlockSlots;
  return local < size_ ? std::optional(local) : std::nullopt;
}

std::uint32_t HandleSlots::owner_of(std::uint32_t index) noexcept {
  return index / kBlockSlots < kBlocks ? blocks().owners[index / kBlockSlots].load(std::memory_order_relaxed) : 0;
}

bool HandleSlots::was_given(std::uint32_t index) noexcept {
  return index / kBlockSlots < blocks().next.load(std::memory_order_relaxed);
}

}  // namespace mortise::plugin_host
