#include "broker/config/changes.h"

#include <algorithm>

#include "broker/config/keys.h"

namespace mortise::config {

namespace {

/// Compares row by row; what needs a restart is put back into `wanted`.
template <class Target>
void compare(const Target& running, Target& wanted, const std::string& place, Changes& changes) {
  for (const Row<Target>& row : rows_of<Target>()) {
    if (row.get == nullptr || row.get(running) == row.get(wanted)) continue;
    (row.key.is_live ? changes.applied : changes.needs_restart).push_back(place + row.key.path);
    if (!row.key.is_live) row.set(wanted, row.get(running));
  }
}

bool is_store(const Settings& settings, const PluginSettings& plugin) { return settings.hooks.store == plugin.name; }

void compare_listeners(const Settings& running, Changes& changes) {
  std::vector<const ListenerSettings*> left;
  for (const ListenerSettings& listener : running.listeners) left.push_back(&listener);
  for (ListenerSettings& wanted : changes.effective.listeners) {
    const std::string place = "listeners[" + wanted.url + "]";
    const auto same = std::ranges::find(left, wanted.url, &ListenerSettings::url);
    if (same == left.end()) {
      changes.applied.push_back(place);
      continue;
    }
    compare(**same, wanted, place + ".", changes);
    left.erase(same);
  }
  for (const ListenerSettings* gone : left) changes.applied.push_back("listeners[" + gone->url + "]");
}

bool has_plugin(const Settings& settings, const std::string& name) {
  return std::ranges::find(settings.plugins, name, &PluginSettings::name) != settings.plugins.end();
}

/// A store and what it keeps cannot be exchanged under sessions.
void keep_store(const Settings& running, const Settings& wanted, Changes& changes) {
  Settings& effective = changes.effective;
  std::erase_if(effective.plugins, [&](const PluginSettings& plugin) {
    return is_store(wanted, plugin) && !has_plugin(running, plugin.name);
  });
  effective.hooks.store = running.hooks.store;
  for (const PluginSettings& plugin : running.plugins) {
    if (!is_store(running, plugin)) continue;
    if (has_plugin(effective, plugin.name)) continue;
    changes.needs_restart.push_back("plugins[" + plugin.name + "]");
    effective.plugins.push_back(plugin);
  }
}

void compare_plugins(const Settings& running, Changes& changes) {
  for (PluginSettings& wanted : changes.effective.plugins) {
    const std::string place = "plugins[" + wanted.name + "]";
    const auto same = std::ranges::find(running.plugins, wanted.name, &PluginSettings::name);
    if (same == running.plugins.end()) {
      changes.applied.push_back(place);
      continue;
    }
    Changes of_plugin;
    compare(*same, wanted, place + ".", of_plugin);
    const bool is_kept = is_store(running, *same);
    if (is_kept) wanted = *same;
    auto& named = is_kept ? changes.needs_restart : changes.applied;
    named.insert(named.end(), of_plugin.applied.begin(), of_plugin.applied.end());
    changes.needs_restart.insert(changes.needs_restart.end(), of_plugin.needs_restart.begin(),
                                 of_plugin.needs_restart.end());
  }
  for (const PluginSettings& gone : running.plugins) {
    if (!has_plugin(changes.effective, gone.name)) changes.applied.push_back("plugins[" + gone.name + "]");
  }
}

}  // namespace

Changes changes_between(const Settings& running, const Settings& wanted) {
  Changes changes;
  changes.effective = wanted;
  compare(running, changes.effective, "", changes);
  compare_listeners(running, changes);
  keep_store(running, wanted, changes);
  compare_plugins(running, changes);
  return changes;
}

}  // namespace mortise::config
