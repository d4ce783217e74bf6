#include "broker/cli/bench.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/base/random.h"
#include "broker/cli/process_cpu.h"

namespace mortise::cli {

using Role = BenchConnection::Role;

namespace {

constexpr std::size_t kConnectingAtOnce = 256;
constexpr std::size_t kBatchBytes = 64u << 10;  // a publisher appends no more before it writes
constexpr Seconds kConnectTimeout{30};
constexpr Seconds kStallAfter{1};
constexpr Seconds kDrainQuiet{3};  // nothing for so long: nothing comes any more

std::int64_t nanoseconds(SteadyTime time) { return std::chrono::nanoseconds(time.time_since_epoch()).count(); }

/// The place in connections_.
net::PollToken token_of(std::size_t number) {
  return {net::PollToken::Kind::kStream, static_cast<std::uint32_t>(number), 1};
}

timespec as_timespec(std::chrono::nanoseconds time) {
  return {static_cast<time_t>(time.count() / 1'000'000'000), static_cast<long>(time.count() % 1'000'000'000)};
}

}  // namespace

Bench::Bench(const BenchOptions& options, net::Poller poller)
    : options_(options), poller_(std::move(poller)), payload_(options.size, 'x') {
  add_connections();
}

Result<BenchReport> Bench::run(const BenchOptions& options) {
  Result<net::Poller> poller = net::Poller::create();
  if (!poller) return std::move(poller).as_failure();
  return Bench(options, std::move(*poller)).run();
}

Bench::~Bench() = default;

void Bench::add_connections() {
  std::uint64_t run = 0;
  random_bytes(&run, sizeof run);
  const std::string topic = "bench/" + std::to_string(run);
  const auto add = [&](Role role, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string own = options_.pattern == BenchPattern::kPairs ? topic + "/" + std::to_string(i) : topic;
      connections_.push_back(std::make_unique<BenchConnection>(role, i, options_, own));
    }
  };
  add(Role::kPublisher, options_.publishers());
  add(Role::kSubscriber, options_.subscribers());
  for (std::size_t i = options_.publishers(); i < connections_.size(); ++i) {
    connections_[i]->seen.resize(options_.pattern == BenchPattern::kFanIn ? options_.clients : 1);
  }
}

Result<BenchReport> Bench::run() {
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_ || !poller_.add(timer_.get(), EPOLLIN, {net::PollToken::Kind::kWakeUp, 0, 0})) {
    return failure(std::string("cannot make a timer: ") + std::strerror(errno));
  }
  if (Result<void> connected = connect_all(); !connected) return std::move(connected).as_failure();
  const Result<Nanoseconds> own_before = cpu_of(::getpid());
  const Result<Nanoseconds> broker_before = cpu_of(options_.pid);  // of 0: our own, and not reported
  if (!broker_before) return failure(broker_before.error().message);
  if (Result<void> sent = send_all(); !sent) return std::move(sent).as_failure();
  if (Result<void> drained = drain(); !drained) return std::move(drained).as_failure();
  const Result<Nanoseconds> broker_after = cpu_of(options_.pid);
  if (!broker_after) return failure("the broker is gone: " + broker_after.error().message);
  if (options_.pid != 0) report_.broker_cpu = *broker_after - *broker_before;
  report_.own_cpu = *cpu_of(::getpid()) - *own_before;
  return finish();
}

Result<void> Bench::connect_all() {
  Result<net::ClientAddress> address = net::ClientAddress::resolve(options_.client.host, options_.client.port);
  if (!address) return std::move(address).as_failure();
  const SteadyTime deadline = steady_now() + kConnectTimeout + Seconds(connections_.size() / 500);
  while (ready_ < connections_.size()) {
    if (Result<void> started = start_some(*address); !started) return started;
    if (Result<void> turned = turn(deadline); !turned) return turned;
    if (steady_now() >= deadline) {
      return failure("only " + std::to_string(ready_) + " of " + std::to_string(connections_.size()) +
                     " clients got connected");
    }
  }
  return {};
}

Result<void> Bench::start_some(const net::ClientAddress& address) {
  while (started_ < connections_.size() && started_ - ready_ < kConnectingAtOnce) {
    const std::size_t number = started_++;
    BenchConnection& connection = *connections_[number];
    if (Result<void> begun = connection.start(address); !begun) return begun;
    connection.is_blocked = true;
    if (!poller_.add(connection.descriptor(), EPOLLIN | EPOLLOUT, token_of(number))) {
      return failure(std::string("epoll: ") + std::strerror(errno));
    }
  }
  return {};
}

