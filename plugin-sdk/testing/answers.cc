/// mortise.decision/1 and mortise.token/1 of the fake host.

#include <cstring>

#include "state.h"

namespace mortise::testing {
namespace {

std::uint32_t code(Status status) { return static_cast<std::uint32_t>(status); }

/// Where a decision is given: in the hook, or later by a token.
struct Place {
  Question question;
  std::uint32_t action;
  bool is_late;
};

bool is_short_text(mortise_bytes bytes) { return bytes.size <= MORTISE_MAX_TOPIC_BYTES; }

bool is_plain(mortise_bytes bytes) {
  return is_text(bytes) && string_of(bytes).find_first_of("+#") == std::string::npos;
}

/// A Topic Filter: wildcards fill their level, # is the last one.
bool is_filter(mortise_bytes bytes) {
  if (bytes.size == 0 || !is_text(bytes)) return false;
  const std::string filter = string_of(bytes);
  for (std::size_t i = 0; i < filter.size(); ++i) {
    if (filter[i] != '+' && filter[i] != '#') continue;
    const bool begins_level = i == 0 || filter[i - 1] == '/';
    const bool ends_level = i + 1 == filter.size() || filter[i + 1] == '/';
    if (!begins_level || !ends_level || (filter[i] == '#' && i + 1 != filter.size())) return false;
  }
  return true;
}

/// What holds for the verdict of every hook.
Status check_verdict(std::uint32_t verdict, std::uint32_t reason_code, mortise_handle token, const Place& place) {
  if (verdict < MORTISE_VERDICT_ALLOW || verdict > MORTISE_VERDICT_CONTINUE) return Status::e_invalid;
  const bool is_bind = place.question == Question::kBind;
  const bool is_known = verdict == MORTISE_VERDICT_NEXT || verdict == MORTISE_VERDICT_PENDING ||
                        (verdict == MORTISE_VERDICT_CONTINUE ? place.question == Question::kExchange
                                                             : (verdict == MORTISE_VERDICT_BOUND) == is_bind);
  if (!is_known || (place.is_late && verdict == MORTISE_VERDICT_PENDING)) return Status::e_illegal;
  if ((verdict == MORTISE_VERDICT_PENDING) != (token != 0)) return Status::e_illegal;
  if (reason_code != 0 && (verdict != MORTISE_VERDICT_DENY || reason_code < 0x80 || reason_code > 0xFF)) {
    return Status::e_invalid;
  }
  return Status::ok;
}

/// What authenticate and exchange may say of the client. `flags`: those of the decision that are about it.
template <class Decision>
Status read_client(const Decision& decision, std::uint32_t flags, const Place& place, Answer& answer) {
  if (decision.struct_size != sizeof decision) return Status::e_size;
  const Status status = check_verdict(decision.verdict, decision.reason_code, decision.token, place);
  if (status != Status::ok) return status;
  constexpr std::uint32_t kFlags = MORTISE_AUTH_HAS_USER_NAME | MORTISE_AUTH_HAS_NAME_SPACE |
                                   MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX | MORTISE_AUTH_HAS_VALID_FOR |
                                   MORTISE_AUTH_HAS_NOTE;
  if ((flags & ~kFlags) != 0) return Status::e_invalid;
  if (flags != 0 && decision.verdict != MORTISE_VERDICT_ALLOW) return Status::e_invalid;
  if (!is_short_text(decision.user_name) || !is_short_text(decision.name_space)) return Status::e_range;
  if (!is_text(decision.user_name) || !is_text(decision.name_space)) return Status::e_invalid;
  if (decision.flags & MORTISE_AUTH_HAS_USER_NAME) answer.user_name = string_of(decision.user_name);
  if (decision.flags & MORTISE_AUTH_HAS_NAME_SPACE) answer.name_space = string_of(decision.name_space);
  if (decision.flags & MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX) answer.session_expiry_max_s = decision.session_expiry_max_s;
  const bool has_unsaid = ((decision.flags & MORTISE_AUTH_HAS_VALID_FOR) == 0 && decision.valid_for_s != 0) ||
                          ((decision.flags & MORTISE_AUTH_HAS_NOTE) == 0 && decision.note.size != 0);
  if (has_unsaid) return Status::e_invalid;
  if (decision.flags & MORTISE_AUTH_HAS_VALID_FOR) answer.valid_for_s = decision.valid_for_s;
  if (decision.note.size > MORTISE_MAX_NOTE_BYTES) return Status::e_range;
  if (decision.flags & MORTISE_AUTH_HAS_NOTE) answer.note = string_of(decision.note);
  answer.reason_code = decision.reason_code;
  answer.explanation = string_of(decision.explanation);
  return Status::ok;
}

Status read(const mortise_auth_decision& decision, const Place& place, Answer& answer) {
  return read_client(decision, decision.flags, place, answer);
}

Status read(const mortise_exchange_decision& decision, const Place& place, Answer& answer) {
  const bool has_data = (decision.flags & MORTISE_AUTH_HAS_AUTHENTICATION_DATA) != 0;
  const std::uint32_t about_client = decision.flags & ~std::uint32_t{MORTISE_AUTH_HAS_AUTHENTICATION_DATA};
  const Status status = read_client(decision, about_client, place, answer);
  if (status != Status::ok) return status;
  if (decision.authentication_data.size > MORTISE_MAX_AUTHENTICATION_DATA_BYTES) return Status::e_range;
  if (!has_data) return decision.authentication_data.size == 0 ? Status::ok : Status::e_invalid;
  if (decision.verdict != MORTISE_VERDICT_ALLOW && decision.verdict != MORTISE_VERDICT_CONTINUE)
    return Status::e_invalid;
  answer.authentication_data = string_of(decision.authentication_data);
  return Status::ok;
}

Status read(const mortise_access_decision& decision, const Place& place, Answer& answer) {
  if (decision.struct_size != sizeof decision) return Status::e_size;
  const Status status = check_verdict(decision.verdict, decision.reason_code, decision.token, place);
  if (status != Status::ok) return status;
  if (decision.cache_scope > MORTISE_CACHE_FILTER) return Status::e_invalid;
  if ((decision.cache_scope == MORTISE_CACHE_NONE) != (decision.cache_ms == 0)) return Status::e_invalid;
  if ((decision.cache_scope == MORTISE_CACHE_FILTER) != (decision.cache_filter.size != 0)) return Status::e_invalid;
  if (decision.cache_filter.size != 0 && !is_filter(decision.cache_filter)) return Status::e_invalid;
  if (decision.rule_count > MORTISE_MAX_FILTER_RULES) return Status::e_range;
  if (decision.rule_count != 0 && decision.rules == nullptr) return Status::e_null;
  const bool may_have_rules = decision.verdict == MORTISE_VERDICT_ALLOW && place.action == MORTISE_ACTION_SUBSCRIBE;
  if (decision.rule_count != 0 && !may_have_rules) return Status::e_illegal;
  std::vector<Answer::Rule> rules;
  for (std::uint32_t i = 0; i < decision.rule_count; ++i) {
    const mortise_filter_rule& rule = decision.rules[i];
    const bool has_effect = rule.effect == MORTISE_RULE_ALLOW || rule.effect == MORTISE_RULE_DENY;
    if (!has_effect || rule.reserved != 0 || !is_filter(rule.filter)) return Status::e_invalid;
    rules.push_back({rule.effect, string_of(rule.filter)});
  }
  answer.rules = std::move(rules);
  answer.reason_code = decision.reason_code;
  answer.cache_scope = decision.cache_scope;
  answer.cache_ms = decision.cache_ms;
  answer.cache_filter = string_of(decision.cache_filter);
  answer.explanation = string_of(decision.explanation);
  return Status::ok;
}

Status read(const mortise_bind_decision& decision, const Place& place, Answer& answer) {
  if (decision.struct_size != sizeof decision) return Status::e_size;
  const Status status = check_verdict(decision.verdict, 0, decision.token, place);
  if (status != Status::ok) return status;
  const bool is_bound = decision.verdict == MORTISE_VERDICT_BOUND;
  if (decision.reserved != 0 || (decision.operations & ~MORTISE_OPERATION_ALL) != 0) return Status::e_invalid;
  if (is_bound != (decision.operations != 0)) return Status::e_invalid;
  if (decision.prefix.size + decision.suffix.size >= MORTISE_MAX_TOPIC_BYTES) return Status::e_range;
  const bool is_usable = is_plain(decision.prefix) && is_plain(decision.suffix) &&
                         (decision.prefix.size == 0 || decision.prefix.data[0] != '$');
  if (!is_usable) return Status::e_invalid;
  answer.prefix = string_of(decision.prefix);
  answer.suffix = string_of(decision.suffix);
  answer.operations = decision.operations;
  answer.rule_version = decision.rule_version;
  return Status::ok;
}

/// Takes a decision into `answer`, which stays as it was if the decision is refused.
template <class Decision>
Status take(const Decision& decision, const Place& place, Answer& answer) {
  Answer taken;
  const Status status = read(decision, place, taken);
  if (status != Status::ok) return status;
  taken.verdict = decision.verdict;
  taken.token = decision.token;
  taken.is_decided = decision.verdict != MORTISE_VERDICT_PENDING;
  answer = std::move(taken);
  return Status::ok;
}

/// A token given with PENDING must be one of this call.
Status grant(Scope& scope, mortise_handle token) {
  const auto found = world().tokens.find(token);
  if (found == world().tokens.end()) return Status::e_forged;
  if (found->second.host != scope.host) return Status::e_foreign;
  bool is_of_call = false;
  for (const mortise_handle mine : scope.tokens) is_of_call = is_of_call || mine == token;
  if (!is_of_call) return Status::e_illegal;
  found->second.is_granted = true;
  return Status::ok;
}

template <class Decision>
std::uint32_t decide(mortise_handle call, const Decision* decision, Question question) {
  if (decision == nullptr) return MORTISE_E_NULL;
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  Status status = world().find_call(call, scope);
  if (status != Status::ok) return code(status);
  if (scope->question != question) return MORTISE_E_WRONG_KIND;
  if (scope->answer.verdict != 0) return MORTISE_E_ALREADY;
  Answer answer;
  status = take(*decision, {question, scope->action, false}, answer);
  if (status != Status::ok) return code(status);
  if (answer.token != 0) status = grant(*scope, answer.token);
  if (status == Status::ok) scope->answer = std::move(answer);
  return code(status);
}

template <class Decision>
std::uint32_t complete(mortise_handle self, mortise_handle token, const Decision* decision, Question question) {
  if (decision == nullptr) return MORTISE_E_NULL;
  const std::lock_guard lock(world().mutex);
  FakeHost::State* host = nullptr;
  Status status = world().find_instance(self, host);
  if (status != Status::ok) return code(status);
  const auto found = world().tokens.find(token);
  if (token == 0) return MORTISE_E_NULL;
  if (found == world().tokens.end()) return MORTISE_E_FORGED;
  Token& open = found->second;
  if (open.host != host) return MORTISE_E_FOREIGN;
  if (open.question != question) return MORTISE_E_WRONG_KIND;
  if (open.state != Status::ok) return code(open.state);
  status = take(*decision, {question, open.action, true}, open.answer);
  if (status != Status::ok) return code(status);
  open.state = Status::e_already;
  --host->open_tokens;
  world().completed.notify_all();
  return MORTISE_OK;
}

std::uint32_t create(mortise_handle call, std::uint32_t deadline_ms, mortise_handle* token) {
  if (token == nullptr) return MORTISE_E_NULL;
  *token = 0;
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const Status status = world().find_call(call, scope);
  if (status != Status::ok) return code(status);
  if (scope->question == Question::kNone) return MORTISE_E_ILLEGAL;
  if (deadline_ms == 0) return MORTISE_E_RANGE;
  if (scope->answer.verdict != 0) return MORTISE_E_ALREADY;
  if (scope->host->open_tokens >= scope->host->limits.tokens) return MORTISE_E_QUOTA;
  *token = world().make(MORTISE_KIND_TOKEN);
  world().tokens[*token] = Token{scope->host, scope->question, scope->action, Status::ok, false, {}};
  scope->tokens.push_back(*token);
  ++scope->host->open_tokens;
  return MORTISE_OK;
}

}  // namespace

const mortise_decision_v1& decision_table() {
  static const mortise_decision_v1 table = {
      sizeof(mortise_decision_v1),
      0,
      [](mortise_handle call, const mortise_auth_decision* d) { return decide(call, d, Question::kAuth); },
      [](mortise_handle call, const mortise_access_decision* d) { return decide(call, d, Question::kAccess); },
      [](mortise_handle call, const mortise_bind_decision* d) { return decide(call, d, Question::kBind); },
      [](mortise_handle call, const mortise_exchange_decision* d) { return decide(call, d, Question::kExchange); }};
  return table;
}

const mortise_token_v1& token_table() {
  static const mortise_token_v1 table = {
      sizeof(mortise_token_v1),
      0,
      create,
      [](mortise_handle self, mortise_handle token, const mortise_auth_decision* d) {
        return complete(self, token, d, Question::kAuth);
      },
      [](mortise_handle self, mortise_handle token, const mortise_access_decision* d) {
        return complete(self, token, d, Question::kAccess);
      },
      [](mortise_handle self, mortise_handle token, const mortise_bind_decision* d) {
        return complete(self, token, d, Question::kBind);
      },
      [](mortise_handle self, mortise_handle token, const mortise_exchange_decision* d) {
        return complete(self, token, d, Question::kExchange);
      }};
  return table;
}

}  // namespace mortise::testing
