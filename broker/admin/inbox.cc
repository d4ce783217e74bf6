#include "broker/admin/inbox.h"

#include <utility>

namespace mortise::admin {

Response Inbox::ask(Request request, Millis patience) {
  const auto waiting = std::make_shared<Waiting>();
  waiting->request = std::move(request);
  {
    const MutexLock lock(mutex_);
    if (is_closed_) return error_response(503, "the broker is stopping, or has exchanged its API; ask again");
    if (waiting_.size() >= kMost)
      return error_response(503, std::to_string(kMost) + " requests wait already; try again a little later");
    waiting_.push_back(waiting);
  }
  ring_();
  const SteadyTime deadline = steady_now() + patience;
  MutexLock lock(mutex_);
  while (!waiting->response) {
    if (is_closed_) return error_response(503, "the broker is stopping, or has exchanged its API; ask again");
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && !waiting->response) {
      std::erase(waiting_, waiting);
      return error_response(503, "the broker is busy and did not answer in time; try again a little later");
    }
  }
  return std::move(*waiting->response);
}

std::shared_ptr<Inbox::Waiting> Inbox::first() {
  const MutexLock lock(mutex_);
  return waiting_.empty() || is_closed_ ? nullptr : waiting_.front();
}

void Inbox::answered(const std::shared_ptr<Waiting>& waiting, Response response) {
  const MutexLock lock(mutex_);
  std::erase(waiting_, waiting);
  waiting->response = std::move(response);
  changed_.notify_all();
}

std::size_t Inbox::waiting() {
  const MutexLock lock(mutex_);
  return waiting_.size();
}

void Inbox::answer_waiting(const std::function<Response(const Request&)>& answer) {
  for (std::size_t left = waiting(); left > 0; --left) {
    const std::shared_ptr<Waiting> next = first();
    if (!next) return;
    answered(next, answer(next->request));
  }
  if (waiting() > 0) ring_();
}

void Inbox::close() {
  const MutexLock lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

}  // namespace mortise::admin
