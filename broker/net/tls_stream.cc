#include "broker/net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/base/log.h"
#include "broker/net/certificate_identity.h"
#include "broker/net/listen_socket.h"
#include "broker/net/mbedtls_version.h"

namespace mortise::net {

namespace {

// One record of TLS holds this much.
constexpr std::size_t kRecord = 16384;
// What one `write` takes at most; more would be somebody else's turn.
constexpr std::size_t kMostWritten = 256u << 10;

/// Up to one record of `vectors`, from byte `skipped` on: where it is when one vector has it, else gathered in
/// `buffer`.
std::span<const std::uint8_t> next_record(std::span<const iovec> vectors, std::size_t skipped,
                                          std::span<std::uint8_t> buffer) {
  std::size_t gathered = 0;
  for (const iovec& vector : vectors) {
    if (skipped >= vector.iov_len) {
      skipped -= vector.iov_len;
      continue;
    }
    const auto* bytes = static_cast<const std::uint8_t*>(vector.iov_base) + skipped;
    const std::size_t size = std::min(vector.iov_len - skipped, buffer.size() - gathered);
    if (gathered == 0 && size == buffer.size()) return {bytes, size};
    std::memcpy(buffer.data() + gathered, bytes, size);
    gathered += size;
    skipped = 0;
    if (gathered == buffer.size()) break;
  }
  return buffer.first(gathered);
}

}  // namespace

struct TlsStream::Context {
  Context() { mbedtls_ssl_init(&ssl); }
  ~Context() { mbedtls_ssl_free(&ssl); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  mbedtls_ssl_context ssl;
};

struct TlsStream::Callbacks {
  static int send(void* stream, const unsigned char* bytes, std::size_t size) {
    static_cast<TlsStream*>(stream)->owed_.append({bytes, size});
    return static_cast<int>(size);
  }
  static int receive(void* stream, unsigned char* into, std::size_t room) {
    auto& self = *static_cast<TlsStream*>(stream);
    const ByteView bytes = self.fresh();
    const std::size_t size = std::min(room, bytes.size());
    if (size == 0) return MBEDTLS_ERR_SSL_WANT_READ;
    std::memcpy(into, bytes.data(), size);
    self.fresh_taken_ += size;
    return static_cast<int>(size);
  }
};

TlsStream::TlsStream(std::shared_ptr<const TlsServer> server, Permit handshake)
    : server_(std::move(server)), handshake_(std::move(handshake)), context_(std::make_unique<Context>()) {}

TlsStream::~TlsStream() = default;

std::unique_ptr<TlsStream> TlsStream::make(std::shared_ptr<const TlsServer> server, Permit handshake) {
  std::unique_ptr<TlsStream> stream(
      new TlsStream(std::move(server), std::move(handshake)));  // NOLINT: private constructor
  mbedtls_ssl_context& ssl = stream->context_->ssl;
  if (mbedtls_ssl_setup(&ssl, &stream->server_->config()) != 0) return nullptr;
  mbedtls_ssl_set_bio(&ssl, stream.get(), Callbacks::send, Callbacks::receive, nullptr);
  return stream;
}

Transfer TlsStream::read(int socket, std::span<std::uint8_t> into) {
  if (state_ == State::kFailed) return {Transfer::Status::kFailed, 0, EPROTO};
  if (state_ == State::kEnded) return {Transfer::Status::kEnded, 0, 0};
  if (fresh().empty()) {
    const Transfer fetched = fetch(socket, into.size());
    // What mbedTLS has decrypted and had no room for goes first in any case.
    const bool holds_bytes = state_ == State::kOpen && mbedtls_ssl_get_bytes_avail(&context_->ssl) != 0;
    if (fetched.status != Transfer::Status::kDone && !holds_bytes) return fetched;
  }
  if (state_ == State::kHandshake) shake_hands(socket);
  const std::size_t decrypted = state_ == State::kOpen ? decrypt(into) : 0;
  if (fresh().empty()) forget_fresh();
  return {Transfer::Status::kDone, decrypted, 0};
}

/// One read for many records.
Transfer TlsStream::fetch(int socket, std::size_t most) {
  static thread_local std::array<std::uint8_t, 64u << 10> buffer;
  const Transfer read =
      receive_bytes(socket, std::span(buffer).first(std::min(std::max<std::size_t>(most, 512), buffer.size())));
  fresh_.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(read.bytes));
  fresh_taken_ = 0;
  return read;
}

void TlsStream::shake_hands(int socket) {
  mbedtls_ssl_context& ssl = context_->ssl;
  const std::size_t said = owed_.size();
  const int code = mbedtls_ssl_handshake(&ssl);
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) return;
  handshake_ = Permit();
  // A certificate need not be shown where it is optional; one that is has to be good.
  const bool has_bad_certificate =
      code == 0 && mbedtls_ssl_get_peer_cert(&ssl) != nullptr && mbedtls_ssl_get_verify_result(&ssl) != 0;
  if (code == 0 && !has_bad_certificate) {
    state_ = State::kOpen;
    introduction_ = Introduction::kDue;
    return;
  }
  // mbedTLS does not tell the peer of every failure.
  if (has_bad_certificate || owed_.size() == said)
    mbedtls_ssl_send_alert_message(
        &ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
        has_bad_certificate ? MBEDTLS_SSL_ALERT_MSG_BAD_CERT : MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
  MORTISE_LOG(kInfo, "net", "client at %s: the TLS handshake failed: %s", peer_of(socket).text().c_str(),
              has_bad_certificate ? "its certificate is not valid" : mbed::reason(code).c_str());
  fail();
}

std::size_t TlsStream::decrypt(std::span<std::uint8_t> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    const int code = mbedtls_ssl_read(&context_->ssl, into.data() + total, into.size() - total);
    if (code > 0) {
      total += static_cast<std::size_t>(code);
    } else if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
      state_ = State::kEnded;
      break;
    } else {
      if (code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_WANT_WRITE) fail();
      break;
    }
  }
  return total;
}

