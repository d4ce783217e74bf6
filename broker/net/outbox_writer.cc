#include "broker/net/outbox_writer.h"

#include <array>

namespace mortise::net {

namespace {

// 128 vectors are 2 KiB of stack; referenced payloads begin at 4 KiB, so a full set is 256 KiB or more.
constexpr std::size_t kVectors = 128;

std::size_t size_of(std::span<const iovec> vectors) {
  std::size_t size = 0;
  for (const iovec& vector : vectors) size += vector.iov_len;
  return size;
}

}  // namespace

Transfer flush_layer(const Stream& stream) {
  if (!stream.layer || !stream.layer->owes_bytes()) return {Transfer::Status::kDone, 0, 0};
  return stream.layer->flush(stream.socket.get());
}

Transfer write_outbox(const Stream& stream, core::Outbox& outbox, LoopCounters& counters) {
  // Bytes that a layer took earlier go first.
  Transfer total = flush_layer(stream);
  total.bytes = 0;
  while (total.status == Transfer::Status::kDone && !outbox.empty()) {
    std::array<iovec, kVectors> vectors;
    const std::span<const iovec> gathered = std::span(vectors).first(outbox.gather(vectors));
    const std::size_t offered = size_of(gathered);
    const Transfer written = stream.write(gathered);
    counters.writes.add();
    counters.bytes_written.add(written.bytes);
    outbox.consume(written.bytes);
    total.bytes += written.bytes;
    total.status = written.status;
    total.error = written.error;
    // A short write means that the socket is full: asking once more would only hear EAGAIN. A layer takes in pieces,
    // and owes what the socket did not take.
    const bool is_full = stream.layer ? stream.layer->owes_bytes() : written.bytes < offered;
    if (written.status == Transfer::Status::kDone && is_full) total.status = Transfer::Status::kWouldBlock;
  }
  return total;
}

}  // namespace mortise::net
