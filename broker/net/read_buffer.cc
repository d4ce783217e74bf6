#include "broker/net/read_buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mortise::net {

namespace {

/// A short read of a plain socket took all there was, so asking again would only hear EAGAIN; not so when the peer has
/// hung up (its end is still to be read) and not for a layer, which hands out what it holds piece by piece.
ReadBuffer::Outcome read_into(const StreamSocket& socket, std::span<std::uint8_t> into) {
  const Transfer transfer = socket.stream.read(into);
  const bool is_short = transfer.bytes < into.size() && !socket.stream.layer && !socket.has(StreamSocket::kHungUp);
  return {transfer, transfer.status == Transfer::Status::kWouldBlock || is_short};
}

}  // namespace

ReadBuffer::ReadBuffer(std::size_t size, std::size_t partial_max)
    : size_(size),
      partial_max_(partial_max),
      bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kCopyUpTo + size)) {}

ReadBuffer::Outcome ReadBuffer::read(StreamSocket& socket, std::size_t budget) {
  filled_ = 0;
  const std::size_t wanted = std::min(budget, size_);
  return socket.partial.size() <= kCopyUpTo ? read_shared(socket, wanted) : read_own(socket, wanted);
}

ReadBuffer::Outcome ReadBuffer::read_shared(StreamSocket& socket, std::size_t budget) {
  const ByteView held = socket.partial.view();
  const Outcome outcome = read_into(socket, {bytes_.get() + held.size(), budget});
  if (outcome.transfer.bytes == 0) return outcome;
  if (!held.empty()) std::memcpy(bytes_.get(), held.data(), held.size());
  filled_ = held.size() + outcome.transfer.bytes;
  return outcome;
}

ReadBuffer::Outcome ReadBuffer::read_own(StreamSocket& socket, std::size_t budget) const {
  // No more room than what has come already, so that memory follows what a peer sent, not what it announced.
  const std::size_t wanted = std::min(budget, socket.partial.size());
  const std::span<std::uint8_t> room = socket.partial.room(wanted, partial_max_);
  if (room.empty()) return {{Transfer::Status::kFailed, 0, ENOBUFS}, false};
  const Outcome outcome = read_into(socket, room.first(std::min(room.size(), budget)));
  socket.partial.extend(outcome.transfer.bytes);
  return outcome;
}

ByteView ReadBuffer::unconsumed(const StreamSocket& socket) const noexcept {
  return filled_ != 0 ? ByteView(bytes_.get(), filled_) : socket.partial.view();
}

void ReadBuffer::keep_rest(StreamSocket& socket, std::size_t consumed) {
  if (filled_ != 0) {
    socket.partial.assign(ByteView(bytes_.get(), filled_).subspan(consumed));
    filled_ = 0;
  } else {
    socket.partial.consume(consumed);
  }
}

}  // namespace mortise::net
