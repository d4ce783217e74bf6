#include "broker/net/farewells.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "broker/net/outbox_writer.h"

namespace mortise::net {

namespace {

/// Who still sends this much after our last word gets a reset.
constexpr std::size_t kDiscardAtMost = 1u << 20;

}  // namespace

void Farewells::add(Stream stream, core::Outbox outbox, bool has_ended, SteadyTime now) {
  Farewell farewell{std::move(stream), std::move(outbox), has_ended, false, false, 0, ++last_serial_};
  if (!go_on(farewell)) {
    counters_.open.subtract();
    return;
  }
  const std::uint32_t index = keep(std::move(farewell));
  order_.push_back({now + time_limit_, index, last_serial_});
  // Changing the token reports what is ready now as new, so nothing between go_on and here is lost.
  if (!poller_.change(slots_[index]->stream.socket.get(), Poller::kStreamEvents,
                      {PollToken::Kind::kFarewell, index, 0})) {
    end(index);
  }
}

std::uint32_t Farewells::keep(Farewell farewell) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  slots_[index] = std::make_unique<Farewell>(std::move(farewell));
  ++size_;
  return index;
}

void Farewells::on_event(std::uint32_t index) {
  if (index >= slots_.size() || !slots_[index]) return;
  if (!go_on(*slots_[index])) end(index);
}

bool Farewells::go_on(Farewell& farewell) {
  if (!farewell.has_shut_down) {
    const Transfer written = write_last(farewell);
    if (written.status == Transfer::Status::kWouldBlock) return true;
    if (written.status == Transfer::Status::kFailed || farewell.has_ended) return false;
    ::shutdown(farewell.stream.socket.get(), SHUT_WR);
    farewell.has_shut_down = true;
  }
  return discard_input(farewell);
}

Transfer Farewells::write_last(Farewell& farewell) {
  const Transfer written = write_outbox(farewell.stream, farewell.outbox, counters_);
  if (written.status != Transfer::Status::kDone || std::exchange(farewell.has_said, true)) return written;
  if (farewell.stream.layer) farewell.stream.layer->say_farewell();
  return flush_layer(farewell.stream);
}

bool Farewells::discard_input(Farewell& farewell) {
  std::array<std::uint8_t, 16384> bytes;
  while (farewell.discarded < kDiscardAtMost) {
    // Below any layer: nobody wants to understand these bytes.
    const Transfer read = receive_bytes(farewell.stream.socket.get(), bytes);
    if (read.status == Transfer::Status::kWouldBlock) return true;
    if (read.status != Transfer::Status::kDone) return false;
    farewell.discarded += read.bytes;
  }
  return false;
}

void Farewells::expire(SteadyTime now) {
  while (!order_.empty() && order_.front().deadline <= now) {
    const std::uint32_t index = order_.front().index;
    if (!slots_[index]->has_shut_down) counters_.unfinished_farewells.add();
    end(index);
  }
}

void Farewells::end(std::uint32_t index) {
  slots_[index].reset();
  free_.push_back(index);
  --size_;
  counters_.open.subtract();
  while (!order_.empty() && is_over(order_.front())) order_.pop_front();
}

bool Farewells::is_over(const Due& due) const noexcept {
  return !slots_[due.index] || slots_[due.index]->serial != due.serial;
}

}  // namespace mortise::net
