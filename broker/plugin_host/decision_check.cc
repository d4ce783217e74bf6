#include "broker/plugin_host/decision_check.h"

#include <cstring>
#include <utility>

#include "broker/hooks/affix.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/topic.h"
#include "broker/plugin_host/plugin_bytes.h"

namespace mortise::plugin_host {

namespace {

/// Copies the structure once, so that nothing changes between check and use. Errors: E_NULL, E_SIZE.
template <class Given>
std::uint32_t copy_in(const Given* given, Given& copy) noexcept {
  if (given == nullptr) return MORTISE_E_NULL;
  std::uint32_t struct_size = 0;
  std::memcpy(&struct_size, given, sizeof struct_size);
  if (struct_size != sizeof(Given)) return MORTISE_E_SIZE;
  std::memcpy(&copy, given, sizeof copy);
  return MORTISE_OK;
}

/// Verdict and token, which all of them have. Errors: E_INVALID, E_ILLEGAL.
template <class Given>
std::uint32_t check_head(const Given& given, const DecisionRules& rules, CheckedDecision& checked) {
  if (given.verdict == 0 || given.verdict > MORTISE_VERDICT_CONTINUE) return MORTISE_E_INVALID;
  if ((rules.verdict_mask & (1U << given.verdict)) == 0) return MORTISE_E_ILLEGAL;
  if ((given.verdict == MORTISE_VERDICT_PENDING) != (given.token != 0)) return MORTISE_E_ILLEGAL;
  checked.verdict = given.verdict;
  checked.token = given.token;
  return MORTISE_OK;
}

std::uint32_t check_explanation(mortise_bytes given, CheckedDecision& checked) {
  if (given.data == nullptr && given.size != 0) return MORTISE_E_NULL;
  if (given.size != 0) checked.explanation = text_of(given, MORTISE_MAX_EXPLANATION_BYTES);
  return MORTISE_OK;
}

/// The Reason Code of a deny; 0 means Not authorized. Errors: E_INVALID.
std::uint32_t check_reason(std::uint32_t given, std::uint32_t verdict, mqtt::PacketType packet, mqtt::ReasonCode& out) {
  if (given == 0) return MORTISE_OK;
  if (verdict != MORTISE_VERDICT_DENY || given < 0x80 || given > 0xFF) return MORTISE_E_INVALID;
  const auto reason = static_cast<mqtt::ReasonCode>(given);
  if (!mqtt::is_allowed_in(reason, packet)) return MORTISE_E_INVALID;
  out = reason;
  return MORTISE_OK;
}

/// Errors: E_NULL, E_RANGE, E_INVALID.
std::uint32_t check_text(mortise_bytes given, std::string& out) {
  if (const std::uint32_t status = check_bytes(given, MORTISE_MAX_TOPIC_BYTES); status != MORTISE_OK) return status;
  if (!mqtt::is_valid_utf8(text_of(given))) return MORTISE_E_INVALID;
  out = text_of(given);
  return MORTISE_OK;
}

std::uint32_t check_filter(mortise_bytes given, std::string& out) {
  if (const std::uint32_t status = check_text(given, out); status != MORTISE_OK) return status;
  const auto filter = mqtt::parse_topic_filter(out, {0, mqtt::kMaximumStringSize});
  return filter && !filter->is_shared() ? MORTISE_OK : MORTISE_E_INVALID;
}

hooks::Verdict verdict_of(std::uint32_t verdict) noexcept {
  if (verdict == MORTISE_VERDICT_ALLOW) return hooks::Verdict::kAllow;
  if (verdict == MORTISE_VERDICT_CONTINUE) return hooks::Verdict::kContinue;
  return verdict == MORTISE_VERDICT_DENY ? hooks::Verdict::kDeny : hooks::Verdict::kNext;
}

// ---- authenticate, exchange -----------------------------------------------------------------------------------------

constexpr std::uint32_t kAllowFlags = MORTISE_AUTH_HAS_USER_NAME | MORTISE_AUTH_HAS_NAME_SPACE |
                                      MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX | MORTISE_AUTH_HAS_VALID_FOR |
                                      MORTISE_AUTH_HAS_NOTE;

/// What an allow limits, and what is noted. Without its bit a member must be zero, too.
template <class Given>
std::uint32_t check_limits_and_note(const Given& given, hooks::AuthDecision& made) {
  if ((given.flags & MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX) != 0) {
    made.session_expiry_maximum = Seconds(given.session_expiry_max_s);
  } else if (given.session_expiry_max_s != 0) {
    return MORTISE_E_INVALID;
  }
  if ((given.flags & MORTISE_AUTH_HAS_VALID_FOR) != 0) {
    made.valid_for = Seconds(given.valid_for_s);
  } else if (given.valid_for_s != 0) {
    return MORTISE_E_INVALID;
  }
  if ((given.flags & MORTISE_AUTH_HAS_NOTE) == 0) return given.note.size == 0 ? MORTISE_OK : MORTISE_E_INVALID;
  const std::uint32_t status = check_bytes(given.note, MORTISE_MAX_NOTE_BYTES);
  if (status == MORTISE_OK) made.note.emplace(text_of(given.note));
  return status;
}

/// What an allow may say of the client. `flags`: those of `given` that are about it.
template <class Given>
std::uint32_t check_auth_options(const Given& given, std::uint32_t flags, hooks::AuthDecision& made) {
  if ((flags & ~kAllowFlags) != 0) return MORTISE_E_INVALID;
  if (flags != 0 && given.verdict != MORTISE_VERDICT_ALLOW) return MORTISE_E_INVALID;
  // Without its bit a member must be zero: a forgotten bit is found, not ignored.
  if ((given.flags & MORTISE_AUTH_HAS_USER_NAME) == 0) {
    if (given.user_name.size != 0) return MORTISE_E_INVALID;
  } else if (const std::uint32_t status = check_text(given.user_name, made.user_name.emplace()); status != MORTISE_OK) {
    return status;
  }
  if ((given.flags & MORTISE_AUTH_HAS_NAME_SPACE) == 0) {
    if (given.name_space.size != 0) return MORTISE_E_INVALID;
  } else if (const std::uint32_t status = check_text(given.name_space, made.name_space); status != MORTISE_OK) {
    return status;
  }
  return check_limits_and_note(given, made);
}

/// What both decisions about a CONNECT have: all but the data and the explanation.
template <class Given>
std::uint32_t check_about_client(const Given& given, std::uint32_t flags, const DecisionRules& rules,
                                 CheckedDecision& checked, hooks::AuthDecision& made) {
  if (const std::uint32_t status = check_head(given, rules, checked); status != MORTISE_OK) return status;
  made.verdict = verdict_of(given.verdict);
  const std::uint32_t reason = check_reason(given.reason_code, given.verdict, mqtt::PacketType::kConnack, made.reason);
  if (reason != MORTISE_OK) return reason;
  return check_auth_options(given, flags, made);
}

std::uint32_t check_all(const mortise_auth_decision& given, const DecisionRules& rules, CheckedDecision& checked,
                        hooks::AuthDecision& made) {
  const std::uint32_t status = check_about_client(given, given.flags, rules, checked, made);
  if (status != MORTISE_OK) return status;
  return check_explanation(given.explanation, checked);
}

std::uint32_t check_authentication_data(const mortise_exchange_decision& given, hooks::ExchangeDecision& made) {
  if ((given.flags & MORTISE_AUTH_HAS_AUTHENTICATION_DATA) == 0)
    return given.authentication_data.size == 0 ? MORTISE_OK : MORTISE_E_INVALID;
  if (given.verdict != MORTISE_VERDICT_ALLOW && given.verdict != MORTISE_VERDICT_CONTINUE) return MORTISE_E_INVALID;
  const std::uint32_t status = check_bytes(given.authentication_data, MORTISE_MAX_AUTHENTICATION_DATA_BYTES);
  if (status == MORTISE_OK) made.authentication_data.emplace(text_of(given.authentication_data));
  return status;
}

std::uint32_t check_all(const mortise_exchange_decision& given, const DecisionRules& rules, CheckedDecision& checked,
                        hooks::ExchangeDecision& made) {
  const std::uint32_t about_client = given.flags & ~std::uint32_t{MORTISE_AUTH_HAS_AUTHENTICATION_DATA};
  if (const std::uint32_t status = check_about_client(given, about_client, rules, checked, made); status != MORTISE_OK)
    return status;
  if (const std::uint32_t status = check_authentication_data(given, made); status != MORTISE_OK) return status;
  return check_explanation(given.explanation, checked);
}

// ---- authorize ------------------------------------------------------------------------------------------------------

std::uint32_t check_cache(const mortise_access_decision& given, hooks::AccessDecision& made) {
  if (given.cache_scope > MORTISE_CACHE_FILTER) return MORTISE_E_INVALID;
  if (given.cache_scope == MORTISE_CACHE_NONE && given.cache_ms != 0) return MORTISE_E_INVALID;
  if (given.verdict == MORTISE_VERDICT_PENDING && given.cache_scope != MORTISE_CACHE_NONE) return MORTISE_E_INVALID;
  made.cache_scope = static_cast<hooks::CacheScope>(given.cache_scope);
  made.cache_for = Millis(given.cache_ms);
  if (given.cache_scope != MORTISE_CACHE_FILTER) return given.cache_filter.size == 0 ? MORTISE_OK : MORTISE_E_INVALID;
  return check_filter(given.cache_filter, made.cache_filter);
}

std::uint32_t check_rules(const mortise_access_decision& given, bool are_accepted, hooks::AccessDecision& made) {
  if (given.rule_count == 0) return MORTISE_OK;
  if (given.rule_count > MORTISE_MAX_FILTER_RULES) return MORTISE_E_RANGE;
  if (given.rules == nullptr) return MORTISE_E_NULL;
  if (!are_accepted || given.verdict != MORTISE_VERDICT_ALLOW) return MORTISE_E_ILLEGAL;
  std::vector<hooks::AccessRule> list;
  list.reserve(given.rule_count);
  for (std::uint32_t i = 0; i < given.rule_count; ++i) {
    mortise_filter_rule rule;
    std::memcpy(&rule, given.rules + i, sizeof rule);
    if (rule.reserved != 0 || (rule.effect != MORTISE_RULE_ALLOW && rule.effect != MORTISE_RULE_DENY)) {
      return MORTISE_E_INVALID;
    }
    hooks::AccessRule& added = list.emplace_back();
    added.allow = rule.effect == MORTISE_RULE_ALLOW;
    if (const std::uint32_t status = check_filter(rule.filter, added.filter); status != MORTISE_OK) return status;
  }
  made.rules.push_back(std::move(list));
  return MORTISE_OK;
}

std::uint32_t check_all(const mortise_access_decision& given, const DecisionRules& rules, CheckedDecision& checked,
                        hooks::AccessDecision& made) {
  if (const std::uint32_t status = check_head(given, rules, checked); status != MORTISE_OK) return status;
  made.verdict = verdict_of(given.verdict);
  // Checked like any other member; the core answers every refusal of a topic with Not authorized.
  mqtt::ReasonCode reason = mqtt::ReasonCode::kNotAuthorized;
  if (const std::uint32_t status = check_reason(given.reason_code, given.verdict, mqtt::PacketType::kPuback, reason);
      status != MORTISE_OK) {
    return status;
  }
  if (const std::uint32_t status = check_cache(given, made); status != MORTISE_OK) return status;
  if (const std::uint32_t status = check_rules(given, rules.accepts_filter_rules, made); status != MORTISE_OK)
    return status;
  return check_explanation(given.explanation, checked);
}

// ---- bind -----------------------------------------------------------------------------------------------------------

std::uint32_t check_all(const mortise_bind_decision& given, const DecisionRules& rules, CheckedDecision& checked,
                        hooks::BindDecision& made) {
  if (const std::uint32_t status = check_head(given, rules, checked); status != MORTISE_OK) return status;
  if (given.reserved != 0) return MORTISE_E_INVALID;
  if (given.verdict != MORTISE_VERDICT_BOUND) {
    const bool is_empty = given.operations == 0 && given.prefix.size == 0 && given.suffix.size == 0;
    return is_empty ? MORTISE_OK : MORTISE_E_INVALID;
  }
  if (given.operations == 0 || given.operations > MORTISE_OPERATION_ALL) return MORTISE_E_INVALID;
  if (const std::uint32_t status = check_text(given.prefix, made.prefix); status != MORTISE_OK) return status;
  if (const std::uint32_t status = check_text(given.suffix, made.suffix); status != MORTISE_OK) return status;
  made.is_bound = true;
  made.operations = static_cast<std::uint8_t>(given.operations);
  made.rule_version = given.rule_version;
  const auto affix = hooks::Affix::make(made);
  if (affix) return MORTISE_OK;
  checked.explanation = affix.error().message;
  return MORTISE_E_INVALID;
}

// Made in place: building it aside and moving it over costs as much as all checks together.
template <class Given, class Decision>
CheckedDecision check(const Given* given, const DecisionRules& rules, Decision& out) {
  CheckedDecision checked;
  Given copy;
  checked.status = copy_in(given, copy);
  if (checked.status != MORTISE_OK) return checked;
  checked.status = check_all(copy, rules, checked, out);
  if (checked.status != MORTISE_OK) [[unlikely]]
    out = Decision();
  return checked;
}

}  // namespace

CheckedDecision check_decision(const mortise_auth_decision* given, const DecisionRules& rules,
                               hooks::AuthDecision& out) {
  return check(given, rules, out);
}
CheckedDecision check_decision(const mortise_access_decision* given, const DecisionRules& rules,
                               hooks::AccessDecision& out) {
  return check(given, rules, out);
}
CheckedDecision check_decision(const mortise_exchange_decision* given, const DecisionRules& rules,
                               hooks::ExchangeDecision& out) {
  return check(given, rules, out);
}
CheckedDecision check_decision(const mortise_bind_decision* given, const DecisionRules& rules,
                               hooks::BindDecision& out) {
  return check(given, rules, out);
}

}  // namespace mortise::plugin_host
