// A stream of packets at cuts that the input chooses, by the way every byte of a client takes (ReadBuffer,
// PartialBytes, Shard::receive), against the same stream offered in one piece: the same answers, the same refusal
// behind the same packet, the same end. Before and after CONNECT, in each version, with hooks that answer late, on one
// loop and moving to another.
//   byte 0: bits 0-1 the stream begins with: 0 nothing, 1-3 a CONNECT of 3.1, 3.1.1, 5.0 · 4 hooks answer late · 8 the
//   client moves to another loop · 16 small packets are too large · 32 a small read-ahead
//   byte 1: how many sizes of pieces follow (up to 15); they are used in turn, 0 stands for 4,000
//   the stream: 0xFE n stands for 256 n times 'x', 0xFE 0 for 0xFE

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/log.h"
#include "broker/core/counters.h"
#include "broker/core/shard.h"
#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "broker/net/read_buffer.h"
#include "fuzz/input.h"
#include "tests/unit/core/fixed_random.h"
#include "tests/unit/core/scripted_hooks.h"

namespace mortise::fuzz {
namespace {

using core::testing::access;
using core::testing::allow_connect;

constexpr std::size_t kLongestStream = 40'000;
constexpr std::size_t kLargestPiece = 4000;

struct Play {
  explicit Play(InputView input) {
    const std::uint8_t how = input.byte();
    answers_late = (how & 4) != 0;
    moves = (how & 8) != 0;
    max_packet_size = (how & 16) != 0 ? 60 : 1u << 20;
    read_ahead = (how & 32) != 0 ? 50 : 256u << 10;
    for (std::size_t left = input.byte() % 16; left > 0; --left) pieces.push_back(input.byte());
    if (how % 4 != 0) connect(static_cast<mqtt::ProtocolVersion>(2 + how % 4));
    while (!input.is_empty() && stream.size() < kLongestStream) {
      const std::uint8_t byte = input.byte();
      const std::size_t filler = byte == 0xFE ? std::size_t{input.byte()} * 256 : 0;
      stream.append(filler == 0 ? 1 : filler, filler == 0 ? static_cast<char>(byte) : 'x');
    }
  }
  void connect(mqtt::ProtocolVersion version) {
    mqtt::ConnectView packet;
    packet.version = version;
    packet.clean_start = true;
    packet.client_id = "c";
    mqtt::encode(stream, packet);
  }
  std::size_t piece(std::size_t number) const {
    const std::size_t size = pieces.empty() ? 1 : pieces[number % pieces.size()];
    return size == 0 ? kLargestPiece : size;
  }

  bool answers_late = false, moves = false;
  std::size_t max_packet_size = 0, read_ahead = 0;
  std::vector<std::uint8_t> pieces;
  std::string stream;
};

/// What can be told of a run from outside.
struct Transcript {
  std::string said, log, events;
  core::ShardCounters counters;
  bool is_ended_by_us = false;