Result<void> Bench::send_all() {
  began_ = last_delivery_ = steady_now();
  is_sending_ = true;
  const SteadyTime end =
      options_.messages > 0
          ? kNever
          : began_ + std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(options_.seconds));
  for (std::size_t i = 0; i < options_.publishers(); ++i) mark(*connections_[i]);
  for (SteadyTime now = began_; now < end; now = steady_now()) {
    if (options_.messages > 0 && report_.sent >= options_.messages) break;
    forgive_what_was_lost(now);
    const SteadyTime due = options_.rate > 0 ? schedule(now) : now + 100ms;
    if (Result<void> turned = turn(std::min(due, end)); !turned) return turned;
  }
  if (options_.rate > 0 && options_.messages == 0) schedule(end - 1ns);
  if (Result<void> sent = send_what_is_due(); !sent) return sent;
  is_sending_ = false;
  report_.unsent = options_.rate > 0 ? scheduled_ - report_.sent : 0;
  report_.expected = (report_.sent + report_.unsent) * options_.fan_out();
  return {};
}

/// To leave out what a slow server kept from being sent would flatter its latency.
Result<void> Bench::send_what_is_due() {
  std::uint64_t sent = report_.sent;
  SteadyTime moved = steady_now();
  while (report_.sent < scheduled_ && steady_now() < std::max(moved, last_delivery_) + kDrainQuiet) {
    if (Result<void> turned = turn(steady_now() + 100ms); !turned) return turned;
    if (report_.sent != sent) moved = steady_now();
    sent = report_.sent;
  }
  return {};
}

Result<void> Bench::drain() {
  while (!has_everything() && steady_now() < std::max(last_delivery_, began_) + kDrainQuiet) {
    if (Result<void> turned = turn(steady_now() + 100ms); !turned) return turned;
  }
  return {};
}

bool Bench::has_everything() const {
  if (report_.delivered < report_.expected) return false;
  const auto is_idle = [](const auto& connection) {
    return connection->in_flight() == 0 && connection->unsent_bytes() == 0;
  };
  return std::all_of(connections_.begin(), connections_.end(), is_idle);
}

/// Finer than the milliseconds of epoll: a rate of thousands a second needs it.
void Bench::set_timer(SteadyTime at) {
  itimerspec setting{};
  setting.it_value = as_timespec(std::max<Nanoseconds>(at.time_since_epoch(), 1ns));
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

Result<void> Bench::turn(SteadyTime deadline) {
  const SteadyTime now = steady_now();
  if (dirty_.empty()) set_timer(deadline);
  const std::size_t ready = poller_.wait(now, dirty_.empty() ? now + 1s : now);
  for (std::size_t i = 0; i < ready; ++i) {
    const net::PollEvent event = poller_.event(i);
    if (event.token.kind == net::PollToken::Kind::kWakeUp) {
      std::uint64_t expirations = 0;
      [[maybe_unused]] const ssize_t size = ::read(timer_.get(), &expirations, sizeof expirations);
      continue;
    }
    BenchConnection& connection = *connections_[event.token.index];
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      if (Result<void> received = connection.receive(scratch_, *this); !received) return received;
    }
    mark(connection);
  }
  flushing_.swap(dirty_);
  for (BenchConnection* connection : flushing_) {
    connection->is_dirty = false;
    fill(*connection);
    if (Result<void> flushed = flush(*connection); !flushed) return flushed;
  }
  flushing_.clear();
  return {};
}

void Bench::mark(BenchConnection& connection) {
  if (connection.is_dirty) return;
  connection.is_dirty = true;
  dirty_.push_back(&connection);
}

Result<void> Bench::flush(BenchConnection& connection) {
  Result<bool> is_full = connection.flush();
  if (!is_full) return std::move(is_full).as_failure();
  if (*is_full != connection.is_blocked) {
    connection.is_blocked = *is_full;
    const std::size_t number =
        connection.index() + (connection.role() == Role::kSubscriber ? options_.publishers() : 0);
    poller_.change(connection.descriptor(), *is_full ? EPOLLIN | EPOLLOUT : EPOLLIN, token_of(number));
  }
  // The batch was full, not the socket: go on in the next turn.
  if (!*is_full && connection.role() == Role::kPublisher && may_send(connection)) mark(connection);
  return {};
}

