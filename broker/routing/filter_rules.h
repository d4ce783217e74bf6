#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mortise::routing {

/// One allow or deny of what a subscription may receive.
struct FilterRule {
  bool allow = false;
  std::string filter;  // a valid Topic Filter, in routed names
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

/// The ordered rules that authorization gave one subscription: the first that matches a Topic Name decides; none:
/// allowed. Evaluated by the core as data on live, retained and queued delivery. Immutable.
class FilterRules {
 public:
  /// `also`: rules of another plugin, which must allow the topic, too; null: none.
  explicit FilterRules(std::vector<FilterRule> rules, std::shared_ptr<const FilterRules> also = nullptr)
      : rules_(std::move(rules)), also_(std::move(also)) {}
  bool allows(std::string_view topic) const noexcept;
  const std::vector<FilterRule>& rules() const noexcept { return rules_; }
  const FilterRules* also() const noexcept { return also_.get(); }

 private:
  std::vector<FilterRule> rules_;
  std::shared_ptr<const FilterRules> also_;
};

/// Null: everything is allowed.
using FilterRulesPtr = std::shared_ptr<const FilterRules>;

}  // namespace mortise::routing
