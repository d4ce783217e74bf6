#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

/// Lists of rules, each of which must allow a topic; `convert` makes a FilterRule of an element. Null: there is no
/// list.
template <class Lists, class Convert>
FilterRulesPtr make_filter_rules(const Lists& lists, const Convert& convert) {
  FilterRulesPtr rules;
  for (const auto& list : lists) {
    std::vector<FilterRule> converted;
    converted.reserve(list.size());
    for (const auto& rule : list) converted.push_back(convert(rule));
    rules = std::make_shared<const FilterRules>(std::move(converted), std::move(rules));
  }
  return rules;
}

}  // namespace mortise::routing
