#include "broker/config/reader.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "broker/config/keys.h"
#include "broker/config/nearest.h"
#include "broker/config/scalar.h"
#include "broker/config/value.h"

namespace mortise::config {

namespace {

using Outcome = Result<void, Problem>;

/// Reads the entries of a list; `index` is for messages.
using ListReader = std::function<Outcome(const YamlNode& list)>;

std::string leaf_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

/// Reads one mapping, and those inside of it that are only groups of keys, into a target.
template <class Target>
class MappingReader {
 public:
  /// `name` is what messages call the mapping: "" for the file, "plugins[2]." for an entry.
  MappingReader(std::map<std::string, ListReader> lists, std::string name, Target& target, Reading& reading)
      : lists_(std::move(lists)), name_(std::move(name)), target_(target), reading_(reading) {}

  Outcome read(const YamlNode& map, const std::string& group = "") {
    if (map.kind == YamlKind::kNull) return {};
    if (map.kind != YamlKind::kMap) {
      std::string path = name_ + group;
      if (!path.empty()) path.pop_back();
      return failure(Problem{map.place, (path.empty() ? "the file" : path) + ": " + describe(map) +
                                            " is not allowed; allowed: a mapping of " + joined(known_keys(group))});
    }
    for (const YamlEntry& entry : map.entries) {
      if (Outcome outcome = read_entry(entry, group); !outcome) return outcome;
    }
    return {};
  }

  /// That every required key was given.
  Outcome check_complete(Place place) const {
    for (const Row<Target>& row : rows_of<Target>()) {
      if (!row.key.is_required || reading_.has(name_ + row.key.path)) continue;
      return failure(Problem{
          place, name_ + row.key.path + ": missing; write for example " + row.key.path + ": " + row.key.example});
    }
    return {};
  }

 private:
  Outcome read_entry(const YamlEntry& entry, const std::string& group) {
    const std::string path = group + entry.key;
    for (const Row<Target>& row : rows_of<Target>()) {
      if (path == row.key.path) return read_row(row, *entry.value);
    }
    if (const auto list = lists_.find(path); list != lists_.end()) {
      reading_.places[path] = entry.value->place;
      return list->second(*entry.value);
    }
    for (const Row<Target>& row : rows_of<Target>()) {
      if (std::string_view(row.key.path).starts_with(path + ".")) return read(*entry.value, path + ".");
    }
    return unknown(entry, group);
  }

  Outcome read_row(const Row<Target>& row, const YamlNode& node) {
    const std::string path = name_ + row.key.path;
    auto value = read_value(row.key, node, path);
    if (!value) return std::move(value).as_failure();
    row.set(target_, *value);
    reading_.places[path] = node.place;
    for (std::size_t i = 0; i < node.items.size(); ++i)
      reading_.places[path + "[" + std::to_string(i) + "]"] = node.items[i]->place;
    return {};
  }

  Outcome unknown(const YamlEntry& entry, const std::string& group) const {
    const std::vector<std::string> known = known_keys(group);
    std::string text = name_ + group + shown_key(entry.key) + ": unknown key; ";
    if (const std::string near = nearest(entry.key, known); !near.empty()) {
      text += "did you mean " + near + "?";
    } else if (const std::string elsewhere = known_elsewhere(entry.key); !elsewhere.empty()) {
      text += "did you mean " + name_ + elsewhere + "?";
    } else {
      text += "allowed here: " + joined(known);
    }
    return failure(Problem{entry.place, std::move(text)});
  }

  /// The names of the keys and groups directly inside of a group, in the order of the table; what is not there yet is
  /// not offered.
  std::vector<std::string> known_keys(const std::string& group) const {
    std::vector<std::string> known;
    const auto add = [&](const std::string& path) {
      if (!path.starts_with(group)) return;
      const std::string name = path.substr(group.size(), path.find('.', group.size()) - group.size());
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
    };
    for (const Row<Target>& row : rows_of<Target>()) {
      if (row.key.kind != ValueKind::kNotYet) add(row.key.path);
    }
    for (const auto& [path, reader] : lists_) add(path);
    return known;
  }

  /// The whole path of a key of this name in another group.
  std::string known_elsewhere(const std::string& name) const {
    for (const Row<Target>& row : rows_of<Target>()) {
      if (leaf_of(row.key.path) == name) return row.key.path;
    }
    return {};
  }

  std::map<std::string, ListReader> lists_;
  std::string name_;
  Target& target_;
  Reading& reading_;
};

/// Reads a list of mappings of one kind into a vector.
template <class Target>
Outcome read_list(const YamlNode& list, const char* path, std::vector<Target>& targets, Reading& reading) {
  if (list.kind == YamlKind::kNull) return {};
  if (list.kind != YamlKind::kSequence)
    return failure(Problem{list.place, std::string(path) + ": " + describe(list) +
                                           " is not allowed; allowed: a list, each entry begun with `- `"});
  for (const YamlNodePtr& item : list.items) {
    const std::string name = std::string(path) + "[" + std::to_string(targets.size()) + "]";
    Target target;
    target.line = item->place.line;
    reading.places[name] = item->place;
    MappingReader<Target> reader({}, name + ".", target, reading);
    if (Outcome outcome = reader.read(*item); !outcome) return outcome;
    if (Outcome outcome = reader.check_complete(item->place); !outcome) return outcome;
    targets.push_back(std::move(target));
  }
  return {};
}

}  // namespace

Result<Reading, Problem> read_document(const YamlNode& root) {
  Reading reading;
  Settings& settings = reading.settings;
  const std::map<std::string, ListReader> lists = {
      {kListenersPath,
       [&](const YamlNode& list) { return read_list(list, kListenersPath, settings.listeners, reading); }},
      {kPluginsPath, [&](const YamlNode& list) { return read_list(list, kPluginsPath, settings.plugins, reading); }}};
  MappingReader<Settings> reader(lists, "", settings, reading);
  if (Outcome outcome = reader.read(root); !outcome) return std::move(outcome).as_failure();
  return reading;
}

}  // namespace mortise::config
