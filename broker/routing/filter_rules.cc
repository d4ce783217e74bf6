#include "broker/routing/filter_rules.h"

#include "broker/mqtt/topic.h"

namespace mortise::routing {

bool FilterRules::allows(std::string_view topic) const noexcept {
  for (const FilterRule& rule : rules_) {
    if (!mqtt::matches(rule.filter, topic)) continue;
    if (!rule.allow) return false;
    break;
  }
  return also_ == nullptr || also_->allows(topic);
}

}  // namespace mortise::routing
