#include "broker/plugin_host/note.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

#include "broker/base/bytes.h"

namespace mortise::plugin_host {

namespace {

constexpr std::size_t kDescriptionAt = offsetof(mortise_note, abi_major);

constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) / 4 * 4; }

/// Walks the notes of one segment.
std::optional<mortise_note> find_in_segment(ByteView segment) {
  while (segment.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr head;
    std::memcpy(&head, segment.data(), sizeof head);
    const std::size_t size = sizeof head + padded(head.n_namesz) + padded(head.n_descsz);
    if (head.n_namesz > segment.size() || head.n_descsz > segment.size() || size > segment.size()) return std::nullopt;
    const std::string_view owner = as_text(segment.subspan(sizeof head, head.n_namesz));
    if (owner == std::string_view(MORTISE_NOTE_OWNER, sizeof(MORTISE_NOTE_OWNER)) && head.n_type == MORTISE_NOTE_TYPE) {
      if (head.n_descsz != sizeof(mortise_note) - kDescriptionAt) return std::nullopt;
      mortise_note note;
      std::memcpy(&note, segment.data(), sizeof note);
      return note;
    }
    segment = segment.subspan(size);
  }
  return std::nullopt;
}

struct Search {
  std::uintptr_t address;
  std::optional<mortise_note> found;
};

bool contains(const dl_phdr_info& object, std::uintptr_t address) noexcept {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const std::uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin && address - begin < segment.p_memsz) return true;
  }
  return false;
}

int look_at_object(dl_phdr_info* object, std::size_t, void* argument) {
  Search& search = *static_cast<Search*>(argument);
  if (!contains(*object, search.address)) return 0;
  for (int i = 0; i < object->dlpi_phnum && !search.found; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(object->dlpi_addr + segment.p_vaddr);
    search.found = find_in_segment({begin, segment.p_memsz});
  }
  return 1;
}

}  // namespace

std::optional<mortise_note> find_note(const void* address) {
  Search search{reinterpret_cast<std::uintptr_t>(address), std::nullopt};
  ::dl_iterate_phdr(look_at_object, &search);
  return search.found;
}

}  // namespace mortise::plugin_host
