#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/hooks/chain.h"
#include "broker/mqtt/types.h"
#include "broker/routing/filter_rules.h"

namespace mortise::core {

/// One subscription on its way through authorization.
struct ReviewedSubscription {
  std::string filter;  // as asked, `$share/...` included
  std::string share_name;
  std::string routed_filter;  // without `$share`
  mqtt::SubscriptionOptions options;
  std::uint32_t subscription_identifier = 0;
  bool is_allowed = false;
  routing::FilterRulesPtr rules;
};

/// Asks authorization about several subscriptions, one after the other. Unsynchronised.
struct SubscriptionReview {
  std::vector<ReviewedSubscription> subscriptions;
  std::size_t at = 0;
  std::optional<hooks::AuthorizeRun> authorize;  // of the one at `at`, while it is pending
};

}  // namespace mortise::core
