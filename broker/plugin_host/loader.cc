#include "broker/plugin_host/loader.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <list>

#include "broker/base/bytes.h"
#include "broker/plugin_host/note.h"
#include "broker/plugin_host/plugin_bytes.h"
#include "broker/plugin_host/services.h"

// Plain dlopen and not libltdl: ltdl adds a layer of .la files and hides the RTLD_ flags, and the flags matter here.
// RTLD_NOW: a missing symbol is found at start-up and not in a hook. RTLD_LOCAL: plugins do not see each other's
// symbols. No RTLD_DEEPBIND, no dlmopen (malloc dead-locks, ASan refuses, eleven namespaces). No dlclose, ever:
// thread-local destructors, atexit handlers and a plugin's own threads may still run its code.
namespace mortise::plugin_host {

namespace {

/// Of one file name: what replaces a library is mapped beside it (R13).
constexpr std::size_t kMostVersions = 8;

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%016" PRIx64, value);
  return text;
}

std::string version_of(std::uint32_t major, std::uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string host_version() { return version_of(MORTISE_ABI_MAJOR, MORTISE_ABI_MINOR); }

/// Text of fixed size, ended by NUL; false when it is not, or empty.
template <std::size_t kSize>
bool read_text(const char (&field)[kSize], std::string& out) {
  const void* end = std::memchr(field, 0, kSize);
  if (end == nullptr || end == field) return false;
  out.assign(field, static_cast<std::size_t>(static_cast<const char*>(end) - field));
  return true;
}

Result<void> check_descriptor(const mortise_plugin& descriptor, const mortise_note& note) {
  const auto tampered = [](const std::string& what) {
    return failure("its descriptor and its note disagree on " + what +
                   ": the file was tampered with, or claims a version it was not built with; rebuild it");
  };
  std::string name;
  std::string version;
  if (!read_text(note.name, name) || !read_text(note.version, version)) {
    return failure("its note has no valid name or version; rebuild it with MORTISE_PLUGIN_NOTE");
  }
  if (descriptor.struct_size != sizeof(mortise_plugin)) {
    return failure("its descriptor says it is " + std::to_string(descriptor.struct_size) + " bytes and ABI " +
                   host_version() + " has " + std::to_string(sizeof(mortise_plugin)) +
                   "; rebuild it against this version's headers");
  }
  const std::uint64_t note_hash = std::uint64_t{note.description_hash_high} << 32 | note.description_hash_low;
  if (descriptor.description_hash != note_hash) return tampered("the description hash");
  if (descriptor.abi_major != note.abi_major || descriptor.abi_minor_required != note.abi_minor_required ||
      descriptor.abi_minor_built != note.abi_minor_built) {
    return tampered("the ABI version");
  }
  if (descriptor.flags != note.flags) return tampered("the flags");
  if (check_bytes(descriptor.name, MORTISE_MAX_NAME_BYTES) != MORTISE_OK || text_of(descriptor.name) != name) {
    return tampered("the name");
  }
  if (check_bytes(descriptor.version, MORTISE_MAX_VERSION_BYTES) != MORTISE_OK ||
      text_of(descriptor.version) != version) {
    return tampered("the version");
  }
  if ((descriptor.flags & ~MORTISE_PLUGIN_CONCURRENT) != 0) return failure("its descriptor has unknown flags");
  if (descriptor.hook_count > MORTISE_MAX_HOOKS) {
    return failure("it lists " + std::to_string(descriptor.hook_count) + " hooks; " +
                   std::to_string(MORTISE_MAX_HOOKS) + " is the limit");
  }
  if (descriptor.hooks == nullptr && descriptor.hook_count != 0) return failure("its list of hooks is missing");
  return {};
}

/// One entry of the list. An unknown optional hook is left out.
Result<void> add_hook(const mortise_hook& hook, LoadedPlugin& plugin, std::vector<std::string>& ignored) {
  const auto id = [&] { return "hook " + hex(hook.hook_id); };
  if (hook.struct_size != sizeof(mortise_hook)) {
    return failure(id() + " says it is " + std::to_string(hook.struct_size) + " bytes; ABI " + host_version() +
                   " has " + std::to_string(sizeof(mortise_hook)));
  }
  if (hook.reserved != 0 || (hook.flags & ~MORTISE_HOOK_IS_REQUIRED) != 0) return failure(id() + " has unknown flags");
  const std::size_t at = abi::find_hook(hook.hook_id);
  if (at == abi::kNowhere) {
    const std::string family = quoted(text_of(hook.family, 64));
    if ((hook.flags & MORTISE_HOOK_IS_REQUIRED) != 0) {
      return failure("it requires " + id() + " of family " + family + ", which this broker (ABI " + host_version() +
                     ") does not have; use a newer broker or an older plugin");
    }
    ignored.push_back(id() + " of family " + family);
    return {};
  }
  const abi::HookRow& row = abi::kHooks[at];
  const std::string label = label_of(at);
  if (text_of(hook.family, 64) != row.family)
    return failure("hook " + label + " names another family than " + std::string(row.family));
  if (hook.signature != row.signature) {
    return failure("hook " + label + " was compiled against another prototype (" + hex(hook.signature) + ", here " +
                   hex(row.signature) + "); rebuild it against this version's headers");
  }
  if (hook.function == nullptr) return failure("hook " + label + " has no function");
  if (plugin.has(at)) return failure("hook " + label + " is listed twice");
  // Bits of fields that this version does not have are wishes of a newer header: reading them answers E_NO_FIELD.
  plugin.hooks[at] = {hook.function, hook.fields, hook.child_fields};
  plugin.hook_order.push_back(at);
  return {};
}

/// A store is one thing: half of one would lose what the other half keeps.
Result<void> check_store(const LoadedPlugin& plugin) {
  if (!plugin.has_family(MORTISE_FAMILY_STORE)) return {};
  for (const std::size_t hook : {kStoreOpen, kStoreCommit, kStoreLoad, kStoreFetch}) {
    if (!plugin.has(hook))
      return failure("a store must have open, commit, load and fetch; it has no " + label_of(hook));
  }
  return {};
}

/// One file that was mapped, for ever.
struct Mapping {
  std::filesystem::path path;
  struct stat file {};
  std::size_t hash = 0;  // of the file
  void* library = nullptr;
  std::shared_ptr<const LoadedPlugin> plugin;  // null: it is none, or was refused
};

/// What is mapped into this process.
std::list<Mapping>& mappings() {
  static std::list<Mapping> all;
  return all;
}

bool is_same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

/// Of what is in the file, to see whether it was written over. 0: it cannot be read.
std::size_t hash_of(const std::filesystem::path& library) {
  std::ifstream in(library, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return bytes.empty() ? 0 : std::hash<std::string>{}(bytes);
}

/// A name for the same file that dlopen has not heard: it takes what has a name that it knows for what it has mapped,
/// whatever is there by now.
std::filesystem::path another_name(const std::filesystem::path& library, std::size_t copies) {
  std::filesystem::path name = std::filesystem::absolute(library.parent_path());
  for (; copies > 0; --copies) name /= ".";
  return name / library.filename();
}

/// Maps the file, unless it is mapped already: a file that was put in the place of another is another. Errors: it is
/// not there, no library, was written over, or too many came before it.
Result<Mapping*> map_library(const std::filesystem::path& library) {
  struct stat file {};
  if (::stat(library.c_str(), &file) != 0) {
    return failure("the file is not there; check `library` and `plugin_dir`, or install the plugin");
  }
  if (!S_ISREG(file.st_mode)) return failure("it is not a file");
  const std::size_t hash = hash_of(library);
  std::size_t copies = 0;
  for (Mapping& mapping : mappings()) {
    if (is_same_file(mapping.file, file)) {
      if (mapping.hash == hash) return &mapping;
      return failure(
          "the file was written over since it was loaded; put a new file in its place (install, mv), or "
          "restart the broker");
    }
    if (mapping.path == library) ++copies;
  }
  if (copies >= kMostVersions) {
    return failure(std::to_string(kMostVersions) +
                   " versions of it were loaded since the broker started, and none can "
                   "be taken out of memory; restart the broker to load another");
  }
  void* mapped = ::dlopen(another_name(library, copies).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (mapped == nullptr) {
    const char* why = ::dlerror();
    return failure("it cannot be loaded: " + std::string(why != nullptr ? why : "unknown reason"));
  }
  for (Mapping& mapping : mappings()) {
    if (mapping.library == mapped) return &mapping;  // the file was exchanged just now, or has two names
  }
  return &mappings().emplace_back(Mapping{library, file, hash, mapped, nullptr});
}

/// Calls the entry behind an exception barrier.
Result<const mortise_plugin*> call_entry(decltype(&mortise_plugin_entry) entry) {
  mortise_reply reply{};
  reply.struct_size = sizeof reply;
  std::uint32_t status = MORTISE_E_FAILED;
  try {
    status = entry(&hello(), &reply);
  } catch (const __cxxabiv1::__forced_unwind&) {
    throw;  // pthread_exit on the control thread: the process ends
  } catch (const std::exception& exception) {
    return failure("its entry threw an exception: " + quoted(std::string_view(exception.what())));
  } catch (...) {
    return failure("its entry threw an exception");
  }
  if (status != MORTISE_OK) {
    const std::string_view reason = text_of(reply.error, MORTISE_MAX_LOG_BYTES);
    return failure("its entry refused: " + (reason.empty() ? std::string(abi::status_name(status)) : quoted(reason)));
  }
  if (reply.plugin == nullptr) return failure("its entry gave no descriptor");
  return reply.plugin;
}

}  // namespace

Result<void> check_note(const mortise_note& note) {
  if (note.abi_major != MORTISE_ABI_MAJOR) {
    const bool is_newer = note.abi_major > MORTISE_ABI_MAJOR;
    return failure("it was built for ABI " + version_of(note.abi_major, note.abi_minor_built) +
                   " and this broker has " + host_version() +
                   (is_newer ? "; use a newer broker" : "; rebuild the plugin against this version's headers"));
  }
  if (note.abi_minor_required > MORTISE_ABI_MINOR) {
    return failure("it needs ABI " + version_of(note.abi_major, note.abi_minor_required) +
                   " or later and this broker has " + host_version() + "; use a newer broker");
  }
  const std::uint64_t hash = std::uint64_t{note.description_hash_high} << 32 | note.description_hash_low;
  // Until 1.0 nothing is frozen: the same version with another layout is another ABI.
  if (MORTISE_ABI_MAJOR == 0 && hash != MORTISE_DESCRIPTION_HASH) {
    return failure("it was built against another layout of ABI " + version_of(note.abi_major, note.abi_minor_built) +
                   " (" + hex(hash) + ", here " + hex(MORTISE_DESCRIPTION_HASH) +
                   "); rebuild it against this version's headers");
  }
  return {};
}

Result<std::shared_ptr<const LoadedPlugin>> check_plugin(const mortise_plugin& descriptor, const mortise_note& note,
                                                         const std::filesystem::path& library) {
  if (auto checked = check_descriptor(descriptor, note); !checked) return std::move(checked).as_failure();
  auto plugin = std::make_shared<LoadedPlugin>();
  plugin->library = library.string();
  plugin->name = text_of(descriptor.name);
  plugin->version = text_of(descriptor.version);
  plugin->is_concurrent = (descriptor.flags & MORTISE_PLUGIN_CONCURRENT) != 0;
  plugin->on_start = descriptor.on_start;
  plugin->on_config = descriptor.on_config;
  plugin->on_stop = descriptor.on_stop;
  plugin->on_timer = descriptor.on_timer;
  for (std::uint32_t i = 0; i < descriptor.hook_count; ++i) {
    mortise_hook hook;
    std::memcpy(&hook, descriptor.hooks + i, sizeof hook);
    if (auto added = add_hook(hook, *plugin, plugin->ignored); !added) return std::move(added).as_failure();
  }
  if (auto checked = check_store(*plugin); !checked) return std::move(checked).as_failure();
  return std::shared_ptr<const LoadedPlugin>(std::move(plugin));
}

namespace {

Result<std::shared_ptr<const LoadedPlugin>> enter(void* mapped, const std::filesystem::path& library) {
  void* symbol = ::dlsym(mapped, abi::kEntrySymbol.data());
  if (symbol == nullptr) return failure("it is not a Mortise plugin: it exports no " + std::string(abi::kEntrySymbol));
  const auto note = find_note(symbol);
  if (!note)
    return failure(
        "it is not a Mortise plugin: its ELF note is missing or damaged; rebuild it with MORTISE_PLUGIN_NOTE");
  if (auto checked = check_note(*note); !checked) return std::move(checked).as_failure();
  auto descriptor = call_entry(reinterpret_cast<decltype(&mortise_plugin_entry)>(symbol));
  if (!descriptor) return std::move(descriptor).as_failure();
  mortise_plugin copy;
  std::uint32_t struct_size = 0;
  std::memcpy(&struct_size, *descriptor, sizeof struct_size);
  if (struct_size != sizeof copy) {
    copy = {};
    copy.struct_size = struct_size;
  } else {
    std::memcpy(&copy, *descriptor, sizeof copy);
  }
  return check_plugin(copy, *note, library);
}

}  // namespace

Result<std::shared_ptr<const LoadedPlugin>> load_plugin(const std::filesystem::path& library) {
  auto mapping = map_library(library);
  if (!mapping) return std::move(mapping).as_failure();
  // Hooks may run while a reload asks for the plugin again: what was accepted is not entered once more.
  if ((*mapping)->plugin) return (*mapping)->plugin;
  auto plugin = enter((*mapping)->library, library);
  if (plugin) (*mapping)->plugin = *plugin;
  return plugin;
}

}  // namespace mortise::plugin_host