void TlsStream::fail() noexcept {
  state_ = State::kFailed;
  handshake_ = Permit();
  forget_fresh();
}

/// Its memory, too: an idle connection owns none.
void TlsStream::forget_fresh() noexcept {
  std::vector<std::uint8_t>().swap(fresh_);
  fresh_taken_ = 0;
}

Transfer TlsStream::write(int socket, std::span<const iovec> vectors) {
  if (state_ != State::kOpen) return {Transfer::Status::kFailed, 0, EPIPE};
  std::array<std::uint8_t, kRecord> buffer;
  std::size_t total = 0;
  while (owed_.empty() && total < kMostWritten) {
    const std::span<const std::uint8_t> record = next_record(vectors, total, buffer);
    if (record.empty()) break;
    const int code = mbedtls_ssl_write(&context_->ssl, record.data(), record.size());
    if (code <= 0) {
      fail();
      return {Transfer::Status::kFailed, 0, EPROTO};
    }
    total += static_cast<std::size_t>(code);
    if (owed_.flush(nullptr, socket).status == Transfer::Status::kFailed) return {Transfer::Status::kFailed, 0, EPIPE};
  }
  return {Transfer::Status::kDone, total, 0};
}

void TlsStream::say_farewell() {
  if (state_ == State::kOpen || state_ == State::kEnded) mbedtls_ssl_close_notify(&context_->ssl);
}

void TlsStream::introduce(core::PeerInfo& peer) {
  introduction_ = Introduction::kDone;
  if (const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(&context_->ssl); certificate != nullptr)
    peer.certificate = std::make_shared<const mqtt::CertificateIdentity>(identity_of(*certificate));
  peer.pre_shared_key_identity = std::move(identity_);
}

}  // namespace mortise::net
