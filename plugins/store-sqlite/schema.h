#pragma once

#include "sqlite.h"

namespace store_sqlite {

/// Makes the tables in a new file, or makes sure that the file has those of this version.
/// Errors: e_failed (another program's database, a newer version's store), e_corrupt, e_no_space; the text says what to
/// do.
void prepare_schema(Connection& connection);

/// The statements of commit, load and fetch. Lifetime: within that of the connection.
struct Statements {
  explicit Statements(const Connection& connection);

  Statement begin, commit, rollback;
  Statement applied_put, mark_put, mark_get;
  Statement session_put, session_of_key, session_remove, sessions;
  Statement subscription_put, subscription_remove, subscriptions_remove, subscriptions;
  Statement message_put, message_size, message_remove_last, message_drop;
  Statement queue_put, queue_state, queue_remove, queue_fetch, queue_summaries;
  Statement inbound_put, inbound_remove, inbounds_remove, inbounds;
  Statement retained_put, retained_remove, retained;
  Statement will_put, will_remove, wills;
  Statement unknown_put, unknowns;
};

}  // namespace store_sqlite
