#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/hooks/instances.h"

namespace mortise::hooks {

/// R10: what an operator wants when auth or authorize gives no answer.
enum class AuthFailurePolicy : std::uint8_t { kDeny, kNext, kAllow };
/// ... and topic.
enum class TopicFailurePolicy : std::uint8_t { kRejectConnection, kPassthrough };

struct AuthEntry {
  std::string name;
  std::shared_ptr<AuthHooks> hooks;  // null: configured, but not loaded (its policy applies)
  AuthFailurePolicy on_failure = AuthFailurePolicy::kDeny;
};
struct TopicEntry {
  std::string name;
  std::shared_ptr<TopicHooks> hooks;
  TopicFailurePolicy on_failure = TopicFailurePolicy::kRejectConnection;
};
struct EventEntry {
  std::string name;
  std::shared_ptr<EventHooks> hooks;
};

/// Which plugin answers what, in configured order: an immutable snapshot; a reload makes another.
struct Dispatch {
  std::vector<AuthEntry> auth;
  std::vector<TopicEntry> topic;
  std::vector<EventEntry> event;
  /// Listeners with chains of their own, by URL: `auth` and `topic` of it are asked there instead.
  std::map<std::string, std::shared_ptr<const Dispatch>, std::less<>> by_listener;

  /// Of this chain.
  bool has_authenticate() const noexcept;
  /// Of any chain, of listeners as well.
  bool has_authorize() const noexcept;
};
using DispatchPtr = std::shared_ptr<const Dispatch>;

/// The chains for who came by the listener with this URL.
const DispatchPtr& dispatch_for(const DispatchPtr& dispatch, std::string_view listener) noexcept;

/// One walk along a chain, resumable where a plugin answers later. Unsynchronised (loop-owned). Holds the snapshot it
/// began with. Usage: `start`; while it returns nothing the question is pending: `resume` with what came, or `give_up`.
template <class Policy>
class ChainRun {
 public:
  using Decision = typename Policy::Decision;
  using Request = typename Policy::Request;

  ChainRun(DispatchPtr dispatch, Request request) : dispatch_(std::move(dispatch)), request_(std::move(request)) {}

  /// The combined decision, or nothing while a plugin's answer is pending.
  std::optional<Decision> start(const Ticket& ticket, Now now) { return walk(ticket, now); }
  std::optional<Decision> resume(const Resolution& resolution, const Ticket& next_ticket, Now now);
  /// The pending plugin's deadline passed. Nothing when its answer is already under way.
  std::optional<Decision> expire(const Ticket& ticket, const Ticket& next_ticket, Now now);
  void cancel(const Ticket& ticket);
  /// Asks whoever decided once more, and nobody else, about something that follows from it.
  std::optional<Decision> ask_again(Request request, const Ticket& ticket, Now now);

  /// Of the plugin that decided, or that is being waited for.
  const auto& entry() const { return Policy::entries(*dispatch_)[at_]; }
  SteadyTime deadline() const noexcept { return deadline_; }
  const Request& request() const noexcept { return request_; }
  /// The plugin that decided, or that is being waited for: for the log.
  const std::string& plugin() const noexcept { return plugin_; }

 private:
  std::optional<Decision> walk(const Ticket& ticket, Now now);
  /// Takes one plugin's answer; true when the chain ends here.
  bool settle(Decision decision);
  bool settle(FailureKind failure);

  DispatchPtr dispatch_;
  Request request_;
  Decision combined_ = Policy::initial();
  std::size_t at_ = 0;                              // the entry being asked
  std::size_t end_ = static_cast<std::size_t>(-1);  // before it, and before the end of the chain
  bool anybody_asked_ = false;
  SteadyTime deadline_ = kNever;
  std::string plugin_;
};

/// First decisive verdict in order; the end of the chain denies; without any authenticate hook everybody is let in
/// (which listeners then open is the configuration's business).
struct AuthenticatePolicy {
  using Decision = AuthDecision;
  using Request = ConnectRequestPtr;
  static Decision initial();
  static const std::vector<AuthEntry>& entries(const Dispatch& dispatch) { return dispatch.auth; }
  static bool answers(const AuthEntry& entry) { return entry.hooks == nullptr || entry.hooks->has_authenticate(); }
  static Answer<Decision> ask(const AuthEntry& entry, const Request& request, const Ticket& ticket, Now now);
  static std::optional<Decision> on_failure(const AuthEntry& entry, const Request& request);
  static bool combine(Decision& combined, Decision answer);
  static Decision finish(Decision combined, bool anybody_asked);
};

/// Any deny wins, at least one allow is needed; without any authorize hook everything is allowed. Filter rules of
/// several plugins all apply; the shortest cache time wins.
struct AuthorizePolicy {
  using Decision = AccessDecision;
  using Request = AccessRequestPtr;
  static Decision initial();
  static const std::vector<AuthEntry>& entries(const Dispatch& dispatch) { return dispatch.auth; }
  static bool answers(const AuthEntry& entry) { return entry.hooks == nullptr || entry.hooks->has_authorize(); }
  static Answer<Decision> ask(const AuthEntry& entry, const Request& request, const Ticket& ticket, Now now);
  static std::optional<Decision> on_failure(const AuthEntry& entry, const Request& request);
  static bool combine(Decision& combined, Decision answer);
  static Decision finish(Decision combined, bool anybody_asked);
};

/// One step of an enhanced authentication. In the first: the first decisive verdict in order, continue among them; the
/// end of the chain refuses the Authentication Method, also where no plugin has the hook. A plugin that gives no answer
/// is told that the exchange is over for it.
struct ExchangePolicy {
  using Decision = ExchangeDecision;
  using Request = ExchangeRequestPtr;
  static Decision initial() { return {}; }
  static const std::vector<AuthEntry>& entries(const Dispatch& dispatch) { return dispatch.auth; }
  static bool answers(const AuthEntry& entry) { return entry.hooks == nullptr || entry.hooks->has_exchange(); }
  static Answer<Decision> ask(const AuthEntry& entry, const Request& request, const Ticket& ticket, Now now);
  static std::optional<Decision> on_failure(const AuthEntry& entry, const Request& request);
  static bool combine(Decision& combined, Decision answer);
  static Decision finish(Decision combined, bool anybody_asked);
};

/// The first plugin that binds wins; nobody: no affix.
struct BindPolicy {
  using Decision = BindDecision;
  using Request = BindRequestPtr;
  static Decision initial() { return {}; }
  static const std::vector<TopicEntry>& entries(const Dispatch& dispatch) { return dispatch.topic; }
  static bool answers(const TopicEntry&) { return true; }
  static Answer<Decision> ask(const TopicEntry& entry, const Request& request, const Ticket& ticket, Now now);
  static std::optional<Decision> on_failure(const TopicEntry& entry, const Request& request);
  static bool combine(Decision& combined, Decision answer);
  static Decision finish(Decision combined, bool) { return combined; }
};

using AuthenticateRun = ChainRun<AuthenticatePolicy>;
using AuthorizeRun = ChainRun<AuthorizePolicy>;
using BindRun = ChainRun<BindPolicy>;
using ExchangeRun = ChainRun<ExchangePolicy>;

extern template class ChainRun<AuthenticatePolicy>;
extern template class ChainRun<AuthorizePolicy>;
extern template class ChainRun<BindPolicy>;
extern template class ChainRun<ExchangePolicy>;

}  // namespace mortise::hooks
