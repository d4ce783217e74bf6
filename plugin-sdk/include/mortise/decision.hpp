#pragma once

/// The answers of hooks, as values that own what they hold.

#include <chrono>
#include <mortise/field.hpp>

MORTISE_SDK_BEGIN

template <class Decision>
class Pending;

/// The answer of authenticate.
class AuthDecision {
 public:
  /// Yes; decisive.
  static AuthDecision allow() { return AuthDecision(MORTISE_VERDICT_ALLOW); }
  /// No; decisive. `reason_code` is a CONNACK Reason Code of MQTT 5.0, translated for older clients.
  static AuthDecision deny(std::uint32_t reason_code = reason::kDefault) {
    return AuthDecision(MORTISE_VERDICT_DENY, reason_code);
  }
  /// No opinion: ask the next plugin of the chain, whose end denies.
  static AuthDecision next() { return AuthDecision(MORTISE_VERDICT_NEXT); }

  /// Replaces the user name the client sent.
  AuthDecision& user_name(std::string name) {
    return abi_.flags |= MORTISE_AUTH_HAS_USER_NAME, user_name_ = std::move(name), *this;
  }
  /// Scopes the client id.
  AuthDecision& name_space(std::string name) {
    return abi_.flags |= MORTISE_AUTH_HAS_NAME_SPACE, name_space_ = std::move(name), *this;
  }
  /// Lowers the session's expiry.
  AuthDecision& session_expiry_max(std::chrono::seconds most) {
    abi_.flags |= MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX;
    return abi_.session_expiry_max_s = static_cast<std::uint32_t>(most.count()), *this;
  }
  /// Disconnects the client after so long.
  AuthDecision& valid_for(std::chrono::seconds how_long) {
    abi_.flags |= MORTISE_AUTH_HAS_VALID_FOR;
    return abi_.valid_for_s = detail::seconds_of(how_long), *this;
  }
  /// Keeps bytes with the client that the plugin finds again as its principal's note().
  AuthDecision& note(std::string bytes) { return abi_.flags |= MORTISE_AUTH_HAS_NOTE, note_ = std::move(bytes), *this; }
  /// For the log only: which rule decided. Never a secret.
  AuthDecision& because(std::string why) { return explanation_ = std::move(why), *this; }

  /// The C form. Lifetime: that of the decision.
  mortise_auth_decision abi() const {
    mortise_auth_decision decision = abi_;
    decision.user_name = detail::bytes_of(user_name_);
    decision.name_space = detail::bytes_of(name_space_);
    decision.explanation = detail::bytes_of(explanation_);
    decision.note = detail::bytes_of(note_);
    return decision;
  }

 private:
  friend class Pending<AuthDecision>;
  explicit AuthDecision(std::uint32_t verdict, std::uint32_t reason_code = 0, mortise_handle token = 0) {
    abi_.verdict = verdict;
    abi_.reason_code = reason_code;
    abi_.token = token;
  }

  mortise_auth_decision abi_ = MORTISE_AUTH_DECISION_INIT;
  std::string user_name_;
  std::string name_space_;
  std::string explanation_;
  std::string note_;
};

/// The answer of authorize.
class AccessDecision {
 public:
  /// Yes, as far as this plugin is concerned; any deny of another wins.
  static AccessDecision allow() { return AccessDecision(MORTISE_VERDICT_ALLOW); }
  /// No; decisive.
  static AccessDecision deny(std::uint32_t reason_code = reason::kDefault) {
    return AccessDecision(MORTISE_VERDICT_DENY, reason_code);
  }
  /// No opinion.
  static AccessDecision next() { return AccessDecision(MORTISE_VERDICT_NEXT); }

  /// The answer may be reused for exactly this topic.
  AccessDecision& cache_topic(std::chrono::milliseconds how_long) {
    return cache(MORTISE_CACHE_TOPIC, how_long), *this;
  }
  /// The answer may be reused for every topic that `filter` matches.
  AccessDecision& cache_filter(std::string filter, std::chrono::milliseconds how_long) {
    return cache(MORTISE_CACHE_FILTER, how_long), cache_filter_ = std::move(filter), *this;
  }
  /// Only with allow() of SUBSCRIBE: appends a rule that is kept with the subscription; the first whose filter matches
  /// a topic counts, no match delivers.
  AccessDecision& deliver(std::string filter) { return add_rule(MORTISE_RULE_ALLOW, std::move(filter)); }
  AccessDecision& leave_out(std::string filter) { return add_rule(MORTISE_RULE_DENY, std::move(filter)); }
  /// For the log only: which rule decided.
  AccessDecision& because(std::string why) { return explanation_ = std::move(why), *this; }

  /// The C form. Lifetime: until the decision changes or goes.
  mortise_access_decision abi() const {
    mortise_access_decision decision = abi_;
    for (std::size_t i = 0; i < rules_.size(); ++i) rules_[i].filter = detail::bytes_of(filters_[i]);
    decision.rule_count = static_cast<std::uint32_t>(rules_.size());
    decision.rules = rules_.empty() ? nullptr : rules_.data();
    decision.cache_filter = detail::bytes_of(cache_filter_);
    decision.explanation = detail::bytes_of(explanation_);
    return decision;
  }

 private:
  friend class Pending<AccessDecision>;
  explicit AccessDecision(std::uint32_t verdict, std::uint32_t reason_code = 0, mortise_handle token = 0) {
    abi_.verdict = verdict;
    abi_.reason_code = reason_code;
    abi_.token = token;
  }
  void cache(std::uint32_t scope, std::chrono::milliseconds how_long) {
    abi_.cache_scope = scope;
    abi_.cache_ms = static_cast<std::uint32_t>(how_long.count());
  }
  AccessDecision& add_rule(std::uint32_t effect, std::string filter) {
    rules_.push_back({effect, 0, {nullptr, 0}});
    filters_.push_back(std::move(filter));
    return *this;
  }

