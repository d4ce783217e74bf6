#include "broker/net/loop_group.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/base/scope_exit.h"

namespace mortise::net {

namespace {

/// Signals go to the control thread; those that a thread causes itself stay with it.
sigset_t signals_of_others() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) ::sigdelset(&set, own);
  return set;
}

}  // namespace

Result<std::unique_ptr<LoopGroup>> LoopGroup::create(Mesh& mesh, routing::ReclaimDomain& reclaim,
                                                     const std::vector<core::Shard*>& shards,
                                                     const LoopLimits& limits) {
  CHECK(shards.size() == mesh.loops());
  Descriptor progress(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!progress) return failure(std::string("cannot create an event descriptor: ") + std::strerror(errno));
  std::unique_ptr<LoopGroup> group(new LoopGroup(mesh, std::move(progress)));  // NOLINT: the constructor is private
  for (std::size_t index = 0; index < shards.size(); ++index) {
    Result<std::unique_ptr<EventLoop>> loop =
        EventLoop::create(static_cast<LoopIndex>(index), *shards[index], mesh, reclaim, limits);
    if (!loop) return std::move(loop).as_failure();
    group->loops_.push_back(std::move(*loop));
  }
  return group;
}

LoopGroup::~LoopGroup() {
  if (!threads_.empty()) stop(Millis{0});
}

void LoopGroup::start() {
  const sigset_t blocked = signals_of_others();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const ScopeExit restore([&before] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  for (const std::unique_ptr<EventLoop>& loop : loops_) {
    threads_.emplace_back([&loop = *loop] { loop.run(); });
    ::pthread_setname_np(threads_.back().native_handle(), ("loop-" + std::to_string(threads_.size() - 1)).c_str());
  }
}

Result<LoopGroup::Listeners> LoopGroup::prepare(const std::vector<config::ListenerSettings>& settings,
                                                std::vector<InheritedSocket> inherited) const {
  Result<std::vector<Descriptor>> sockets = match_inherited(std::move(inherited), settings);
  if (!sockets) return std::move(sockets).as_failure();
  Listeners next;
  Listeners running = listeners_;  // those without a successor yet
  for (const config::ListenerSettings& one : settings) {
    const auto same = std::ranges::find(running, one.url, [](const auto& listener) { return listener->url(); });
    Result<std::shared_ptr<Listener>> listener =
        same == running.end() ? Listener::open(one, next.size(), std::move((*sockets)[next.size()]))
                              : (*same)->renewed(one, next.size());
    if (!listener) return std::move(listener).as_failure();
    if (same != running.end()) running.erase(same);
    next.push_back(std::move(*listener));
  }
  return next;
}

Result<void> LoopGroup::listen(const std::vector<config::ListenerSettings>& settings,
                               std::vector<InheritedSocket> inherited) {
  Result<Listeners> listeners = prepare(settings, std::move(inherited));
  if (!listeners) return std::move(listeners).as_failure();
  use(std::move(*listeners));
  return {};
}

void LoopGroup::use(Listeners listeners) {
  Listeners running = std::exchange(listeners_, std::move(listeners));
  for (const std::unique_ptr<EventLoop>& loop : loops_) {
    loop->post([&loop = *loop, running, next = listeners_] {
      // In this order a loop never watches more than it has room for; who comes in between waits in the backlog.
      for (const std::shared_ptr<Listener>& listener : running) loop.remove_listener(*listener);
      for (const std::shared_ptr<Listener>& listener : next) loop.add_listener(listener);
    });
  }
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    const auto old = std::ranges::find(running, listener->url(), [](const auto& one) { return one->url(); });
    if (old == running.end()) continue;
    listener->replace(**old);
    running.erase(old);
  }
}

std::size_t LoopGroup::stop(Millis grace) {
  const SteadyTime deadline = steady_now() + grace;
  for (const std::unique_ptr<EventLoop>& loop : loops_) {
    loop->post(
        [&loop = *loop, progress = progress_.get()] { loop.drain([progress] { ::eventfd_write(progress, 1); }); });
  }
  listeners_.clear();
  wait_until_drained(deadline);
  mesh_.close();
  for (const std::unique_ptr<EventLoop>& loop : loops_) {
    loop->post([&loop = *loop] { loop.leave(); });
  }
  join();
  return static_cast<std::size_t>(totals().open);
}

void LoopGroup::wait_until_drained(SteadyTime deadline) const {
  eventfd_t drained = 0;
  while (drained < loops_.size() && steady_now() < deadline) {
    pollfd waited{progress_.get(), POLLIN, 0};
    ::poll(&waited, 1,
           static_cast<int>(std::max(Millis{0}, std::chrono::ceil<Millis>(deadline - steady_now())).count()));
    eventfd_t added = 0;
    if (::eventfd_read(progress_.get(), &added) == 0) drained += added;
  }
}

void LoopGroup::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

LoopTotals LoopGroup::totals() const noexcept {
  LoopTotals sum;
  for (const std::unique_ptr<EventLoop>& loop : loops_) sum += loop->counters().totals();
  return sum;
}

}  // namespace mortise::net
