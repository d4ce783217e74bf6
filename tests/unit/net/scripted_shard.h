#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

/// A core::Shard (see scripted_shard.cc) that does what the bytes tell it. A packet is an MQTT fixed header with a
/// Remaining Length, whose first byte is the order:
///   E text    echo text                          B number   answer with so many bytes
///   W         say who the peer is
///   I         say which loop this is             S          listen to letters on this loop
///   L n text  a letter for everybody who listens on loop n (costs its size)
///   R n text  the same through the loop's own mail when n is this loop
///   M n       move to loop n, which then says "moved"
///   G         go on with what is behind it in the next iteration
///   H         hold everything back until a Completion for this connection comes
///   Q text    say text, then close with kFlush   X          close with kAbort
namespace mortise::net::test {

/// What the shard of one loop saw. Written by its loop, read by the test.
struct ShardWatch {
  std::atomic<int> accepted{0}, arrived{0}, closed{0}, writable{0}, completions{0}, intents{0}, durable{0}, timers{0};
  std::atomic<int> credit_lost{0}, credit_returned{0};
  std::atomic<std::uint64_t> letters{0}, letter_bytes{0};
  std::atomic<std::uint64_t> largest_turn{0};         // letters handled before something else had its turn
  std::atomic<std::uint64_t> largest_iteration{0};    // bytes received with one Now
  std::atomic<std::uint64_t> sockets_taken_turns{0};  // times receive() changed to another connection
};
extern std::array<ShardWatch, 4> watches;
/// What the first timer of every shard waits; 0: none.
extern std::atomic<int> timer_ms;
/// After so many letters a shard has said enough for one turn; 0: never.
extern std::atomic<std::uint64_t> letters_per_turn;

/// A packet with an order and its text.
std::string order(char what, std::string_view text = {});
std::string order(char what, int loop, std::string_view text = {});

}  // namespace mortise::net::test
