/// Puts a prefix and a suffix around the topics of each client, as rules say.

#include <memory>
#include <mortise/plugin.hpp>
#include <mutex>

#include "rules.h"

namespace topic_affix {

using mortise::BindDecision;
using mortise::ConfigView;

namespace {

/// The bit of one entry of `operations`.
std::uint32_t operation_of(const ConfigView& config, const std::string& pointer) {
  const std::string name = config.required_text(pointer);
  if (name == "publish") return MORTISE_OPERATION_PUBLISH;
  if (name == "subscribe") return MORTISE_OPERATION_SUBSCRIBE;
  if (name == "unsubscribe") return MORTISE_OPERATION_UNSUBSCRIBE;
  if (name == "will") return MORTISE_OPERATION_WILL;
  throw ConfigView::wrong(pointer, "must be publish, subscribe, unsubscribe or will");
}

std::uint32_t read_operations(const ConfigView& config, const std::string& pointer) {
  const std::uint64_t count = config.count(pointer);
  std::uint32_t operations = 0;
  for (std::uint64_t i = 0; i < count; ++i) operations |= operation_of(config, pointer + "/" + std::to_string(i));
  return count == 0 ? MORTISE_OPERATION_ALL : operations;
}

/// The rule at `at`: "" for the configuration itself, "/rules/3" for one of a list.
Rule read_rule(const ConfigView& config, const std::string& at) {
  Rule rule;
  rule.prefix.text = config.text(at + "/prefix").value_or("");
  rule.suffix.text = config.text(at + "/suffix").value_or("");
  rule.operations = read_operations(config, at + "/operations");
  if (const std::string wrong = check_prefix(rule.prefix); !wrong.empty()) {
    throw ConfigView::wrong(at + "/prefix", wrong);
  }
  if (const std::string wrong = check_suffix(rule.suffix); !wrong.empty()) {
    throw ConfigView::wrong(at + "/suffix", wrong);
  }
  return rule;
}

std::vector<Rule> read_rules(const ConfigView& config) {
  config.only_keys("", {"prefix", "suffix", "operations", "rules"});
  const bool has_own = config.text("/prefix") || config.text("/suffix");
  const std::uint64_t count = config.count("/rules");
  if (has_own == (count != 0)) {
    throw ConfigView::wrong("", "needs either prefix and suffix for everybody, or rules");
  }
  if (has_own) return {read_rule(config, "")};
  std::vector<Rule> rules;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string at = "/rules/" + std::to_string(i);
    config.only_keys(at, {"listener", "user", "client", "prefix", "suffix", "operations"});
    Rule rule = read_rule(config, at);
    rule.listener = config.text(at + "/listener");
    rule.user = config.text(at + "/user");
    rule.client = config.text(at + "/client");
    rules.push_back(std::move(rule));
  }
  return rules;
}

/// The value, or an empty one where it is absent; a stale view cannot be told from that here, and is none of ours.
std::string_view or_empty(const mortise::BytesField& field) { return field.view().value; }

}  // namespace

class TopicAffix : public mortise::Plugin {
 public:
  static constexpr bool kConcurrent = true;
  static constexpr mortise::HookOptions hook_options(std::uint32_t /*hook_id*/) {
    mortise::HookOptions options;
    options.fields = mortise::fields(MORTISE_FIELD_BIND_PRINCIPAL);
    options.child_fields = mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, MORTISE_FIELD_PRINCIPAL_USER_NAME,
                                           MORTISE_FIELD_PRINCIPAL_LISTENER, MORTISE_FIELD_PRINCIPAL_NAME_SPACE);
    return options;
  }

  void start(const ConfigView& config) override { adopt(read_rules(config)); }
  void configure(const ConfigView& config) override { adopt(read_rules(config)); }

  BindDecision bind(const mortise::BindRequestView& request) override {
    const mortise::PrincipalView principal = request.principal();
    const auto user_name = principal.user_name().view();
    const ClientView client{or_empty(principal.client_id()), user_name ? std::optional(user_name.value) : std::nullopt,
                            or_empty(principal.listener()), or_empty(principal.name_space())};
    const auto rules = current();
    for (const Rule& rule : *rules) {
      if (!rule.concerns(client)) continue;
      std::string error;
      auto affix = affix_for(rule, client, error);
      // The hook fails, so the operator's policy decides: reject_connection, unless he said otherwise.
      if (!affix) throw mortise::Error(error);
      const std::uint64_t version = affix->version();
      return BindDecision::affix(std::move(affix->prefix), std::move(affix->suffix), version)
          .operations(affix->operations);
    }
    return BindDecision::next();
  }

 private:
  void adopt(std::vector<Rule> rules) {
    auto adopted = std::make_shared<const std::vector<Rule>>(std::move(rules));
    const std::lock_guard lock(mutex_);
    rules_ = std::move(adopted);
  }
  std::shared_ptr<const std::vector<Rule>> current() const {
    const std::lock_guard lock(mutex_);
    return rules_;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const std::vector<Rule>> rules_;  // guarded by mutex_
};

}  // namespace topic_affix

MORTISE_PLUGIN(topic_affix::TopicAffix, "topic-affix", "0.1.0")
