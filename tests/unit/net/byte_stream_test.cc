#include "broker/net/byte_stream.h"

#include <cerrno>
#include <utility>

#include "broker/net/outbox_writer.h"
#include "broker/net/read_buffer.h"
#include "socket_ends.h"

// Socket, layer, read buffer and outbox together, without a loop.

namespace mortise::net {
namespace {

using test::read_all;
using test::socket_pair;
using test::write_all;

/// Turns every bit round, hands at most three bytes out at a time, and sends only when asked to flush: what TLS may do,
/// at its worst.
class WorstLayer final : public ByteStream {
 public:
  Transfer read(int socket, std::span<std::uint8_t> into) override {
    const Transfer transfer = receive_bytes(socket, into.first(std::min<std::size_t>(into.size(), 3)));
    for (std::size_t i = 0; i < transfer.bytes; ++i) into[i] = static_cast<std::uint8_t>(~into[i]);
    return transfer;
  }
  Transfer write(int, std::span<const iovec> vectors) override {
    std::size_t taken = 0;
    for (const iovec& vector : vectors) {
      for (std::size_t i = 0; i < vector.iov_len; ++i)
        owed_ += static_cast<char>(~static_cast<const char*>(vector.iov_base)[i]);
      taken += vector.iov_len;
    }
    return {Transfer::Status::kDone, taken, 0};
  }
  bool owes_bytes() const noexcept override { return !owed_.empty(); }
  Transfer flush(int socket) override {
    const iovec vector{owed_.data(), owed_.size()};
    const Transfer transfer = send_vectors(socket, std::span(&vector, 1));
    owed_.erase(0, transfer.bytes);
    return transfer;
  }
  void say_farewell() override { owed_ += "farewell"; }

 private:
  std::string owed_;
};

std::string inverted(std::string text) {
  for (char& byte : text) byte = static_cast<char>(~byte);
  return text;
}

TEST(ByteStream, ALayerHandsItsBytesOutUntilItHasNone) {
  auto [ours, theirs] = socket_pair();
  StreamSocket socket;
  socket.stream.socket = std::move(ours);
  socket.stream.layer = std::make_unique<WorstLayer>();
  ReadBuffer buffer(4096, 65536);
  write_all(theirs, inverted("seven b"));
  std::string got;
  for (;;) {
    const ReadBuffer::Outcome outcome = buffer.read(socket, 4096);
    if (outcome.ran_dry) break;
    ASSERT_EQ(outcome.transfer.status, Transfer::Status::kDone);
    // A reader that never consumes sees everything again, with the new bytes behind.
    got = as_text(buffer.unconsumed(socket));
    buffer.keep_rest(socket, 0);
  }
  EXPECT_EQ(got, "seven b");
}

TEST(ByteStream, WhatALayerOwesGoesOutBeforeAnythingElse) {
  auto [ours, theirs] = socket_pair();
  Stream stream{std::move(ours), std::make_unique<WorstLayer>(), {}};
  LoopCounters counters;
  core::Outbox outbox;
  outbox.append("first");
  EXPECT_EQ(write_outbox(stream, outbox, counters).bytes, 5u);
  EXPECT_TRUE(stream.layer->owes_bytes());
  stream.layer->say_farewell();
  write_outbox(stream, outbox, counters);
  EXPECT_EQ(read_all(theirs), inverted("first") + "farewell");
}

TEST(ReadBuffer, AShortReadRanDryUnlessThePeerHungUp) {
  auto [ours, theirs] = socket_pair();
  StreamSocket socket;
  socket.stream.socket = std::move(ours);
  ReadBuffer buffer(4096, 65536);
  write_all(theirs, "abc");
  EXPECT_TRUE(buffer.read(socket, 4096).ran_dry);
  buffer.keep_rest(socket, 3);
  write_all(theirs, "def");
  theirs.reset();
  socket.set(StreamSocket::kHungUp);
  EXPECT_FALSE(buffer.read(socket, 4096).ran_dry);
  EXPECT_EQ(as_text(buffer.unconsumed(socket)), "def");
  buffer.keep_rest(socket, 3);
  EXPECT_EQ(buffer.read(socket, 4096).transfer.status, Transfer::Status::kEnded);
  EXPECT_TRUE(socket.partial.empty());
}

TEST(ReadBuffer, MemoryFollowsWhatCameAndStopsAtTheLimit) {
  auto [ours, theirs] = socket_pair();
  StreamSocket socket;
  socket.stream.socket = std::move(ours);
  ReadBuffer buffer(8192, 40'000);
  std::string sent;
  Transfer last;
  while (sent.size() < 100'000) {
    const std::string piece(5000, static_cast<char>('a' + sent.size() / 5000));
    write_all(theirs, piece);
    sent += piece;
    do {
      last = buffer.read(socket, 8192).transfer;
      if (last.status == Transfer::Status::kDone) buffer.keep_rest(socket, 0);
    } while (last.status == Transfer::Status::kDone && last.bytes == 8192);
    if (last.status == Transfer::Status::kFailed) break;
    EXPECT_TRUE(as_text(socket.partial.view()) == std::string_view(sent).substr(0, socket.partial.size()));
  }
  EXPECT_EQ(last.error, ENOBUFS);
  EXPECT_EQ(socket.partial.size(), 40'000u);
}

TEST(OutboxWriter, AFullSocketSaysSoAndALaterWriteGoesOn) {
  auto [ours, theirs] = socket_pair();
  const Stream stream{std::move(ours), nullptr, {}};
  LoopCounters counters;
  core::Outbox outbox;
  std::string text(3'000'000, 'x');
  text.back() = '.';
  outbox.append(text);
  std::string got;
  EXPECT_EQ(write_outbox(stream, outbox, counters).status, Transfer::Status::kWouldBlock);
  while (!outbox.empty()) {
    got += read_all(theirs);
    write_outbox(stream, outbox, counters);
  }
  got += read_all(theirs);
  EXPECT_TRUE(got == text);
  EXPECT_EQ(counters.totals().bytes_written, text.size());
}

TEST(OutboxWriter, APeerThatLeftIsAFailureNotASignal) {
  auto [ours, theirs] = socket_pair();
  const Stream stream{std::move(ours), nullptr, {}};
  theirs.reset();
  LoopCounters counters;
  core::Outbox outbox;
  outbox.append("to nobody");
  const Transfer written = write_outbox(stream, outbox, counters);
  EXPECT_EQ(written.status, Transfer::Status::kFailed);
  EXPECT_EQ(written.error, EPIPE);
}

}  // namespace
}  // namespace mortise::net