bool Bench::may_send(const BenchConnection& publisher) const {
  if (!is_sending_ || publisher.unsent_bytes() >= kBatchBytes) return false;
  if (options_.messages > 0 && report_.sent >= options_.messages) return false;
  if (options_.qos != mqtt::QoS::kAtMostOnce && publisher.in_flight() >= publisher.receive_maximum()) return false;
  if (options_.rate > 0) return publisher.due > 0;
  const std::uint64_t arrived = publisher.deliveries / options_.fan_out() + publisher.forgiven;
  return options_.window == 0 || publisher.sent < arrived + options_.window;
}

void Bench::fill(BenchConnection& publisher) {
  if (publisher.role() != Role::kPublisher || !may_send(publisher)) return;
  const std::int64_t now = nanoseconds(steady_now());
  while (may_send(publisher)) {
    BenchStamp stamp{publisher.sent, now, static_cast<std::uint32_t>(publisher.index())};
    if (options_.rate > 0) {
      // The publisher's k-th message is number k * publishers + index of them all.
      stamp.intended_at = nanoseconds(intended_time(publisher.sent * options_.publishers() + publisher.index()));
      --publisher.due;
    }
    if (payload_.size() >= kStampSize) write_stamp(payload_, stamp, options_.verifies);
    publisher.publish(payload_);
    ++report_.sent;
  }
}

SteadyTime Bench::intended_time(std::uint64_t number) const {
  return began_ + Nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / options_.rate));
}

SteadyTime Bench::schedule(SteadyTime now) {
  for (; intended_time(scheduled_) <= now; ++scheduled_) {
    if (options_.messages > 0 && scheduled_ == options_.messages) return now + 100ms;
    BenchConnection& publisher = *connections_[scheduled_ % options_.publishers()];
    ++publisher.due;
    mark(publisher);
  }
  return intended_time(scheduled_);
}

void Bench::forgive_what_was_lost(SteadyTime now) {
  if (options_.rate > 0 || now < last_delivery_ + kStallAfter) return;
  last_delivery_ = now;
  ++report_.stalls;
  for (std::size_t i = 0; i < options_.publishers(); ++i) {
    BenchConnection& publisher = *connections_[i];
    publisher.forgiven = publisher.sent - publisher.deliveries / options_.fan_out();
    mark(publisher);
  }
}

void Bench::on_ready(BenchConnection&) { ++ready_; }

void Bench::on_acknowledged(BenchConnection& publisher) { mark(publisher); }

void Bench::on_delivery(BenchConnection& subscriber, const mqtt::PublishView& message) {
  last_delivery_ = read_at_;
  ++report_.delivered;
  if (options_.size < kStampSize) {  // no room for a stamp: deliveries are counted, and credited as if in turn
    BenchConnection& publisher = *connections_[subscriber.index() % options_.publishers()];
    ++publisher.deliveries;
    return mark(publisher);
  }
  const auto stamp = read_stamp(message.payload, options_.verifies);
  if (!stamp || !is_for(subscriber, *stamp)) {
    ++report_.damaged;
    return;
  }
  record(subscriber, *stamp);
}

bool Bench::is_for(const BenchConnection& subscriber, const BenchStamp& stamp) const {
  if (stamp.publisher >= options_.publishers() || stamp.sequence >= connections_[stamp.publisher]->sent) return false;
  return options_.pattern != BenchPattern::kPairs || stamp.publisher == subscriber.index();
}

void Bench::record(BenchConnection& subscriber, const BenchStamp& stamp) {
  const auto finding =
      subscriber.seen[options_.pattern == BenchPattern::kFanIn ? stamp.publisher : 0].add(stamp.sequence);
  if (finding == SequenceRecord::Finding::kDuplicate) {
    ++report_.duplicates;
    return;
  }
  if (finding == SequenceRecord::Finding::kLate) ++report_.order_errors;
  const std::int64_t latency = nanoseconds(read_at_) - stamp.intended_at;
  report_.latency.add(static_cast<std::uint64_t>(std::max<std::int64_t>(latency, 0)));
  BenchConnection& publisher = *connections_[stamp.publisher];
  ++publisher.deliveries;
  mark(publisher);
}

BenchReport Bench::finish() {
  report_.elapsed = last_delivery_ - began_;
  const std::uint64_t unique = report_.delivered - report_.duplicates - report_.damaged;
  report_.lost = report_.expected - std::min(report_.expected, unique);
  return report_;
}

}  // namespace mortise::cli
