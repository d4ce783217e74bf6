#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "broker/admin/request.h"
#include "broker/base/mutex.h"
#include "broker/base/time.h"

namespace mortise::admin {

/// Requests on their way from the threads of HTTP to the thread that may use the broker, and back. Bounded: whoever
/// comes when it is full is told so. Internally synchronised.
class Inbox {
 public:
  static constexpr std::size_t kMost = 64;

  /// `ring` is called, from any thread, when a request has come.
  explicit Inbox(std::function<void()> ring) : ring_(std::move(ring)) {}

  /// Waits for the answer. 503 when there is no room, nobody answers within `patience`, or the broker stops.
  /// Thread: one of HTTP.
  Response ask(Request request, Millis patience);

  /// Answers what waits now, one after the other, and rings again when more has come meanwhile: so those who ask
  /// without end do not keep the thread from everything else. Thread: the one that may use the broker.
  void answer_waiting(const std::function<Response(const Request&)>& answer);

  /// From now on, and to all that wait: stopping.
  void close();

 private:
  struct Waiting {
    Request request;
    std::optional<Response> response;
  };
  std::shared_ptr<Waiting> first();
  std::size_t waiting();
  void answered(const std::shared_ptr<Waiting>& waiting, Response response);

  const std::function<void()> ring_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  /// The front is the one being answered; whoever gives up takes his out.
  std::deque<std::shared_ptr<Waiting>> waiting_ MORTISE_GUARDED_BY(mutex_);
  bool is_closed_ MORTISE_GUARDED_BY(mutex_) = false;
};

}  // namespace mortise::admin
