#include "broker/net/event_loop.h"

#include <algorithm>
#include <cerrno>

#include "broker/base/log.h"

// Design notes.
// Streams are edge-triggered and registered once for reading, writing and hang-up; no epoll_ctl follows until they are
// closed or move. What level-triggering would remember is remembered here: kReadable (an edge came, reading has not run
// dry) and kWriteBlocked (a write was short, the next edge continues). A socket whose connection wants no bytes just is
// not read; its kReadable stays. README.md has the measurement. An iteration reads a bounded number of bytes and
// handles a bounded amount of mail before what they caused is written: so outboxes stay small and warm, and a Shard
// never has to drop for a fast subscriber only because writing comes last.

namespace mortise::net {

namespace {

constexpr std::uint32_t kHangUpEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create(LoopIndex self, core::Shard& shard, Mesh& mesh,
                                                     routing::ReclaimDomain& reclaim, const LoopLimits& limits) {
  Result<Poller> poller = Poller::create();
  if (!poller) return std::move(poller).as_failure();
  std::unique_ptr<EventLoop> loop(
      new EventLoop(self, shard, mesh, reclaim, limits, std::move(*poller)));  // NOLINT: the constructor is private
  if (!loop->poller_.add(mesh.mailbox(self).bell(), EPOLLIN | EPOLLET, {PollToken::Kind::kWakeUp, 0, 0})) {
    return failure("cannot watch an event descriptor: out of memory or of watches (fs.epoll.max_user_watches)");
  }
  return loop;
}

EventLoop::EventLoop(LoopIndex self, core::Shard& shard, Mesh& mesh, routing::ReclaimDomain& reclaim,
                     const LoopLimits& limits, Poller poller)
    : self_(self),
      limits_(limits),
      shard_(shard),
      mesh_(mesh),
      mailbox_(mesh.mailbox(self)),
      reclaim_(reclaim),
      poller_(std::move(poller)),
      buffer_(limits.read_buffer, limits.partial_max),
      outgoing_(mesh, self),
      farewells_(poller_, counters_, limits.farewell),
      acceptors_(poller_, counters_, limits_),
      now_(mortise::now()) {}

void EventLoop::run() {
  mesh_.enter_loop(self_);
  reclaim_.woke_up(self_);
  while (!is_leaving_) iterate();
  // What others posted meanwhile (a bounded number of rounds: they may answer each other).
  for (int round = 0; round < 16 && (has_more_to_do() || !mailbox_.is_empty()); ++round) iterate();
  acceptors_.close();
  reclaim_.went_to_sleep(self_);
  mesh_.leave_loop();
}

void EventLoop::iterate() {
  wait_for_events();
  serve_sockets();
  handle_mail();
  mailbox_.run_tasks();
  run_timers();
  perform_actions();
  report_drained();
  counters_.iterations.add();
  reclaim_.passed_iteration(self_);
}

void EventLoop::wait_for_events() {
  const bool sleeps = !is_leaving_ && !has_more_to_do() && mailbox_.prepare_to_sleep();
  if (sleeps) {
    reclaim_.went_to_sleep(self_);
    counters_.sleeps.add();
  }
  const std::size_t events = poller_.wait(now_.steady, sleeps ? next_deadline() : now_.steady);
  if (sleeps) {
    mailbox_.woke_up();
    reclaim_.woke_up(self_);
  }
  now_ = mortise::now();
  for (std::size_t number = 0; number < events; ++number) on_event(poller_.event(number));
}

SteadyTime EventLoop::next_deadline() const noexcept {
  return std::min({shard_.next_deadline(), farewells_.next_deadline(), acceptors_.next_deadline()});
}

bool EventLoop::has_more_to_do() noexcept {
  const core::Actions& actions = shard_.actions();
  return !to_serve_.empty() || !unblocked_.empty() || !own_mail_.empty() || !incoming_.empty() || batch_ ||
         !reserved_.empty() || !actions.talkative.empty() || !actions.closes.empty() || !actions.moves.empty() ||
         !actions.resumed.empty() ||
         std::ranges::any_of(actions.mail, [](const std::vector<core::Mail>& mail) { return !mail.empty(); });
}

void EventLoop::on_event(const PollEvent& event) {
  switch (event.token.kind) {
    case PollToken::Kind::kStream:
      if (StreamSocket* socket = sockets_.find({event.token.index, event.token.generation})) {
        on_stream_event(*socket, event.events);
      }
      return;
    case PollToken::Kind::kListener:
      acceptors_.accept_from(event.token.index, now_.steady, [this](Stream stream, core::PeerInfo peer) {
        add_connection(std::move(stream), std::move(peer));
      });
      return;
    case PollToken::Kind::kFarewell:
      farewells_.on_event(event.token.index);
      return;
    case PollToken::Kind::kWakeUp:
      return;
  }
}

void EventLoop::on_stream_event(StreamSocket& socket, std::uint32_t events) {
  if ((events & (EPOLLIN | kHangUpEvents)) != 0) {
    socket.set(StreamSocket::kReadable);
    if ((events & kHangUpEvents) != 0) socket.set(StreamSocket::kHungUp);
    enqueue(socket);
  }
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 && socket.has(StreamSocket::kWriteBlocked)) {
    socket.clear(StreamSocket::kWriteBlocked);
    unblocked_.push_back(socket.id);
  }
}

void EventLoop::add_connection(Stream stream, core::PeerInfo peer) {
  counters_.accepted.add();
  const core::ConnectionId id = shard_.accepted(std::move(peer), now_);
  add_socket(id, std::move(stream));
}

StreamSocket* EventLoop::add_socket(core::ConnectionId id, Stream stream) {
  StreamSocket& socket = sockets_.emplace(id, std::move(stream));
  counters_.open.add();
  if (poller_.add(socket.stream.socket.get(), Poller::kStreamEvents,
                  {PollToken::Kind::kStream, id.index, id.generation})) {
    return &socket;
  }
  shard_.closed(id, now_);
  close_connection(socket, core::Farewell::kAbort, {});
  return nullptr;
}

void EventLoop::run_timers() {
  if (now_.steady >= shard_.next_deadline()) shard_.run_timers(now_);
  farewells_.expire(now_.steady);
  acceptors_.resume(now_.steady);
}

void EventLoop::drain(std::function<void()> drained) {
  acceptors_.close();
  is_draining_ = true;
  drained_ = std::move(drained);
  shard_.shut_down(now_);
}

void EventLoop::report_drained() {
  if (!drained_ || sockets_.size() != 0 || farewells_.size() != 0 || has_more_to_do()) return;
  std::exchange(drained_, nullptr)();
}

// ---- Reading ----

void EventLoop::enqueue(StreamSocket& socket) {
  if (socket.has(StreamSocket::kQueued)) return;
  socket.set(StreamSocket::kQueued);
  to_serve_.push_back(socket.id);
}

void EventLoop::serve_sockets() {
  handshake_steps_left_ = limits_.handshakes_per_iteration;
  const std::size_t waiting = to_serve_.size();
  std::size_t served = 0;
  std::size_t bytes = 0;
  while (served < waiting && bytes < limits_.read_per_iteration && !shard_.has_said_enough()) {
    StreamSocket* socket = sockets_.find(to_serve_[served++]);
    if (socket != nullptr) bytes += serve(*socket);
  }
  to_serve_.erase(to_serve_.begin(), to_serve_.begin() + static_cast<std::ptrdiff_t>(served));
}

std::size_t EventLoop::serve(StreamSocket& socket) {
  socket.clear(StreamSocket::kQueued);
  // A connection that wants nothing now is named by `resumed` when it does; what is readable stays readable.
  if (!shard_.wants_bytes(socket.id)) return 0;
  // What is held goes first: reading on top of whole packets that are held back again would only pile them up.
  if (socket.has(StreamSocket::kOffer)) {
    socket.clear(StreamSocket::kOffer);
    offer(socket);
    if (!shard_.wants_bytes(socket.id)) return 0;
  }
  if (socket.stream.layer && socket.stream.layer->is_shaking_hands()) {
    if (handshake_steps_left_ == 0) {
      enqueue(socket);
      return 0;
    }
    --handshake_steps_left_;
  }
  const std::size_t bytes = socket.has(StreamSocket::kReadable) ? read(socket) : 0;
  if (bytes != 0) offer(socket);
  if (socket.has(StreamSocket::kEnded)) {
    end_if_done(socket);
  } else if (socket.has(StreamSocket::kReadable)) {
    enqueue(socket);
  }
  return bytes;
}

std::size_t EventLoop::read(StreamSocket& socket) {
  const bool was_shaking_hands = socket.stream.layer && socket.stream.layer->is_shaking_hands();
  const ReadBuffer::Outcome outcome = buffer_.read(socket, limits_.read_per_socket);
  const Transfer& transfer = outcome.transfer;
  counters_.reads.add();
  counters_.bytes_read.add(transfer.bytes);
  const bool is_over = transfer.status == Transfer::Status::kEnded || transfer.status == Transfer::Status::kFailed ||
                       (transfer.status == Transfer::Status::kWouldBlock && socket.has(StreamSocket::kWriteFailed));
  if (transfer.status == Transfer::Status::kFailed && transfer.error == ENOBUFS) counters_.overlong_partials.add();
  if (is_over) socket.set(StreamSocket::kEnded);
  if (is_over || outcome.ran_dry) socket.clear(StreamSocket::kReadable);
  if (socket.stream.layer) attend_layer(socket, was_shaking_hands);
  return transfer.bytes;
}

/// A layer may have learnt who the peer is, and have something to answer without the broker having said anything.
void EventLoop::attend_layer(const StreamSocket& socket, bool was_shaking_hands) {
  ByteStream& layer = *socket.stream.layer;
  if (was_shaking_hands && !layer.is_shaking_hands())
    (layer.has_introduction() ? counters_.handshakes : counters_.failed_handshakes).add();
  if (layer.has_introduction()) {
    core::PeerInfo nobody;
    core::PeerInfo* peer = shard_.peer(socket.id);
    layer.introduce(peer != nullptr ? *peer : nobody);
  }
  if (layer.owes_bytes()) unblocked_.push_back(socket.id);
}

void EventLoop::offer(StreamSocket& socket) {
  const ByteView bytes = buffer_.unconsumed(socket);
  const std::size_t consumed = shard_.receive(socket.id, bytes, now_);
  CHECK(consumed <= bytes.size());
  buffer_.keep_rest(socket, consumed);
}

/// The end comes after what was sent before it: a connection that holds packets back, or wants none now, hears of the
/// end when it went on. What remains otherwise is a piece of a packet that nobody will complete.
void EventLoop::end_if_done(StreamSocket& socket) {
  if (!shard_.wants_bytes(socket.id)) return;
  shard_.closed(socket.id, now_);
  // A layer that gave the connection up may have said why, and the peer may still be sending: no reset.
  close_connection(socket, socket.stream.layer ? core::Farewell::kFlush : core::Farewell::kAbort, {});
}

}  // namespace mortise::net
