#include "broker/net/mailbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

namespace mortise::net {

Result<std::unique_ptr<Mailbox>> Mailbox::create(std::size_t tasks_max) {
  Descriptor bell(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!bell) return failure(std::string("cannot create an event descriptor: ") + std::strerror(errno));
  return std::unique_ptr<Mailbox>(new Mailbox(std::move(bell), tasks_max));  // NOLINT: the constructor is private
}

bool Mailbox::wake() noexcept {
  if (!is_asleep_.load() || !is_asleep_.exchange(false)) return false;
  ::eventfd_write(bell_.get(), 1);
  return true;
}

bool Mailbox::post(std::unique_ptr<MailBatch> batch) noexcept {
  batches_.push(std::move(batch));
  return wake();
}

bool Mailbox::post(std::unique_ptr<ReservedMail> mail) noexcept {
  reserved_.push(std::move(mail));
  return wake();
}

bool Mailbox::give_back(std::unique_ptr<MailBatch> batch) noexcept {
  returned_.push(std::move(batch));
  return awaits_credit_.load() && wake();
}

bool Mailbox::post(Task task) {
  if (is_closed_.load()) return false;
  if (tasks_waiting_.fetch_add(1) >= tasks_max_) {
    tasks_waiting_.fetch_sub(1);
    return false;
  }
  tasks_.push(std::make_unique<PostedTask>(PostedTask{std::move(task), true, nullptr}));
  wake();
  return true;
}

void Mailbox::post_always(Task task) {
  tasks_.push(std::make_unique<PostedTask>(PostedTask{std::move(task), false, nullptr}));
  wake();
}

bool Mailbox::prepare_to_sleep() noexcept {
  is_asleep_.store(true);
  if (is_empty() && !(awaits_credit_.load() && !returned_.empty())) return true;
  is_asleep_.store(false);
  return false;
}

void Mailbox::run_tasks() {
  Chain<PostedTask> tasks = tasks_.take();
  while (const std::unique_ptr<PostedTask> posted = tasks.pop_front()) {
    if (posted->is_counted) tasks_waiting_.fetch_sub(1);
    posted->task();
  }
}

}  // namespace mortise::net
