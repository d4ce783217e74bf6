#pragma once

#include <memory>
#include <vector>

#include "broker/cli/bench_connection.h"
#include "broker/cli/bench_payload.h"
#include "broker/cli/bench_report.h"
#include "broker/net/poller.h"

namespace mortise::cli {

/// One run of `mortise bench`: connects everybody, sends, waits for what is under way, and reports. One epoll loop.
/// Unsynchronised.
///
/// Design notes. Without a rate the loop is closed: a publisher has at most `window` messages that are not delivered
/// yet, so nothing is lost to full queues and the numbers are those of a broker that keeps up. With a rate it is open:
/// each message has a time at which it should be sent, and its latency counts from that, also when the sender was held
/// up (no coordinated omission); what was due before the end and could not be sent is sent after it, or counts as lost.
class Bench : private BenchEvents {
 public:
  /// Errors: a connection failed or was refused.
  static Result<BenchReport> run(const BenchOptions& options);
  ~Bench() override;

 private:
  using Nanoseconds = std::chrono::nanoseconds;

  Bench(const BenchOptions& options, net::Poller poller);
  Result<BenchReport> run();

  void on_ready(BenchConnection& connection) override;
  void on_read() override { read_at_ = steady_now(); }  // once for many messages: a clock is a fifth of their cost
  void on_delivery(BenchConnection& subscriber, const mqtt::PublishView& message) override;
  void on_acknowledged(BenchConnection& publisher) override;

  void add_connections();
  Result<void> connect_all();
  Result<void> send_all();
  Result<void> send_what_is_due();
  Result<void> drain();
  /// Waits for events at most until `deadline`, handles them, then fills and flushes whoever has cause.
  Result<void> turn(SteadyTime deadline);
  void set_timer(SteadyTime at);
  Result<void> start_some(const net::ClientAddress& address);
  Result<void> flush(BenchConnection& connection);
  /// Lets a publisher append what it may.
  void fill(BenchConnection& publisher);
  bool may_send(const BenchConnection& publisher) const;
  void mark(BenchConnection& connection);
  /// With a rate: hands the messages whose time has come to their publishers. Returns when the next one is due.
  SteadyTime schedule(SteadyTime now);
  void forgive_what_was_lost(SteadyTime now);
  void record(BenchConnection& subscriber, const BenchStamp& stamp);
  bool is_for(const BenchConnection& subscriber, const BenchStamp& stamp) const;
  SteadyTime intended_time(std::uint64_t number) const;
  bool has_everything() const;
  BenchReport finish();

  const BenchOptions& options_;
  net::Poller poller_;
  net::Descriptor timer_;
  std::vector<std::unique_ptr<BenchConnection>> connections_;  // publishers first
  std::vector<BenchConnection*> dirty_, flushing_;
  std::vector<std::uint8_t> scratch_;
  std::string payload_;
  std::size_t started_ = 0, ready_ = 0;
  bool is_sending_ = false;
  std::uint64_t scheduled_ = 0;  // with a rate: messages handed to publishers
  SteadyTime began_{}, read_at_{}, last_delivery_{};
  BenchReport report_;
};

}  // namespace mortise::cli
