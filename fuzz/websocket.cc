// A WebSocket, arbitrary and almost right: the handshake and the frames at arbitrary cuts come to what they come to in
// one piece, and what is decoded is what a naive reader of frames makes of the same bytes. Layout: flags, cuts, bytes.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "broker/net/websocket_stream.h"
#include "fuzz/input.h"
#include "tests/unit/net/websocket_frames.h"

namespace mortise::net {
namespace {

using Status = Transfer::Status;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Hands `input` out in pieces and keeps what is written; takes everything.
class Pieces final : public ByteStream {
 public:
  Pieces(std::string input, std::vector<std::uint8_t> cuts) : input_(std::move(input)), cuts_(std::move(cuts)) {}
  std::string written;

  Transfer read(int, std::span<std::uint8_t> into) override {
    if (at_ == input_.size()) return {Status::kWouldBlock, 0, 0};
    const std::size_t cut = cuts_.empty() ? input_.size() : cuts_[next_cut_++ % cuts_.size()] + 1u;
    const std::size_t size = std::min({cut, input_.size() - at_, into.size()});
    std::copy_n(input_.begin() + static_cast<std::ptrdiff_t>(at_), size, into.begin());
    at_ += size;
    return {Status::kDone, size, 0};
  }
  Transfer write(int, std::span<const iovec> vectors) override {
    std::size_t size = 0;
    for (const iovec& vector : vectors) {
      written.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
      size += vector.iov_len;
    }
    return {Status::kDone, size, 0};
  }
  bool owes_bytes() const noexcept override { return false; }
  Transfer flush(int) override { return {Status::kDone, 0, 0}; }
  void say_farewell() override {}

 private:
  const std::string input_;
  const std::vector<std::uint8_t> cuts_;
  std::size_t at_ = 0;
  std::size_t next_cut_ = 0;
};

/// What a connection came to.
struct Outcome {
  Status end = Status::kWouldBlock;
  std::string decoded;
  std::string answers;
};

Outcome play(const std::string& input, std::vector<std::uint8_t> cuts, std::size_t at_once) {
  auto pieces = std::make_unique<Pieces>(input, std::move(cuts));
  Pieces& below = *pieces;
  WebSocketStream stream(std::make_shared<const WebSocketRules>(WebSocketRules{"/mqtt", {"http://a.b"}}),
                         std::move(pieces));
  Outcome outcome;
  std::vector<std::uint8_t> room(at_once);
  for (;;) {
    const Transfer read = stream.read(-1, room);
    must(read.bytes <= room.size());
    outcome.decoded += as_text(ByteView(room).first(read.bytes));
    must(stream.flush(-1).status == Status::kDone && !stream.owes_bytes());
    if (read.status == Status::kDone) continue;
    outcome.end = read.status;
    break;
  }
  stream.say_farewell();
  must(stream.flush(-1).status == Status::kDone);
  outcome.answers = below.written;
  return outcome;
}

/// The same frames, read by somebody who has them all.
struct Twin {
  std::string decoded;
  std::string pongs;
  bool is_over = false;    // a frame that ends the connection
  bool is_closed = false;  // it was a close frame
  bool is_cut = false;     // the last frame is not whole, and perhaps it is wrong already

  void read(std::string_view bytes) {
    while (!is_over && !is_cut && !bytes.empty()) bytes.remove_prefix(read_frame(bytes));
  }

 private:
  bool is_within_message_ = false;

  bool is_frame(unsigned head, bool is_masked, std::uint64_t size, std::size_t wide) {
    const unsigned opcode = head & 0x0F;
    const bool is_last = (head & 0x80) != 0;
    if (!is_masked || (head & 0x70) != 0) return false;
    if ((wide == 2 && size < 126) || (wide == 8 && (size <= 0xFFFF || size >> 63 != 0))) return false;
    if (opcode >= 8) return is_last && size < 126 && opcode <= 10;
    if (opcode > 2 || (opcode == 0) != is_within_message_ || opcode == 1) return false;
    is_within_message_ = !is_last;
    return true;
  }

  /// Returns how many bytes it takes.
  std::size_t read_frame(std::string_view bytes) {
    const auto byte = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    is_cut = true;
    if (bytes.size() < 2) return 0;
    const unsigned length = byte(1) & 0x7F;
    const bool is_masked = (byte(1) & 0x80) != 0;
    const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
    const std::size_t header = 2 + wide + (is_masked ? 4 : 0);
    if (bytes.size() < header) return 0;
    is_cut = false;
    std::uint64_t size = wide == 0 ? length : 0;
    for (std::size_t i = 0; i < wide; ++i) size = size << 8 | byte(2 + i);
    is_over = !is_frame(byte(0), is_masked, size, wide);
    is_cut = is_over && size != 0 && bytes.size() == header;
    if (is_over) return 0;
    const std::size_t here = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size() - header));
    std::string payload(bytes.substr(header, here));
    for (std::size_t i = 0; i < here; ++i) payload[i] = static_cast<char>(payload[i] ^ bytes[header - 4 + i % 4]);
    take(byte(0) & 0x0F, payload, here == size);
    return header + here;
  }

  void take(unsigned opcode, const std::string& payload, bool is_whole) {
    if (opcode < 8) decoded += payload;
    is_cut = opcode == test::kClose && !is_whole;
    if (opcode < 8 || !is_whole) return;
    if (opcode == test::kPing) {
      pongs += static_cast<char>(0x80 | test::kPong);
      pongs += static_cast<char>(payload.size());
      pongs += payload;
    }
    is_closed = is_over = opcode == test::kClose;
  }
};

void compare(const Outcome& outcome, std::string_view answer, std::string_view frames) {
  Twin twin;
  twin.read(frames);
  must(outcome.decoded == twin.decoded);
  must(outcome.answers.starts_with(answer));
  const std::string_view said = std::string_view(outcome.answers).substr(answer.size());
  // What is wrong may be seen before its header is whole, or with the first byte behind it; the reason in a close frame
  // may be found wrong before it is whole.
  if (!twin.is_cut) must((outcome.end != Status::kWouldBlock) == twin.is_over);
  must(twin.is_closed || outcome.end != Status::kEnded);
  if (outcome.end == Status::kWouldBlock) must(said == twin.pongs + "\x88\x02\x03\xE8");
}

void run_input(const std::uint8_t* bytes, std::size_t size) {
  fuzz::InputView in(bytes, size);
  const std::uint8_t flags = in.byte();
  std::vector<std::uint8_t> cuts((flags >> 2) % 8);
  for (std::uint8_t& cut : cuts) cut = in.byte();
  const bool is_opened = (flags & 1) != 0;
  const std::string input = (is_opened ? std::string(test::kUpgrade) : "") + std::string(in.text(16'000));
  const Outcome whole = play(input, {}, 65'536);
  const Outcome cut = play(input, cuts, (flags & 2) != 0 ? 1 + flags / 32u : 4096);
  must(cut.decoded == whole.decoded);
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string::npos || end + 4 > kLongestUpgrade) return must(whole.decoded.empty());
  const UpgradeAnswer answer = answer_upgrade(input.substr(0, end + 4), {"/mqtt", {"http://a.b"}});
  for (const Outcome& outcome : {whole, cut}) {
    if (answer.is_accepted) {
      compare(outcome, answer.response, std::string_view(input).substr(end + 4));
    } else {
      must(!is_opened && outcome.end == Status::kFailed && outcome.decoded.empty());
      must(outcome.answers == answer.response && *answer.why != '\0');
    }
  }
}

}  // namespace
}  // namespace mortise::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  mortise::net::run_input(bytes, size);
  return 0;
}
