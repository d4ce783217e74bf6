#include "broker/net/transfer.h"

#include <sys/socket.h>

#include <cerrno>

namespace mortise::net {

namespace {

Transfer unfinished(int error) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK) return {Transfer::Status::kWouldBlock, 0, 0};
  return {Transfer::Status::kFailed, 0, error};
}

/// The usual case spares the kernel copying a message header and a vector in.
Transfer send_one(int socket, const iovec& vector) noexcept {
  for (;;) {
    const ssize_t size = ::send(socket, vector.iov_base, vector.iov_len, MSG_NOSIGNAL);
    if (size >= 0) return {Transfer::Status::kDone, static_cast<std::size_t>(size), 0};
    if (errno != EINTR) return unfinished(errno);
  }
}

}  // namespace

Transfer receive_bytes(int socket, std::span<std::uint8_t> into) noexcept {
  for (;;) {
    const ssize_t size = ::recv(socket, into.data(), into.size(), 0);
    if (size > 0) return {Transfer::Status::kDone, static_cast<std::size_t>(size), 0};
    if (size == 0) return {Transfer::Status::kEnded, 0, 0};
    if (errno != EINTR) return unfinished(errno);
  }
}

Transfer send_vectors(int socket, std::span<const iovec> vectors) noexcept {
  if (vectors.size() == 1) return send_one(socket, vectors.front());
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(vectors.data());
  message.msg_iovlen = vectors.size();
  for (;;) {
    const ssize_t size = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (size >= 0) return {Transfer::Status::kDone, static_cast<std::size_t>(size), 0};
    if (errno != EINTR) return unfinished(errno);
  }
}

}  // namespace mortise::net