  void check_equals(const Transcript& other) const {
    // What is held back for a full socket depends on when the socket is written.
    if (said.size() > 200'000 || other.said.size() > 200'000) return;
    CHECK(log == other.log);
    CHECK(events == other.events);
    CHECK(said == other.said);
    CHECK(is_ended_by_us == other.is_ended_by_us);
    CHECK(counters.packets_received == other.counters.packets_received);
    CHECK(counters.publishes_received == other.counters.publishes_received);
    CHECK(counters.protocol_errors == other.counters.protocol_errors);
    CHECK(counters.connects_refused == other.counters.connects_refused);
  }
};
std::string* log_of_run = nullptr;

/// Both runs draw the same secrets: in which order retained messages come depends on them.
std::size_t fixed_random_for(std::size_t loops) {
  testing::restart_random_bytes();
  return loops;
}

/// A broker with one client, whose bytes a subclass offers.
class Broker {
 public:
  explicit Broker(const Play& play)
      : play_(play), reclaim_(fixed_random_for(2)), index_(reclaim_), retained_(reclaim_, {}) {
    log_of_run = &transcript_.log;
    shared_.loops = play.moves ? 2 : 1;
    shared_.home_hash = KeyedHash();
    shared_.subscriptions = &index_;
    shared_.retained = &retained_;
    shared_.groups = &groups_;
    shared_.mqtt.max_packet_size = static_cast<std::uint32_t>(play.max_packet_size);
    // With the group on another loop what it delivers comes by mail, between what other pieces cause.
    shared_.mqtt.shared_subscription_available = !play.moves;
    shared_.session.read_ahead_max_bytes = play.read_ahead;
    script_hooks();
    for (LoopIndex loop = 0; loop < shared_.loops; ++loop) {
      shards_.push_back(std::make_unique<core::Shard>(loop, shared_, nullptr));
      shards_.back()->set_dispatch(plugins_.dispatch());
    }
    // Where the client's home is, is the other loop's when it moves.
    loop_ = play.moves ? static_cast<LoopIndex>(1 - core::home_loop(shared_, "", "c")) : LoopIndex{0};
    id_ = shards_[loop_]->accepted({}, now_);
  }
  virtual ~Broker() = default;

  Transcript run() {
    while (is_open_ && (progress() || perform() || answer())) {
      while (perform()) {
      }
    }
    transcript_.counters = total();
    transcript_.events = told();
    log_of_run = nullptr;
    return std::move(transcript_);
  }

 protected:
  /// Reads or offers something; false: there is nothing to do now.
  virtual bool progress() = 0;
  virtual void resumed() = 0;
  virtual void moved() {}

  core::Shard& shard() { return *shards_[loop_]; }
  void closed_by_peer() {
    shard().closed(id_, now_);
    is_open_ = false;
    while (perform() || answer()) {
    }
  }

  const Play& play_;
  const Now now_{SteadyTime{} + std::chrono::hours(1), WallTime{} + std::chrono::hours(1)};
  core::ConnectionId id_;
  bool is_open_ = true;

 private:
  enum class Asked : std::uint8_t { kConnect, kAccess };

  void script_hooks() {
    if (!play_.answers_late) return;
    const hooks::Pending pending{now_.steady + std::chrono::hours(1)};
    plugins_.auth->on_authenticate = [this, pending](const auto&) -> hooks::Answer<hooks::AuthDecision> {
      asked_.push_back(Asked::kConnect);
      return pending;
    };
    plugins_.auth->on_authorize = [this, pending](const auto&) -> hooks::Answer<hooks::AccessDecision> {
      asked_.push_back(Asked::kAccess);
      return pending;
    };
  }

  /// The oldest question; only when nothing else moves, so that it is the same moment in each run.
  bool answer() {
    if (asked_.empty()) return false;
    const Asked kind = asked_.front();
    const hooks::Ticket ticket = plugins_.auth->pending.front();
    asked_.pop_front();
    plugins_.auth->pending.erase(plugins_.auth->pending.begin());
    core::Completion completion{
        ticket, kind == Asked::kConnect ? hooks::Resolution(allow_connect()) : hooks::Resolution(access(true))};
    shards_[ticket.loop]->handle(std::move(completion), now_);
    return true;
  }

  bool perform() {
    bool did = false;
    for (LoopIndex loop = 0; loop < shards_.size(); ++loop) did |= perform(loop);
    return did;
  }