  mortise_access_decision abi_ = MORTISE_ACCESS_DECISION_INIT;
  std::string cache_filter_;
  std::string explanation_;
  std::vector<std::string> filters_;
  mutable std::vector<mortise_filter_rule> rules_;  // abi() points them at filters_
};

/// The answer of bind.
class BindDecision {
 public:
  /// This is the affix of the connection; `rule_version` changes when the rule that made it changes.
  static BindDecision affix(std::string prefix, std::string suffix, std::uint64_t rule_version) {
    BindDecision decision(MORTISE_VERDICT_BOUND);
    decision.abi_.operations = MORTISE_OPERATION_ALL;
    decision.abi_.rule_version = rule_version;
    decision.prefix_ = std::move(prefix);
    decision.suffix_ = std::move(suffix);
    return decision;
  }
  /// No opinion: ask the next plugin of the chain, whose end binds nothing.
  static BindDecision next() { return BindDecision(MORTISE_VERDICT_NEXT); }

  /// What the affix applies to: MORTISE_OPERATION_... bits.
  BindDecision& operations(std::uint32_t bits) { return abi_.operations = bits, *this; }

  /// The C form. Lifetime: that of the decision.
  mortise_bind_decision abi() const {
    mortise_bind_decision decision = abi_;
    decision.prefix = detail::bytes_of(prefix_);
    decision.suffix = detail::bytes_of(suffix_);
    return decision;
  }

 private:
  friend class Pending<BindDecision>;
  explicit BindDecision(std::uint32_t verdict, std::uint32_t = 0, mortise_handle token = 0) {
    abi_.verdict = verdict;
    abi_.token = token;
  }

  mortise_bind_decision abi_ = MORTISE_BIND_DECISION_INIT;
  std::string prefix_;
  std::string suffix_;
};

/// The answer of exchange: one step of an enhanced authentication.
class ExchangeDecision {
 public:
  /// The client has proved who it is.
  static ExchangeDecision allow() { return ExchangeDecision(MORTISE_VERDICT_ALLOW); }
  /// No; decisive. `reason_code` is a CONNACK Reason Code of MQTT 5.0.
  static ExchangeDecision deny(std::uint32_t reason_code = reason::kDefault) {
    return ExchangeDecision(MORTISE_VERDICT_DENY, reason_code);
  }
  /// The client is sent `authentication_data`, and what it answers is the next step.
  static ExchangeDecision go_on(std::string authentication_data) {
    return ExchangeDecision(MORTISE_VERDICT_CONTINUE).data(std::move(authentication_data));
  }
  /// Not a method of this plugin: ask the next one of the chain, whose end refuses it.
  static ExchangeDecision next() { return ExchangeDecision(MORTISE_VERDICT_NEXT); }

  /// Authentication Data for the client, with allow().
  ExchangeDecision& data(std::string authentication_data) {
    abi_.flags |= MORTISE_AUTH_HAS_AUTHENTICATION_DATA;
    return authentication_data_ = std::move(authentication_data), *this;
  }
  /// With allow(): who the client has proved to be, instead of the User Name of CONNECT.
  ExchangeDecision& user_name(std::string name) {
    return abi_.flags |= MORTISE_AUTH_HAS_USER_NAME, user_name_ = std::move(name), *this;
  }
  /// With allow(): scopes the client id.
  ExchangeDecision& name_space(std::string name) {
    return abi_.flags |= MORTISE_AUTH_HAS_NAME_SPACE, name_space_ = std::move(name), *this;
  }
  /// With allow(): lowers the session's expiry.
  ExchangeDecision& session_expiry_max(std::chrono::seconds most) {
    abi_.flags |= MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX;
    return abi_.session_expiry_max_s = static_cast<std::uint32_t>(most.count()), *this;
  }
  /// With allow(): disconnects the client after so long, unless it authenticates again.
  ExchangeDecision& valid_for(std::chrono::seconds how_long) {
    abi_.flags |= MORTISE_AUTH_HAS_VALID_FOR;
    return abi_.valid_for_s = detail::seconds_of(how_long), *this;
  }
  /// With allow(): keeps bytes with the client that the plugin finds again as its principal's note().
  ExchangeDecision& note(std::string bytes) {
    return abi_.flags |= MORTISE_AUTH_HAS_NOTE, note_ = std::move(bytes), *this;
  }
  /// For the log only: which rule decided. Never a secret.
  ExchangeDecision& because(std::string why) { return explanation_ = std::move(why), *this; }

  /// The C form. Lifetime: that of the decision.
  mortise_exchange_decision abi() const {
    mortise_exchange_decision decision = abi_;
    decision.user_name = detail::bytes_of(user_name_);
    decision.name_space = detail::bytes_of(name_space_);
    decision.authentication_data = detail::bytes_of(authentication_data_);
    decision.explanation = detail::bytes_of(explanation_);
    decision.note = detail::bytes_of(note_);
    return decision;
  }

 private:
  friend class Pending<ExchangeDecision>;
  explicit ExchangeDecision(std::uint32_t verdict, std::uint32_t reason_code = 0, mortise_handle token = 0) {
    abi_.verdict = verdict;
    abi_.reason_code = reason_code;
    abi_.token = token;
  }

  mortise_exchange_decision abi_ = MORTISE_EXCHANGE_DECISION_INIT;
  std::string user_name_;
  std::string name_space_;
  std::string authentication_data_;
  std::string explanation_;
  std::string note_;
};

MORTISE_SDK_END
