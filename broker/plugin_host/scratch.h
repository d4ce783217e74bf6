#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/bytes.h"

namespace mortise::plugin_host {

/// What a field's copy is known by inside one arena: slot of the handle and field, index of a pair.
struct ScratchKey {
  std::uint32_t slot_and_field = 0;
  std::uint32_t index = 0;
  friend bool operator==(const ScratchKey&, const ScratchKey&) = default;
};

class ScratchLane;

/// The memory one scope, or one retained handle, shows to a plugin (R5): copies of fields, each followed by canary
/// bytes. Unsynchronised.
class ScratchArena {
 public:
  ScratchArena() = default;
  ScratchArena(const ScratchArena&) = delete;
  ScratchArena& operator=(const ScratchArena&) = delete;

  /// A copy of `bytes`, aligned to 16, valid until the arena is given back; null when the lane's limit is reached.
  const char* put(ScratchKey key, ByteView bytes);
  /// What was put under this key lately, or null: fields are copied on first access, as far as it pays to look.
  const char* find(ScratchKey key, std::size_t& size) const noexcept;

 private:
  friend class ScratchLane;
  static constexpr std::size_t kNoChunk = static_cast<std::size_t>(-1);
  struct Field {
    ScratchKey key;
    char* data;
    std::size_t size;
  };
  struct Block {
    char* data;
    std::size_t capacity;
    std::size_t used;
    std::size_t chunk;  // of the lane; kNoChunk for the arena's own memory
  };

  bool add_block(std::size_t needed);

  ScratchLane* lane_ = nullptr;
  std::vector<Field> fields_;
  std::vector<Block> blocks_;  // the last one is being filled
};

/// The scratch memory of one (instance, loop): arenas that rotate, so that what a scope showed stays poison for the
/// next 64 calls, and chunks for what does not fit. Nothing but what this instance was shown is ever in it, and it is
/// never given back to the allocator while the lane lives. Unsynchronised (loop-owned).
class ScratchLane {
 public:
  static constexpr std::size_t kPoisonedCalls = 64;
  static constexpr unsigned char kPoison = 0xDD;
  static constexpr unsigned char kCanary = 0xCA;

  /// `chunk_limit`: bytes of chunks at once.
  explicit ScratchLane(std::size_t chunk_limit) : chunk_limit_(chunk_limit) {}
  ~ScratchLane();
  ScratchLane(const ScratchLane&) = delete;
  ScratchLane& operator=(const ScratchLane&) = delete;

  /// The next of the rotating arenas, empty: for one scope. Null when the system gives no memory.
  ScratchArena* take();
  /// An arena of its own, made of chunks: for a retained handle.
  std::unique_ptr<ScratchArena> make_arena();
  /// Ends an arena's use: poisons what was used, which wipes secrets too. Returns how many fields had bytes written
  /// outside them.
  std::size_t give_back(ScratchArena& arena) noexcept;

 private:
  friend class ScratchArena;
  // One more than must stay poisoned: the one in use.
  static constexpr std::size_t kArenas = kPoisonedCalls + 1;
  static constexpr std::size_t kArenaBytes = 2048;
  // Not a power of two, so that the beginnings of the arenas do not all fall into the same cache set.
  static constexpr std::size_t kStride = kArenaBytes + 192;
  static constexpr std::size_t kSlack = 80 * 1024;  // an overrun of 64 KiB ends in it
  static constexpr std::size_t kSmallestChunk = 4 * 1024;

  struct Chunk {
    char* data = nullptr;
    std::size_t capacity = 0;  // a power of two
    std::size_t mapped = 0;
    std::uint64_t free_since = 0;  // number of the call that gave it back
    bool is_used = false;
    bool is_resident = false;
  };

  bool map_arenas();
  ScratchArena::Block take_chunk(std::size_t bytes);
  Chunk* find_free_chunk(std::size_t capacity, bool even_if_fresh) noexcept;
  Chunk* map_chunk(std::size_t capacity);
  void evict(std::size_t wanted) noexcept;

  const std::size_t chunk_limit_;
  char* memory_ = nullptr;
  std::size_t mapped_ = 0;
  std::unique_ptr<std::array<ScratchArena, kArenas>> arenas_;
  std::size_t next_ = 0;
  std::uint64_t calls_ = 0;
  std::vector<Chunk> chunks_;
  std::size_t resident_ = 0;  // bytes of chunks that are or may be backed by memory
};

}  // namespace mortise::plugin_host
