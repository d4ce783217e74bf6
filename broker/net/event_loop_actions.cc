#include <algorithm>
#include <iterator>

#include "broker/net/event_loop.h"
#include "broker/net/outbox_writer.h"

// The second half of an iteration: what other loops said, and what the shard wants done.

namespace mortise::net {

// ---- Mail ----

void EventLoop::handle_mail() {
  outgoing_.collect_returns(shard_);
  update_credit();
  std::vector<core::Mail> own;
  own.swap(own_mail_);
  for (core::Mail& mail : own) deliver(mail);
  own.clear();
  if (own_mail_.empty()) own_mail_.swap(own);  // keeps the memory
  shard_.next_turn();
  handle_reserved();
  shard_.next_turn();
  handle_batches();
}

void EventLoop::handle_reserved() {
  if (reserved_.empty()) reserved_ = mailbox_.take_reserved();
  while (!shard_.has_said_enough()) {
    const std::unique_ptr<ReservedMail> letter = reserved_.pop_front();
    if (!letter) return;
    mesh_.settle(*letter);
    deliver(letter->mail);
  }
}

void EventLoop::handle_batches() {
  if (incoming_.empty()) incoming_ = mailbox_.take_batches();
  std::size_t handled = 0;
  while (handled < limits_.mail_per_iteration && !shard_.has_said_enough()) {
    if (!batch_) batch_ = incoming_.pop_front();
    if (!batch_) return;
    while (batch_handled_ < batch_->mail.size() && !shard_.has_said_enough()) deliver(batch_->mail[batch_handled_++]);
    if (batch_handled_ < batch_->mail.size()) return;
    handled += batch_->cost;
    batch_handled_ = 0;
    if (mesh_.mailbox(batch_->from).give_back(std::move(batch_))) counters_.wake_ups_sent.add();
  }
}

void EventLoop::deliver(core::Mail& mail) {
  if (auto* arrival = std::get_if<Boxed<core::Arrival>>(&mail)) {
    arrive(std::move(**arrival));
  } else {
    shard_.handle(std::move(mail), now_);
  }
}

void EventLoop::arrive(core::Arrival arrival) {
  if (is_draining_) return;  // its socket closes with it
  const std::unique_ptr<core::DetachedStream> detached = std::move(arrival.stream);
  CHECK(detached);
  auto& moving = static_cast<MovingStream&>(*detached);  // loops post no other kind
  const core::ConnectionId id = shard_.arrived(std::move(arrival), now_);
  StreamSocket* socket = add_socket(id, std::move(moving.stream));
  if (socket == nullptr) return;
  socket->partial = std::move(moving.partial);
  socket->set(StreamSocket::kReadable | StreamSocket::kOffer);
  if (moving.has_ended) socket->set(StreamSocket::kEnded);
  enqueue(*socket);
}

void EventLoop::update_credit() {
  if (outgoing_.has_credit() == had_credit_) return;
  had_credit_ = outgoing_.has_credit();
  if (!had_credit_) counters_.credits_exhausted.add();
  shard_.set_mail_credit(had_credit_);
}

// ---- Actions ----

void EventLoop::perform_actions() {
  shard_.end_of_iteration();
  move_streams();
  hand_mail_over();
  write_outboxes();
  close_connections();
  offer_again();
}

void EventLoop::move_streams() {
  taken_.moves.swap(shard_.actions().moves);
  std::vector<std::vector<core::Mail>>& mail = shard_.actions().mail;
  for (core::Actions::Move& move : taken_.moves) {
    core::Outbox outbox = shard_.take_outbox(move.connection);
    StreamSocket* socket = sockets_.find(move.connection);
    if (socket == nullptr) continue;
    // At most a few small packets of an authentication, which a new socket always takes.
    if (!outbox.empty()) write_outbox(socket->stream, outbox, counters_);
    poller_.remove(socket->stream.socket.get());
    move.arrival->stream = std::make_unique<MovingStream>(*socket);
    sockets_.erase(*socket);
    counters_.open.subtract();
    mail.resize(std::max(mail.size(), mesh_.loops()));
    mail[move.to].emplace_back(std::move(*move.arrival));
  }
  taken_.moves.clear();
}

void EventLoop::hand_mail_over() {
  std::vector<std::vector<core::Mail>>& mail = shard_.actions().mail;
  if (self_ < mail.size() && !mail[self_].empty()) {
    if (own_mail_.empty()) {
      own_mail_.swap(mail[self_]);
    } else {
      std::ranges::move(mail[self_], std::back_inserter(own_mail_));
      mail[self_].clear();
    }
  }
  counters_.wake_ups_sent.add(outgoing_.hand_over(mail));
  update_credit();
}

void EventLoop::write_outboxes() {
  taken_.talkative.swap(shard_.actions().talkative);
  taken_.talkative.insert(taken_.talkative.end(), unblocked_.begin(), unblocked_.end());
  unblocked_.clear();
  for (const core::ConnectionId id : taken_.talkative) write_to(id);
  taken_.talkative.clear();
}

void EventLoop::write_to(core::ConnectionId id) {
  StreamSocket* socket = sockets_.find(id);
  if (socket == nullptr || socket->has(StreamSocket::kWriteBlocked)) return;
  core::Outbox* outbox = shard_.outbox(id);
  if (outbox == nullptr) return;
  Transfer written{Transfer::Status::kFailed, 0, 0};
  if (!socket->has(StreamSocket::kWriteFailed)) written = write_outbox(socket->stream, *outbox, counters_);
  if (written.status == Transfer::Status::kFailed) {
    // What the peer sent before it went is still read; reading comes to the end by itself.
    outbox->consume(outbox->size());
    shard_.writable(id, now_);
    socket->set(StreamSocket::kWriteFailed | StreamSocket::kReadable | StreamSocket::kHungUp);
    enqueue(*socket);
    return;
  }
  if (written.status == Transfer::Status::kWouldBlock) socket->set(StreamSocket::kWriteBlocked);
  if (written.bytes != 0) shard_.writable(id, now_);
}

void EventLoop::close_connections() {
  taken_.closes.swap(shard_.actions().closes);
  for (const core::Actions::Close& close : taken_.closes) {
    core::Outbox outbox = shard_.take_outbox(close.connection);
    if (StreamSocket* socket = sockets_.find(close.connection)) {
      close_connection(*socket, close.farewell, std::move(outbox));
    }
  }
  taken_.closes.clear();
}

void EventLoop::close_connection(StreamSocket& socket, core::Farewell farewell, core::Outbox outbox) {
  if (farewell == core::Farewell::kFlush && !socket.has(StreamSocket::kWriteFailed)) {
    // What a layer calls the end need not be the peer's.
    const bool has_ended = socket.has(StreamSocket::kEnded) && !socket.stream.layer;
    farewells_.add(std::move(socket.stream), std::move(outbox), has_ended, now_.steady);
  } else {
    counters_.open.subtract();
  }
  sockets_.erase(socket);
}

void EventLoop::offer_again() {
  taken_.resumed.swap(shard_.actions().resumed);
  for (const core::ConnectionId id : taken_.resumed) {
    StreamSocket* socket = sockets_.find(id);
    if (socket == nullptr) continue;
    socket->set(StreamSocket::kOffer);
    enqueue(*socket);
  }
  taken_.resumed.clear();
}

}  // namespace mortise::net
