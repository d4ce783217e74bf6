#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "broker/config/settings.h"

/// The one table of what a configuration may say. It drives reading, unknown-key errors, the fully commented file and
/// the JSON Schema; a new setting is one row. Defaults are not in it: they are those of the structs it fills.
namespace mortise::config {

enum class ValueKind : std::uint8_t {
  kFlag,      // true or false
  kCount,     // a whole number in a range
  kSize,      // bytes, with a unit
  kDuration,  // milliseconds, with a unit
  kChoice,    // one of some words
  kName,      // [a-z0-9_-]{1,32}
  kNames,     // a list of such, none twice
  kTexts,     // a list of texts, none empty, none twice
  kPaths,     // a path, or a list of paths, none twice
  kText,      // any text but the empty one
  kPath,      // text; a relative one is relative to the file
  kAnything,  // a mapping of the plugin's own
  kNotYet,    // refused: the sentence says what to do instead
};

/// What a row reads and writes: which part is used depends on the kind.
struct Value {
  std::uint64_t number = 0;  // flag, count, bytes, milliseconds, index of the choice
  std::string text;
  std::vector<std::string> names;
  bool is_absent = false;  // no list, which is not the same as an empty one where another stands in for it
  bool operator==(const Value&) const = default;
};

struct Range {
  std::uint64_t lowest = 0;
  std::uint64_t highest = 0;
};

/// A word allowed instead of a number.
struct Word {
  const char* text = nullptr;
  std::uint64_t value = 0;
};

struct Key {
  const char* path = "";  // "session.queue.max_bytes", from the beginning of the mapping the table is for
  ValueKind kind = ValueKind::kText;
  const char* doc = "";  // one sentence or two
  Range range{};
  const char* choices = "";  // "one|other"; the index is the number
  Word word{};
  const char* example = "";  // shown where there is no fixed default
  bool is_required = false;
  bool is_live = false;  // a reload applies it; anything else needs a restart
};

template <class Target>
struct Row {
  Key key;
  void (*set)(Target& target, const Value& value) = nullptr;
  Value (*get)(const Target& target) = nullptr;
};

/// What stands before a group of keys in the fully commented file.
struct Section {
  const char* path;
  const char* doc;
};

/// The rows of the file itself (Settings), of one entry of `listeners`, and of one entry of `plugins`.
template <class Target>
std::span<const Row<Target>> rows_of();
template <>
std::span<const Row<Settings>> rows_of();
template <>
std::span<const Row<ListenerSettings>> rows_of();
template <>
std::span<const Row<PluginSettings>> rows_of();
std::span<const Section> sections();

inline constexpr const char* kListenersPath = "listeners";
inline constexpr const char* kPluginsPath = "plugins";
/// What a file that lists no listener gets.
inline constexpr const char* kDefaultListener = "tcp://127.0.0.1:1883";

std::vector<std::string> split_choices(const char* choices);
/// "1 to 256, or auto": of a count, size or duration.
std::string allowed_range(const Key& key);
/// "allowed: a whole number, 1 to 256, or auto": what a key allows, for messages.
std::string allowed_values(const Key& key);
/// A value as it is written in YAML.
std::string render(const Key& key, const Value& value);

}  // namespace mortise::config
