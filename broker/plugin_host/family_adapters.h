#pragma once

#include <memory>

#include "broker/config/settings.h"
#include "broker/hooks/instances.h"

/// The four hook families of one instance in this process, as the broker calls them. Each keeps its instance alive;
/// after the instance has stopped they answer "not loaded".
namespace mortise::plugin_host {

class Instance;

std::shared_ptr<hooks::AuthHooks> make_auth_hooks(std::shared_ptr<Instance> instance);
std::shared_ptr<hooks::TopicHooks> make_topic_hooks(std::shared_ptr<Instance> instance);
std::shared_ptr<hooks::EventHooks> make_event_hooks(std::shared_ptr<Instance> instance);

struct StoreOptions {
  std::uint32_t level = 0;               // MORTISE_DURABILITY_...
  std::size_t largest_record_bytes = 0;  // beyond what a page asks for
};
std::unique_ptr<hooks::StoreHooks> make_store_hooks(std::shared_ptr<Instance> instance, StoreOptions options);

}  // namespace mortise::plugin_host
