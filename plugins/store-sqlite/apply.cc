#include <algorithm>

#include "database.h"

namespace store_sqlite {

using mortise::RecordView;

void Database::apply(const RecordView& record) {
  Statements& sql = *statements_;
  if (apply_to_queue(record) || apply_to_session(record)) return;
  if (const auto* put = record.as<mortise_retained_put>()) {
    sql.retained_put.run({ValueView::text(record.bytes(put->topic)), ValueView::time(put->expires_at_ms),
                          ValueView::blob(record.bytes(put->payload)), ValueView::blob(record.bytes(put->body))});
  } else if (const auto* remove = record.as<mortise_retained_remove>()) {
    sql.retained_remove.run({ValueView::text(record.bytes(remove->topic))});
  } else if (const auto* mark = record.as<mortise_mark_put>()) {
    sql.mark_put.run({mark->next_session, mark->next_message, ValueView::blob(record.bytes(mark->body))});
  } else {
    sql.unknown_put.run(
        {record.number(), std::uint64_t{record.kind()}, record.session(), ValueView::blob(record.whole())});
  }
}

bool Database::apply_to_queue(const RecordView& record) {
  if (const auto* put = record.as<mortise_queue_put>()) {
    put_queue(record, *put);
  } else if (const auto* message = record.as<mortise_message_put>()) {
    put_message(record, *message);
  } else if (const auto* remove = record.as<mortise_queue_remove>()) {
    remove_queue(record.session(), remove->first_position, remove->last_position);
  } else if (const auto* state = record.as<mortise_queue_state>()) {
    statements_->queue_state.run({record.session(), state->position, std::uint64_t{state->state}});
  } else {
    return false;
  }
  return true;
}

bool Database::apply_to_session(const RecordView& record) {
  Statements& sql = *statements_;
  const std::uint64_t session = record.session();
  if (const auto* in = record.as<mortise_inbound_put>()) {
    sql.inbound_put.run({session, std::uint64_t{in->packet_id}});
  } else if (const auto* out = record.as<mortise_inbound_remove>()) {
    sql.inbound_remove.run({session, std::uint64_t{out->packet_id}});
  } else if (const auto* put = record.as<mortise_session_put>()) {
    put_session(record, *put);
  } else if (record.as<mortise_session_remove>() != nullptr) {
    remove_session(session);
  } else if (const auto* subscription = record.as<mortise_subscription_put>()) {
    sql.subscription_put.run({session, ValueView::text(record.bytes(subscription->filter)),
                              ValueView::blob(record.bytes(subscription->body))});
  } else if (const auto* remove = record.as<mortise_subscription_remove>()) {
    sql.subscription_remove.run({session, ValueView::text(record.bytes(remove->filter))});
  } else if (const auto* will = record.as<mortise_will_put>()) {
    sql.will_put.run({session, ValueView::time(will->due_at_ms), ValueView::text(record.bytes(will->topic)),
                      ValueView::blob(record.bytes(will->payload)), ValueView::blob(record.bytes(will->body))});
  } else if (record.as<mortise_will_remove>() != nullptr) {
    sql.will_remove.run({session});
  } else {
    return false;
  }
  return true;
}

void Database::put_session(const RecordView& record, const mortise_session_put& put) {
  Statements& sql = *statements_;
  const ValueView key = ValueView::blob(record.bytes(put.key));
  // A key belongs to one session: whoever had it is gone.
  sql.session_of_key.begin({key, record.session()});
  if (sql.session_of_key.step()) {
    const std::uint64_t former = sql.session_of_key.number(0);
    sql.session_of_key.reset();
    remove_session(former);
  }
  sql.session_put.run({record.session(), key, ValueView::text(record.bytes(put.client_id)),
                       ValueView::text(record.bytes(put.name_space)), ValueView::time(put.expires_at_ms),
                       ValueView::blob(record.bytes(put.body))});
}

void Database::remove_session(std::uint64_t session) {
  Statements& sql = *statements_;
  sql.session_remove.run({session});
  sql.subscriptions_remove.run({session});
  sql.inbounds_remove.run({session});
  sql.will_remove.run({session});
  remove_queue(session, 0, INT64_MAX);
}

void Database::put_message(const RecordView& record, const mortise_message_put& put) {
  const std::string_view topic = record.bytes(put.topic);
  const std::string_view payload = record.bytes(put.payload);
  statements_->message_put.run({put.message, std::uint64_t{put.refs}, ValueView::text(topic), ValueView::blob(payload),
                                ValueView::blob(record.bytes(put.body))});
  message_ = put.message;
  message_bytes_ = topic.size() + payload.size();
}

void Database::put_queue(const RecordView& record, const mortise_queue_put& put) {
  if (message_ != put.message) {
    Statement& size = statements_->message_size;
    size.begin({put.message});
    message_bytes_ = size.step() ? size.number(0) : 0;
    message_ = put.message;
    size.reset();
  }
  const auto insert = [&] {
    return statements_->queue_put.run({record.session(), put.position, put.message, ValueView::time(put.expires_at_ms),
                                       std::uint64_t{put.qos}, std::uint64_t{put.flags}, std::uint64_t{put.state},
                                       message_bytes_, ValueView::blob(record.bytes(put.body))});
  };
  if (insert() != 0) return;
  // A position is used once; should it be taken all the same, the former entry gives its message back.
  remove_queue(record.session(), put.position, put.position);
  insert();
}

void Database::remove_queue(std::uint64_t session, std::uint64_t first, std::uint64_t last) {
  Statement& removed = statements_->queue_remove;
  constexpr auto kLargest = static_cast<std::uint64_t>(INT64_MAX);
  removed.begin({session, std::min(first, kLargest), std::min(last, kLargest)});
  while (removed.step()) drop_reference(removed.number(0));
}

void Database::drop_reference(std::uint64_t message) {
  // Most messages wait in one queue, so the usual case is one statement.
  if (statements_->message_remove_last.run({message}) == 0) statements_->message_drop.run({message});
}

}  // namespace store_sqlite
