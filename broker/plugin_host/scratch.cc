#include "broker/plugin_host/scratch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "broker/plugin_host/address_sanitizer.h"

// Design notes. A block: 16 canary bytes, then fields, each [data][canary up to the next multiple of 16, at least 16].
// An arena has a block of its own and goes on in chunks of its lane. None of it is malloc's: memory that went back to
// the allocator could hold the broker's data by the time a plugin reads its stale pointer; here the pointer finds
// poison, or later what this same instance is being shown. Past its limit the lane drops the pages of chunks nobody
// uses (they read as zeros then): the one case where poison lasts for fewer than 64 calls.
namespace mortise::plugin_host {

namespace {

constexpr std::size_t kAlign = 16;

/// Bytes a field takes with its canary.
constexpr std::size_t padded(std::size_t size) noexcept { return (size + 2 * kAlign - 1) / kAlign * kAlign; }

bool is_canary(const char* bytes, std::size_t size) noexcept {
  std::uint64_t difference = 0;
  constexpr std::uint64_t kPattern = 0x0101010101010101U * ScratchLane::kCanary;
  for (; size >= sizeof kPattern; bytes += sizeof kPattern, size -= sizeof kPattern) {
    std::uint64_t found;
    std::memcpy(&found, bytes, sizeof found);
    difference |= found ^ kPattern;
  }
  for (; size > 0; ++bytes, --size) difference |= static_cast<unsigned char>(*bytes) ^ ScratchLane::kCanary;
  return difference == 0;
}

char* map_memory(std::size_t bytes, std::size_t& mapped) noexcept {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t usable = (bytes + page - 1) / page * page;
  mapped = usable + page;
  void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // What runs over even the slack meets a page that nobody may touch, not somebody else's mapping.
  ::mprotect(static_cast<char*>(memory) + usable, page, PROT_NONE);
  return static_cast<char*>(memory);
}

}  // namespace

// ---- Arena ----------------------------------------------------------------------------------------------------------

const char* ScratchArena::put(ScratchKey key, ByteView bytes) {
  const std::size_t needed = padded(bytes.size());
  if (blocks_.empty() || needed > blocks_.back().capacity - blocks_.back().used) {
    if (!add_block(needed)) return nullptr;
  }
  Block& block = blocks_.back();
  char* at = block.data + block.used;
  allow_access(at, needed);
  block.used += needed;
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  std::memset(at + bytes.size(), ScratchLane::kCanary, needed - bytes.size());
  fields_.push_back({key, at, bytes.size()});
  return at;
}

bool ScratchArena::add_block(std::size_t needed) {
  Block block = lane_->take_chunk(kAlign + needed);
  if (block.data == nullptr) return false;
  allow_access(block.data, kAlign);
  std::memset(block.data, ScratchLane::kCanary, kAlign);
  block.used = kAlign;
  blocks_.push_back(block);
  return true;
}

const char* ScratchArena::find(ScratchKey key, std::size_t& size) const noexcept {
  constexpr std::size_t kLookBack = 16;
  const std::size_t stop = fields_.size() > kLookBack ? fields_.size() - kLookBack : 0;
  for (std::size_t i = fields_.size(); i-- > stop;) {
    if (fields_[i].key != key) continue;
    size = fields_[i].size;
    return fields_[i].data;
  }
  return nullptr;
}

// ---- Lane -----------------------------------------------------------------------------------------------------------

ScratchLane::~ScratchLane() {
  for (const Chunk& chunk : chunks_) {
    allow_access(chunk.data, chunk.mapped);
    ::munmap(chunk.data, chunk.mapped);
  }
  if (memory_ == nullptr) return;
  allow_access(memory_, mapped_);
  ::munmap(memory_, mapped_);
}

bool ScratchLane::map_arenas() {
  memory_ = map_memory(kArenas * kStride + kSlack, mapped_);
  if (memory_ == nullptr) return false;
  arenas_ = std::make_unique<std::array<ScratchArena, kArenas>>();
  for (std::size_t i = 0; i < kArenas; ++i) {
    ScratchArena& arena = (*arenas_)[i];
    arena.lane_ = this;
    arena.fields_.reserve(16);
    arena.blocks_.reserve(4);
    arena.blocks_.push_back({memory_ + i * kStride, kArenaBytes, 0, ScratchArena::kNoChunk});
  }
  forbid_access(memory_, kArenas * kStride);
  return true;
}

ScratchArena* ScratchLane::take() {
  if (memory_ == nullptr && !map_arenas()) [[unlikely]]
    return nullptr;
  ScratchArena& arena = (*arenas_)[next_];
  next_ = next_ + 1 == kArenas ? 0 : next_ + 1;
  ++calls_;
  ScratchArena::Block& block = arena.blocks_.front();
  allow_access(block.data, kAlign);
  std::memset(block.data, kCanary, kAlign);
  block.used = kAlign;
  return &arena;
}

std::unique_ptr<ScratchArena> ScratchLane::make_arena() {
  auto arena = std::make_unique<ScratchArena>();
  arena->lane_ = this;
  return arena;
}

std::size_t ScratchLane::give_back(ScratchArena& arena) noexcept {
  std::size_t overruns = 0;
  for (const ScratchArena::Field& field : arena.fields_) {
    const bool intact = is_canary(field.data + field.size, padded(field.size) - field.size);
    if (!intact || !is_canary(field.data - kAlign, kAlign)) ++overruns;
  }
  arena.fields_.clear();
  while (!arena.blocks_.empty()) {
    ScratchArena::Block& block = arena.blocks_.back();
    std::memset(block.data, kPoison, block.used);
    forbid_access(block.data, block.used);
    block.used = 0;
    if (block.chunk == ScratchArena::kNoChunk) return overruns;
    chunks_[block.chunk].is_used = false;
    chunks_[block.chunk].free_since = calls_;
    arena.blocks_.pop_back();
  }
  ++calls_;  // a retained handle's: its poison is to outlive as many others
  return overruns;
}

// ---- Chunks ---------------------------------------------------------------------------------------------------------

ScratchLane::Chunk* ScratchLane::find_free_chunk(std::size_t capacity, bool even_if_fresh) noexcept {
  Chunk* oldest = nullptr;
  for (Chunk& chunk : chunks_) {
    if (chunk.is_used || chunk.capacity != capacity) continue;
    if (!even_if_fresh && chunk.is_resident && calls_ - chunk.free_since <= kPoisonedCalls) continue;
    if (oldest == nullptr || chunk.free_since < oldest->free_since) oldest = &chunk;
  }
  return oldest;
}

void ScratchLane::evict(std::size_t wanted) noexcept {
  while (resident_ + wanted > chunk_limit_) {
    Chunk* oldest = nullptr;
    for (Chunk& chunk : chunks_) {
      if (chunk.is_used || !chunk.is_resident) continue;
      if (oldest == nullptr || chunk.free_since < oldest->free_since) oldest = &chunk;
    }
    if (oldest == nullptr) return;
    allow_access(oldest->data, oldest->capacity);
    ::madvise(oldest->data, oldest->mapped, MADV_DONTNEED);
    forbid_access(oldest->data, oldest->capacity);
    oldest->is_resident = false;
    resident_ -= oldest->capacity;
  }
}

ScratchLane::Chunk* ScratchLane::map_chunk(std::size_t capacity) {
  Chunk chunk;
  chunk.capacity = capacity;
  chunk.data = map_memory(capacity + kSlack, chunk.mapped);
  if (chunk.data == nullptr) return nullptr;
  chunks_.push_back(chunk);
  return &chunks_.back();
}

ScratchArena::Block ScratchLane::take_chunk(std::size_t bytes) {
  const ScratchArena::Block nothing{nullptr, 0, 0, ScratchArena::kNoChunk};
  if (bytes > chunk_limit_) return nothing;
  const std::size_t capacity = std::max(kSmallestChunk, std::bit_ceil(bytes));
  Chunk* chunk = find_free_chunk(capacity, false);
  // Beyond the limit it is taken from what has been poison for longest.
  if (chunk == nullptr && resident_ + capacity > chunk_limit_) chunk = find_free_chunk(capacity, true);
  if (chunk == nullptr || !chunk->is_resident) {
    evict(capacity);
    if (resident_ != 0 && resident_ + capacity > chunk_limit_) return nothing;
  }
  if (chunk == nullptr) chunk = find_free_chunk(capacity, false);
  if (chunk == nullptr) chunk = map_chunk(capacity);
  if (chunk == nullptr) return nothing;
  if (!chunk->is_resident) resident_ += capacity;
  chunk->is_resident = true;
  chunk->is_used = true;
  return {chunk->data, chunk->capacity, 0, static_cast<std::size_t>(chunk - chunks_.data())};
}

}  // namespace mortise::plugin_host