  bool perform(LoopIndex loop) {
    core::Shard& from = *shards_[loop];
    from.end_of_iteration();
    core::Actions actions = std::exchange(from.actions(), {});
    from.actions().mail.resize(shards_.size());
    const auto is_ours = [&](core::ConnectionId id) { return is_open_ && loop == loop_ && id == id_; };
    for (core::Actions::Move& move : actions.moves) {
      from.take_outbox(move.connection);
      CHECK(is_ours(move.connection));
      loop_ = move.to;
      id_ = shards_[loop_]->arrived(std::move(*move.arrival), now_);
      moved();
    }
    bool has_mail = false;
    for (std::size_t to = 0; to < actions.mail.size(); ++to) {
      for (core::Mail& mail : actions.mail[to]) {
        shards_[to]->handle(std::move(mail), now_);
        has_mail = true;
      }
    }
    for (const core::ConnectionId id : actions.talkative) {
      if (core::Outbox* outbox = from.outbox(id)) write(*outbox);
      from.writable(id, now_);
    }
    for (const core::Actions::Close& close : actions.closes) {
      core::Outbox rest = from.take_outbox(close.connection);
      if (!is_ours(close.connection)) continue;
      if (close.farewell == core::Farewell::kFlush) write(rest);
      transcript_.is_ended_by_us = true;
      is_open_ = false;
    }
    for (const core::ConnectionId id : actions.resumed) {
      if (is_ours(id)) resumed();
    }
    if (from.next_deadline() <= now_.steady) from.run_timers(now_);
    return has_mail || !actions.moves.empty() || !actions.talkative.empty() || !actions.closes.empty();
  }

  void write(core::Outbox& outbox) {
    while (!outbox.empty()) {
      std::array<iovec, 16> vectors{};
      std::size_t written = 0;
      for (const iovec& vector : std::span(vectors).first(outbox.gather(vectors))) {
        transcript_.said.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
        written += vector.iov_len;
      }
      outbox.consume(written);
    }
  }

  core::ShardCounters total() const {
    core::ShardCounters sum;
    for (const auto& each : shards_) {
      const core::ShardCounters& counters = each->counters();
      sum.packets_received += counters.packets_received;
      sum.publishes_received += counters.publishes_received;
      sum.protocol_errors += counters.protocol_errors;
      sum.connects_refused += counters.connects_refused;
    }
    return sum;
  }

  std::string told() const {
    std::string text;
    for (const hooks::Event& event : plugins_.events->events)
      text += std::to_string(static_cast<int>(event.kind)) + " " + event.topic + "\n";
    return text;
  }

  routing::ReclaimDomain reclaim_;
  routing::SubscriptionIndex index_;
  routing::RetainedIndex retained_;
  core::GroupDirectory groups_{index_};
  core::Shared shared_;
  core::testing::Plugins plugins_;
  std::deque<Asked> asked_;
  std::vector<std::unique_ptr<core::Shard>> shards_;
  LoopIndex loop_ = 0;
  Transcript transcript_;
};

/// Everything at once.
class InOnePiece final : public Broker {
 public:
  using Broker::Broker;

 private:
  bool progress() override {
    if (!shard().wants_bytes(id_) || !is_offered_) {
      if (shard().wants_bytes(id_)) closed_by_peer();
      return false;
    }
    is_offered_ = false;
    at_ += shard().receive(id_, as_bytes(play_.stream).subspan(at_), now_);
    CHECK(at_ <= play_.stream.size());
    return true;
  }
  void resumed() override { is_offered_ = true; }
  void moved() override { is_offered_ = true; }

  std::size_t at_ = 0;
  bool is_offered_ = true;
};

/// Gives the play's bytes piece by piece, as a socket would.
class Pieces final : public net::ByteStream {
 public:
  explicit Pieces(const Play& play) : play_(&play) {}
  net::Transfer read(int, std::span<std::uint8_t> into) override {
    using Status = net::Transfer::Status;
    const ByteView rest = as_bytes(play_->stream).subspan(at_);
    if (rest.empty()) return {Status::kEnded, 0, 0};
    const std::size_t size = std::min({into.size(), rest.size(), play_->piece(number_++)});
    std::copy_n(rest.begin(), size, into.begin());
    at_ += size;
    return {Status::kDone, size, 0};
  }
  net::Transfer write(int, std::span<const iovec>) override { return {net::Transfer::Status::kFailed, 0, 0}; }
  bool owes_bytes() const noexcept override { return false; }
  net::Transfer flush(int) override { return {}; }
  void say_farewell() override {}

