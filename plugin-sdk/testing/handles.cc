#include <cstring>

#include "state.h"

namespace mortise::testing {

World& world() {
  static World* const the_world = new World;  // never destroyed: a plugin's thread may outlive the tests
  return *the_world;
}

mortise_bytes Arena::show(const std::string& bytes) {
  pieces_.push_back(std::make_unique<char[]>(bytes.size()));
  if (!bytes.empty()) std::memcpy(pieces_.back().get(), bytes.data(), bytes.size());
  return {pieces_.back().get(), bytes.size()};
}

mortise_handle World::make(std::uint32_t kind) {
  const bool is_owned = kind == MORTISE_KIND_TOKEN || kind == MORTISE_KIND_INSTANCE;
  return (std::uint64_t{is_owned} << 63) | (std::uint64_t{kind} << 48) | ++last_number;
}

mortise_handle World::add(Scope& scope, std::shared_ptr<Shown> shown) {
  const mortise_handle handle = make(shown->kind);
  entries[handle] = Entry{scope.host, std::move(shown), &scope, nullptr};
  scope.handles.push_back(handle);
  return handle;
}

void World::end(Scope& scope) {
  for (const mortise_handle handle : scope.handles) {
    entries.erase(handle);
    ended[handle] = Status::e_expired;
  }
}

Status World::find(mortise_handle handle, Entry*& entry) {
  if (handle == 0) return Status::e_null;
  const auto found = entries.find(handle);
  if (found == entries.end()) {
    const auto was = ended.find(handle);
    if (was != ended.end()) return was->second;
    return tokens.count(handle) != 0 ? Status::e_wrong_kind : Status::e_forged;
  }
  entry = &found->second;
  if (entry->scope != nullptr && entry->scope->thread != std::this_thread::get_id()) return Status::e_wrong_thread;
  if (entry->scope == nullptr && entry->host->is_closed) return Status::e_closed;
  return Status::ok;
}

Status World::find_call(mortise_handle call, Scope*& scope) {
  Entry* entry = nullptr;
  const Status status = find(call, entry);
  if (status != Status::ok) return status;
  const bool is_call = entry->scope != nullptr && !entry->scope->handles.empty() && entry->scope->handles[0] == call;
  if (!is_call) return Status::e_wrong_kind;
  scope = entry->scope;
  return Status::ok;
}

Status World::find_actor(mortise_handle where, FakeHost::State*& host, Scope*& scope) {
  scope = nullptr;
  if (find_instance(where, host) != Status::e_wrong_kind) return find_instance(where, host);
  const Status status = find_call(where, scope);
  if (status == Status::ok) host = scope->host;
  return status;
}

Status World::find_instance(mortise_handle self, FakeHost::State*& host) {
  const auto found = entries.find(self);
  if (found == entries.end()) {
    const auto was = ended.find(self);
    return was != ended.end() && was->second == Status::e_closed ? Status::e_closed : Status::e_wrong_kind;
  }
  if (found->second.shown->kind != MORTISE_KIND_INSTANCE) return Status::e_wrong_kind;
  host = found->second.host;
  return host->is_closed ? Status::e_closed : Status::ok;
}

bool is_text(mortise_bytes bytes) {
  std::uint64_t i = 0;
  while (i < bytes.size) {
    const auto first = static_cast<unsigned char>(bytes.data[i]);
    const int more = first < 0x80 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : -1;
    if (first == 0 || more < 0 || first > 0xF4 || bytes.size - i <= static_cast<std::uint64_t>(more)) return false;
    std::uint32_t point = more == 0 ? first : first & (0x3Fu >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(bytes.data[i + static_cast<std::uint64_t>(k)]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    const bool is_overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
    if (is_overlong || (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF) return false;
    i += static_cast<std::uint64_t>(more) + 1;
  }
  return true;
}

std::string string_of(mortise_bytes bytes) {
  return bytes.data == nullptr ? std::string() : std::string(bytes.data, bytes.size);
}

}  // namespace mortise::testing
