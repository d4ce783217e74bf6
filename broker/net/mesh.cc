#include "broker/net/mesh.h"

namespace mortise::net {

namespace {

/// Vectors of batches larger than this are not kept for the next one.
constexpr std::size_t kKeptCapacity = 4096;

/// Which loop of which mesh this thread is.
struct CurrentLoop {
  const Mesh* mesh = nullptr;
  LoopIndex loop = 0;
};
thread_local CurrentLoop current_loop;

std::size_t bytes_of(std::string_view plugin, const hooks::Intent& intent) {
  struct Visitor {
    std::size_t operator()(const hooks::PublishIntent& publish) const { return publish.message->cost(); }
    std::size_t operator()(const hooks::DisconnectIntent& one) const {
      return one.name_space.size() + one.client_id.size();
    }
    std::size_t operator()(const hooks::InvalidateIntent& one) const {
      return one.name_space.size() + one.client_id.size();
    }
  };
  return sizeof(ReservedMail) + plugin.size() + std::visit(Visitor{}, intent);
}

}  // namespace

Result<std::unique_ptr<Mesh>> Mesh::create(const core::Shared& shared, MeshLimits limits) {
  std::unique_ptr<Mesh> mesh(new Mesh(shared, limits));  // NOLINT: the constructor is private
  for (std::size_t loop = 0; loop < shared.loops; ++loop) {
    Result<std::unique_ptr<Mailbox>> mailbox = Mailbox::create(limits.tasks_max);
    if (!mailbox) return std::move(mailbox).as_failure();
    mesh->mailboxes_.push_back(std::move(*mailbox));
  }
  return mesh;
}

void Mesh::complete(const hooks::Ticket& ticket, hooks::Resolution resolution) {
  CHECK(ticket.loop < mailboxes_.size());
  completions_.fetch_add(1, std::memory_order_relaxed);
  post_reserved(ticket.loop, core::Completion{ticket, std::move(resolution)});
}

bool Mesh::perform(std::string_view plugin, hooks::Intent intent) {
  const std::size_t bytes = bytes_of(plugin, intent);
  const bool fits = intents_waiting_.fetch_add(1) < limits_.intents_max &&
                    intent_bytes_waiting_.load() + bytes <= limits_.intents_max_bytes;
  if (!fits || is_closed_.load()) {
    intents_waiting_.fetch_sub(1);
    dropped_intents_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  intent_bytes_waiting_.fetch_add(bytes);
  intents_.fetch_add(1, std::memory_order_relaxed);
  const LoopIndex to = loop_for(intent);
  mailbox(to).post(std::make_unique<ReservedMail>(
      ReservedMail{core::PluginIntent{std::string(plugin), std::move(intent)}, bytes, nullptr}));
  return true;
}

LoopIndex Mesh::loop_for(const hooks::Intent& intent) const noexcept {
  if (const auto* disconnect = std::get_if<hooks::DisconnectIntent>(&intent)) {
    return core::home_loop(shared_, disconnect->name_space, disconnect->client_id);
  }
  if (const auto* invalidate = std::get_if<hooks::InvalidateIntent>(&intent)) {
    return core::home_loop(shared_, invalidate->name_space, invalidate->client_id);
  }
  return current_loop.mesh == this ? current_loop.loop : LoopIndex{0};
}

void Mesh::post_reserved(LoopIndex to, core::Mail mail) {
  CHECK(to < mailboxes_.size());
  mailbox(to).post(std::make_unique<ReservedMail>(ReservedMail{std::move(mail), 0, nullptr}));
}

void Mesh::settle(const ReservedMail& mail) noexcept {
  if (mail.intent_bytes == 0) return;
  intents_waiting_.fetch_sub(1);
  intent_bytes_waiting_.fetch_sub(mail.intent_bytes);
}

void Mesh::post_to_all(const std::function<void(LoopIndex)>& task) {
  for (std::size_t loop = 0; loop < mailboxes_.size(); ++loop) {
    const auto index = static_cast<LoopIndex>(loop);
    mailbox(index).post_always([task, index] { task(index); });
  }
}

void Mesh::close() noexcept {
  is_closed_.store(true);
  for (const std::unique_ptr<Mailbox>& mailbox : mailboxes_) mailbox->close();
}

MeshTotals Mesh::totals() const noexcept { return {completions_.load(), intents_.load(), dropped_intents_.load()}; }

void Mesh::enter_loop(LoopIndex loop) noexcept { current_loop = {this, loop}; }
void Mesh::leave_loop() noexcept { current_loop = {}; }

OutgoingMail::OutgoingMail(Mesh& mesh, LoopIndex self) : mesh_(mesh), self_(self), pairs_(mesh.loops()) {}

std::size_t OutgoingMail::hand_over(std::vector<std::vector<core::Mail>>& by_loop) {
  std::size_t woken = 0;
  for (std::size_t to = 0; to < by_loop.size(); ++to) {
    if (to == self_ || by_loop[to].empty()) continue;
    if (send(static_cast<LoopIndex>(to), by_loop[to])) ++woken;
  }
  return woken;
}

bool OutgoingMail::send(LoopIndex to, std::vector<core::Mail>& mail) {
  Pair& pair = pairs_[to];
  std::unique_ptr<MailBatch> batch = pair.spare ? std::move(pair.spare) : std::make_unique<MailBatch>();
  batch->from = self_;
  batch->to = to;
  batch->cost = 0;
  for (const core::Mail& one : mail) batch->cost += core::cost_of(one);
  batch->mail.swap(mail);
  pair.in_flight += batch->cost;
  if (!pair.is_exhausted && pair.in_flight >= mesh_.limits().credit_bytes) {
    pair.is_exhausted = true;
    ++times_exhausted_;
    if (++exhausted_ == 1) mesh_.mailbox(self_).await_credit(true);
  }
  return mesh_.mailbox(to).post(std::move(batch));
}

void OutgoingMail::collect_returns(core::Shard& shard) {
  Chain<MailBatch> returned = mesh_.mailbox(self_).take_returned();
  while (std::unique_ptr<MailBatch> batch = returned.pop_front()) {
    Pair& pair = pairs_[batch->to];
    pair.in_flight -= batch->cost;
    if (pair.is_exhausted && pair.in_flight <= mesh_.limits().credit_bytes / 2) {
      pair.is_exhausted = false;
      if (--exhausted_ == 0) mesh_.mailbox(self_).await_credit(false);
    }
    shard.take_back(batch->mail);  // here: this thread made the messages
    if (batch->mail.capacity() <= kKeptCapacity) pair.spare = std::move(batch);
  }
}

}  // namespace mortise::net