 private:
  const Play* play_;
  std::size_t at_ = 0, number_ = 0;
};

/// What an EventLoop does with a readable socket.
class AtCuts final : public Broker {
 public:
  explicit AtCuts(const Play& play) : Broker(play), buffer_(kLargestPiece, 2u << 20) {
    socket_.stream.layer = std::make_unique<Pieces>(play);
  }

 private:
  bool progress() override {
    if (!shard().wants_bytes(id_)) return false;
    const bool offers_again = socket_.has(net::StreamSocket::kOffer) && !socket_.partial.empty();
    socket_.clear(net::StreamSocket::kOffer);
    const net::Transfer transfer = has_ended_ ? net::Transfer{} : buffer_.read(socket_, kLargestPiece).transfer;
    CHECK(transfer.status != net::Transfer::Status::kFailed);
    has_ended_ |= transfer.status == net::Transfer::Status::kEnded;
    // The end comes a step after what was sent before it, so that what that caused is said.
    if (transfer.bytes != 0 || offers_again) {
      offer();
    } else if (has_ended_) {
      closed_by_peer();
    }
    return true;
  }
  void offer() {
    const ByteView bytes = buffer_.unconsumed(socket_);
    const std::size_t consumed = shard().receive(id_, bytes, now_);
    CHECK(consumed <= bytes.size());
    buffer_.keep_rest(socket_, consumed);
  }
  void resumed() override { socket_.set(net::StreamSocket::kOffer); }
  void moved() override {
    net::StreamSocket arrived;
    arrived.stream = std::move(socket_.stream);
    arrived.partial = std::move(socket_.partial);
    arrived.set(net::StreamSocket::kOffer);
    socket_ = std::move(arrived);
  }

  net::ReadBuffer buffer_;
  net::StreamSocket socket_;
  bool has_ended_ = false;
};

// ---- The first packet of every prefix -------------------------------------------------------------------------------

using Found = Result<std::optional<mqtt::FrameView>, mqtt::Refusal>;

/// A prefix shows the packet when it is whole, and never another one; a refusal stays the same.
void check_prefix(ByteView rest, std::size_t size, const Found& whole, std::size_t maximum) {
  const Found found = mqtt::next_frame(rest.first(size), maximum);
  if (!found) {
    CHECK(!whole && found.error().reason == whole.error().reason && found.error().what == whole.error().what);
  } else if (found->has_value()) {
    CHECK(whole && whole->has_value());
    CHECK((*found)->size == (*whole)->size && (*found)->type == (*whole)->type && (*found)->flags == (*whole)->flags);
    CHECK((*found)->body.data() == (*whole)->body.data() && (*found)->body.size() == (*whole)->body.size());
  } else {
    CHECK(!whole || !whole->has_value() || size < (*whole)->size);
  }
}

void check_prefixes(ByteView stream, std::size_t maximum) {
  while (!stream.empty()) {
    const Found whole = mqtt::next_frame(stream, maximum);
    const std::size_t size = whole && whole->has_value() ? (*whole)->size : stream.size();
    for (std::size_t prefix = 0; prefix <= std::min<std::size_t>(size, 8); ++prefix)
      check_prefix(stream, prefix, whole, maximum);
    for (std::size_t prefix = size - 1; prefix <= std::min(size + 1, stream.size()); ++prefix)
      check_prefix(stream, prefix, whole, maximum);
    if (!whole || !whole->has_value()) return;
    stream = stream.subspan(size);
  }
}

}  // namespace
}  // namespace mortise::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mortise;
  set_log_sink(
      [](LogLevel, std::string_view, std::string_view line) {
        if (fuzz::log_of_run != nullptr) fuzz::log_of_run->append(line).append("\n");
      },
      LogLevel::kInfo);
  const fuzz::Play play(fuzz::InputView(data, size));
  fuzz::check_prefixes(as_bytes(play.stream), play.max_packet_size);
  const fuzz::Transcript whole = fuzz::InOnePiece(play).run();
  fuzz::AtCuts(play).run().check_equals(whole);
  return 0;
}
