#include "broker/net/proxy_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "broker/base/log.h"
#include "broker/net/listen_socket.h"

namespace mortise::net {

namespace {

/// Looks at what has come without taking it.
Transfer peek(int socket, std::span<std::uint8_t> into) {
  for (;;) {
    const ssize_t size = ::recv(socket, into.data(), into.size(), MSG_PEEK);
    if (size > 0) return {Transfer::Status::kDone, static_cast<std::size_t>(size), 0};
    if (size == 0) return {Transfer::Status::kEnded, 0, 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {Transfer::Status::kWouldBlock, 0, 0};
    if (errno != EINTR) return {Transfer::Status::kFailed, 0, errno};
  }
}

}  // namespace

Transfer ProxyStream::read(int socket, std::span<std::uint8_t> into) {
  return is_whole_ ? read_through(next_.get(), socket, into) : read_header(socket);
}

Transfer ProxyStream::read_header(int socket) {
  std::array<std::uint8_t, kLongestProxyHeader> bytes;
  std::copy(beginning_.begin(), beginning_.end(), bytes.begin());
  const Transfer seen = peek(socket, std::span(bytes).subspan(beginning_.size()));
  if (seen.status != Transfer::Status::kDone) return seen;
  const std::size_t known = beginning_.size() + seen.bytes;
  Result<std::optional<ProxyHeader>> header = read_proxy_header(ByteView(bytes).first(known));
  if (!header) {
    MORTISE_LOG(kWarning, "net", "a connection of the proxy %s is closed: its PROXY header is wrong: %s",
                peer_of(socket).host.c_str(), header.error().message.c_str());
    return {Transfer::Status::kFailed, 0, EPROTO};
  }
  // Exactly the header is taken; what is behind it is read by whom it is for.
  const std::size_t taken = (*header ? (**header).size : known) - beginning_.size();
  const Transfer read = receive_bytes(socket, std::span(bytes).subspan(beginning_.size(), taken));
  if (read.bytes != taken) return {Transfer::Status::kFailed, 0, EIO};
  if (*header) {
    is_whole_ = true;
    std::string().swap(beginning_);  // nothing else gives its memory back
    header_ = std::move(*header);
  } else {
    beginning_ = as_text(ByteView(bytes).first(known));
  }
  return {Transfer::Status::kDone, 0, 0};
}

void ProxyStream::say_farewell() {
  if (is_whole_ && next_) next_->say_farewell();
}

void ProxyStream::introduce(core::PeerInfo& peer) {
  if (header_) {
    if (header_->source) {
      peer.peer_address = std::move(header_->source->host);
      peer.peer_port = header_->source->port;
    }
    if (header_->destination) {
      peer.local_address = std::move(header_->destination->host);
      peer.local_port = header_->destination->port;
    }
    if (header_->common_name) {
      mqtt::CertificateIdentity identity;
      identity.common_name = std::move(*header_->common_name);
      peer.certificate = std::make_shared<const mqtt::CertificateIdentity>(std::move(identity));
    }
    header_.reset();
  }
  if (next_ && next_->has_introduction()) next_->introduce(peer);
}

}  // namespace mortise::net
