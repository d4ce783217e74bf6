#pragma once

/// How an answer reaches the host: from the hook, or later by a token.

#include <mortise/decision.hpp>

MORTISE_SDK_BEGIN

namespace detail {
inline Status decide(mortise_handle call, const mortise_auth_decision& d) {
  return host<&mortise_decision_v1::decide_auth>(call, &d);
}
inline Status decide(mortise_handle call, const mortise_access_decision& d) {
  return host<&mortise_decision_v1::decide_access>(call, &d);
}
inline Status decide(mortise_handle call, const mortise_bind_decision& d) {
  return host<&mortise_decision_v1::decide_bind>(call, &d);
}
inline Status decide(mortise_handle call, const mortise_exchange_decision& d) {
  return host<&mortise_decision_v1::decide_exchange>(call, &d);
}
inline Status complete(mortise_handle self, mortise_handle token, const mortise_auth_decision& d) {
  return host<&mortise_token_v1::complete_auth>(self, token, &d);
}
inline Status complete(mortise_handle self, mortise_handle token, const mortise_access_decision& d) {
  return host<&mortise_token_v1::complete_access>(self, token, &d);
}
inline Status complete(mortise_handle self, mortise_handle token, const mortise_bind_decision& d) {
  return host<&mortise_token_v1::complete_bind>(self, token, &d);
}
inline Status complete(mortise_handle self, mortise_handle token, const mortise_exchange_decision& d) {
  return host<&mortise_token_v1::complete_exchange>(self, token, &d);
}
}  // namespace detail

/// The right and duty to answer later, from any thread; made by defer() of a request. Move-only. One that goes without
/// complete() leaves the client to the deadline and the operator's failure policy, and is counted as pending_dropped.
///
///     auto pending = request.defer(5s);
///     if (!pending) return AuthDecision::deny(reason::kServerBusy);
///     AuthDecision answer = pending->decision();
///     queue_.push(Job{std::move(*pending), ...});
///     return answer;
template <class Decision>
class Pending {
 public:
  Pending() = default;
  Pending(mortise_handle self, mortise_handle token) : self_(self), token_(token) {}
  Pending(Pending&& other) noexcept : self_(other.self_), token_(std::exchange(other.token_, 0)) {}
  Pending& operator=(Pending&& other) noexcept {
    if (this == &other) return *this;
    drop();
    self_ = other.self_;
    token_ = std::exchange(other.token_, 0);
    return *this;
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { drop(); }

  /// What the hook returns: PENDING with this token.
  Decision decision() const { return Decision(MORTISE_VERDICT_PENDING, 0, token_); }

  /// Gives the answer. Errors, all of them normal: e_timed_out, e_cancelled (the client left), e_already, e_closed. A
  /// decision that was refused (e_invalid, e_range, e_illegal) leaves the token as it was; e_null: moved from.
  Status complete(const Decision& decision) {
    if (token_ == 0) return Status::e_null;
    const Status status = detail::complete(self_, token_, decision.abi());
    const bool is_refused = status == Status::e_invalid || status == Status::e_range || status == Status::e_illegal;
    if (!is_refused) token_ = 0;
    return status;
  }

 private:
  void drop() {
    if (token_ == 0) return;
    token_ = 0;
    (void)detail::host<&mortise_core_v1::counter_add>(self_, detail::bytes_of("pending_dropped"), std::uint64_t{1});
  }

  mortise_handle self_ = 0;
  mortise_handle token_ = 0;
};

using AuthPending = Pending<AuthDecision>;
using AccessPending = Pending<AccessDecision>;
using BindPending = Pending<BindDecision>;
using ExchangePending = Pending<ExchangeDecision>;

MORTISE_SDK_END
