#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/id.h"
#include "broker/base/time.h"
#include "broker/mqtt/reason_code.h"

/// What a hook answers. Plain values, copied and validated by the plugin host before anybody here sees them.
namespace mortise::hooks {

/// kContinue: of an exchange alone.
enum class Verdict : std::uint8_t { kNext = 0, kAllow = 1, kDeny = 2, kContinue = 3 };

struct AuthDecision {
  Verdict verdict = Verdict::kNext;
  mqtt::ReasonCode reason = mqtt::ReasonCode::kNotAuthorized;  // of a deny
  std::optional<std::string> user_name;                        // instead of the one in CONNECT
  std::string name_space;
  std::optional<Seconds> session_expiry_maximum;
  std::optional<Seconds> valid_for;  // of the connection
  std::optional<std::string> note;   // of the plugin that answers, for itself
};

/// One step of an enhanced authentication: what CONNECT would have got, or that the client is to say more.
struct ExchangeDecision : AuthDecision {
  std::optional<std::string> authentication_data;  // of an allow or a continue
};

/// One allow or deny of what a subscription may receive, in routed names.
struct AccessRule {
  bool allow = false;
  std::string filter;
};

enum class CacheScope : std::uint8_t { kNone = 0, kTopic = 1, kFilter = 2 };

struct AccessDecision {
  Verdict verdict = Verdict::kNext;
  CacheScope cache_scope = CacheScope::kNone;
  Millis cache_for{0};
  std::string cache_filter;                    // kFilter: every topic of this filter has the same answer
  std::vector<std::vector<AccessRule>> rules;  // of an allow for SUBSCRIBE: each list, first match decides, must allow
};

/// The operations an affix applies to.
enum AffixOperations : std::uint8_t {
  kAffixPublish = 1,
  kAffixSubscribe = 2,
  kAffixUnsubscribe = 4,
  kAffixWill = 8,
  kAffixAll = 15
};

struct BindDecision {
  bool is_bound = false;    // false: next
  bool is_refused = false;  // set by the chain alone: the failure policy rejects the connection
  std::string prefix;
  std::string suffix;
  std::uint8_t operations = kAffixAll;
  std::uint64_t rule_version = 0;
};

/// Why a hook gave no answer. The operator's policy is the same for all of them (R10).
enum class FailureKind : std::uint8_t {
  kError,
  kException,
  kBadDecision,
  kDeadline,
  kQueueFull,
  kQuarantined,
  kNotLoaded,
  kCrashed,
};
const char* name_of(FailureKind kind) noexcept;

/// The answer comes later, to the question's Ticket, at the latest when `deadline` has passed and the asker calls
/// expire().
struct Pending {
  SteadyTime deadline;
};

template <class Decision>
using Answer = std::variant<Decision, Pending, FailureKind>;

struct ConnectionTag;
using ConnectionId = Id<ConnectionTag>;

/// Which question of which connection on which loop an answer belongs to. `question` never repeats on a connection, so
/// a late answer finds nothing.
struct Ticket {
  LoopIndex loop = 0;
  ConnectionId connection;
  std::uint32_t question = 0;
  friend bool operator==(const Ticket&, const Ticket&) = default;
};

/// What comes later.
using Resolution = std::variant<AuthDecision, AccessDecision, BindDecision, ExchangeDecision, FailureKind>;

}  // namespace mortise::hooks
