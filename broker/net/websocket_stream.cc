#include "broker/net/websocket_stream.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/base/check.h"

namespace mortise::net {

namespace {

// One frame of ours; more would only be held here when the socket is full.
constexpr std::size_t kLongestFrame = 64u << 10;
// A peer that asks (pings) and does not read the answers is owed this much at most.
constexpr std::size_t kMostOwed = 16u << 10;
constexpr std::size_t kMostVectors = 128;

/// The header of one whole binary message, unmasked as a server's are (RFC 6455, 5.2).
std::size_t write_header(std::array<std::uint8_t, 4>& header, std::size_t size) {
  static_assert(kLongestFrame <= 65536);
  header[0] = 0x82;
  if (size < 126) {
    header[1] = static_cast<std::uint8_t>(size);
    return 2;
  }
  header[1] = 126;
  header[2] = static_cast<std::uint8_t>(size >> 8);
  header[3] = static_cast<std::uint8_t>(size);
  return 4;
}

}  // namespace

struct WebSocketStream::Callbacks {
  static WebSocketStream& stream_of(void* data) { return *static_cast<WebSocketStream*>(data); }

  static ssize_t receive(wslay_event_context_ptr frames, std::uint8_t* into, std::size_t room, int, void* data) {
    Pass& pass = stream_of(data).pass_;
    const std::size_t size = std::min(room, pass.size - pass.read);
    if (size == 0) {
      wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    std::memcpy(into, pass.bytes + pass.read, size);
    pass.read += size;
    return static_cast<ssize_t>(size);
  }

  static ssize_t send(wslay_event_context_ptr, const std::uint8_t* bytes, std::size_t size, int, void* data) {
    stream_of(data).owed_.append({bytes, size});
    stream_of(data).answers_ += size;
    return static_cast<ssize_t>(size);
  }

  static void begin_frame(wslay_event_context_ptr frames, const wslay_event_on_frame_recv_start_arg* frame,
                          void* data) {
    WebSocketStream& stream = stream_of(data);
    stream.is_control_ = wslay_is_ctrl_frame(frame->opcode);
    if (frame->opcode != WSLAY_TEXT_FRAME) return;
    stream.state_ = State::kFailed;
    wslay_event_queue_close(frames, WSLAY_CODE_UNSUPPORTED_DATA, nullptr, 0);
    wslay_event_shutdown_read(frames);
  }

  /// What is decoded never overtakes what is read: a header is left out, and wslay holds what it has taken.
  static void take_chunk(wslay_event_context_ptr, const wslay_event_on_frame_recv_chunk_arg* chunk, void* data) {
    WebSocketStream& stream = stream_of(data);
    if (stream.is_control_ || stream.state_ != State::kOpen || chunk->data_length == 0) return;
    Pass& pass = stream.pass_;
    CHECK(pass.decoded + chunk->data_length <= pass.read);
    std::memcpy(pass.bytes + pass.decoded, chunk->data, chunk->data_length);
    pass.decoded += chunk->data_length;
  }

  static constexpr wslay_event_callbacks kAll{receive, send, nullptr, begin_frame, take_chunk, nullptr, nullptr};
};

WebSocketStream::WebSocketStream(std::shared_ptr<const WebSocketRules> rules, std::unique_ptr<ByteStream> below)
    : rules_(std::move(rules)), below_(std::move(below)), frames_(nullptr, &wslay_event_context_free) {}

WebSocketStream::~WebSocketStream() = default;

Transfer WebSocketStream::read(int socket, std::span<std::uint8_t> into) {
  if (state_ == State::kEnded) return {Transfer::Status::kEnded, 0, 0};
  if (state_ == State::kFailed) return {Transfer::Status::kFailed, 0, EPROTO};
  const Transfer raw = read_through(below_.get(), socket, into);
  if (raw.bytes == 0) return raw;
  std::span<std::uint8_t> bytes = into.first(raw.bytes);
  if (state_ == State::kOpening) {
    const std::size_t opening = open(bytes);
    if (state_ != State::kOpen) return {Transfer::Status::kDone, 0, 0};
    std::memmove(bytes.data(), bytes.data() + opening, bytes.size() - opening);
    bytes = bytes.first(bytes.size() - opening);
  }
  return {Transfer::Status::kDone, decode(bytes), 0};
}

std::size_t WebSocketStream::open(ByteView bytes) {
  const std::size_t before = request_.size();
  request_.append(as_text(bytes));
  // The empty line may have begun with the bytes before.
  const std::size_t end = request_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos && request_.size() <= kLongestUpgrade) return bytes.size();
  request_.resize(end == std::string::npos ? 0 : end + 4);
  const UpgradeAnswer answer = answer_upgrade(request_, *rules_);
  owed_.append(as_bytes(answer.response));
  state_ = answer.is_accepted ? State::kOpen : State::kFailed;
  const std::size_t used = request_.size() - std::min(before, request_.size());
  std::string().swap(request_);  // nothing else gives its memory back
  if (!answer.is_accepted) return bytes.size();
  wslay_event_context_ptr frames = nullptr;
  if (wslay_event_context_server_init(&frames, &Callbacks::kAll, this) != 0) {
    state_ = State::kFailed;
    return bytes.size();
  }
  frames_.reset(frames);
  // Nothing is gathered here, so a message may be as long as it likes.
  wslay_event_config_set_no_buffering(frames, 1);
  wslay_event_config_set_max_recv_msg_length(frames, INT64_MAX);
  return used;
}

std::size_t WebSocketStream::decode(std::span<std::uint8_t> raw) {
  pass_ = {raw.data(), raw.size(), 0, 0};
  const int outcome = wslay_event_recv(frames_.get());
  const std::size_t decoded = pass_.decoded;
  pass_ = {};
  if (outcome != 0) {
    // wslay's own close frame would not say why (1002, a protocol error).
    state_ = State::kFailed;
    owed_.append(std::array<std::uint8_t, 4>{0x88, 0x02, 0x03, 0xEA});
    return decoded;
  }
  collect_answers();
  if (state_ != State::kOpen) return decoded;
  if (wslay_event_get_close_received(frames_.get()) != 0) {
    state_ = State::kEnded;
  } else if (wslay_event_get_read_enabled(frames_.get()) == 0 || owed_answers() > kMostOwed) {
    state_ = State::kFailed;
  }
  return decoded;
}

/// Of what is owed, the rest of a frame with the broker's bytes comes first: none is begun while anything is owed.
std::size_t WebSocketStream::owed_answers() {
  answers_ = std::min(answers_, owed_.size());
  return answers_;
}

/// Pongs and the answer to a close frame.
void WebSocketStream::collect_answers() {
  while (wslay_event_want_write(frames_.get()) != 0) {
    if (wslay_event_send(frames_.get()) != 0) return;
  }
}

Transfer WebSocketStream::write(int socket, std::span<const iovec> vectors) {
  if (state_ != State::kOpen) return {Transfer::Status::kFailed, 0, EPIPE};
  std::array<std::uint8_t, 4> header{};
  std::array<iovec, kMostVectors + 1> frame;
  std::size_t count = 1;
  std::size_t size = 0;
  for (const iovec& vector : vectors.first(std::min(vectors.size(), kMostVectors))) {
    const std::size_t taken = std::min(vector.iov_len, kLongestFrame - 1 - size);
    if (taken == 0) break;
    frame[count++] = {vector.iov_base, taken};
    size += taken;
  }
  frame[0] = {header.data(), write_header(header, size)};
  const Transfer written = write_through(below_.get(), socket, std::span(frame).first(count));
  if (written.status != Transfer::Status::kDone) return written;
  // A frame that has begun is said to its end before anything else.
  std::size_t gone = written.bytes;
  for (const iovec& part : std::span(frame).first(count)) {
    const std::size_t skipped = std::min(gone, part.iov_len);
    gone -= skipped;
    owed_.append({static_cast<const std::uint8_t*>(part.iov_base) + skipped, part.iov_len - skipped});
  }
  if (!owed_.empty() && owed_.flush(below_.get(), socket).status == Transfer::Status::kFailed)
    return {Transfer::Status::kFailed, 0, EPIPE};
  return {Transfer::Status::kDone, size, 0};
}

void WebSocketStream::say_farewell() {
  if (state_ == State::kOpen && wslay_event_get_close_sent(frames_.get()) == 0) {
    wslay_event_queue_close(frames_.get(), WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
    collect_answers();
  }
  owes_farewell_below_ = below_ != nullptr;
}

Transfer WebSocketStream::flush(int socket) {
  const Transfer flushed = owed_.flush(below_.get(), socket);
  if (flushed.status != Transfer::Status::kDone || !std::exchange(owes_farewell_below_, false)) return flushed;
  below_->say_farewell();
  return owed_.flush(below_.get(), socket);
}

}  // namespace mortise::net
