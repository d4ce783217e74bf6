#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/base/result.h"
#include "broker/core/shard.h"
#include "broker/net/acceptors.h"
#include "broker/net/farewells.h"
#include "broker/net/loop_counters.h"
#include "broker/net/loop_limits.h"
#include "broker/net/mesh.h"
#include "broker/net/poller.h"
#include "broker/net/read_buffer.h"
#include "broker/net/socket_table.h"
#include "broker/routing/reclaim.h"

namespace mortise::net {

/// One thread that waits for sockets, mail and time, tells one Shard of them, and does what the Shard wants done.
/// Unsynchronised: everything runs on the loop's thread but `post` and `counters`.
class EventLoop {
 public:
  /// All four outlive the loop. Errors: no descriptor is left.
  static Result<std::unique_ptr<EventLoop>> create(LoopIndex self, core::Shard& shard, Mesh& mesh,
                                                   routing::ReclaimDomain& reclaim, const LoopLimits& limits);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs on the calling thread until `leave`.
  void run();

  // ---- Thread: any
  // ---------------------------------------------------------------------------------------------------
  /// Runs `task` on the loop's thread, whatever else waits there.
  void post(std::function<void()> task) { mailbox_.post_always(std::move(task)); }
  const LoopCounters& counters() const noexcept { return counters_; }

  // ---- Thread: the loop's (in a posted task)
  // --------------------------------------------------------------------------
  void add_listener(std::shared_ptr<Listener> listener) { acceptors_.add(std::move(listener), steady_now()); }
  void remove_listener(const Listener& listener) noexcept { acceptors_.remove(listener); }
  /// Accepts nothing more, says good-bye to every Client, and calls `drained` once no socket is left.
  void drain(std::function<void()> drained);
  /// `run` returns after this iteration.
  void leave() noexcept { is_leaving_ = true; }

 private:
  EventLoop(LoopIndex self, core::Shard& shard, Mesh& mesh, routing::ReclaimDomain& reclaim, const LoopLimits& limits,
            Poller poller);

  // One iteration, in this order.
  void iterate();
  void wait_for_events();
  void serve_sockets();
  void handle_mail();
  void run_timers();
  void perform_actions();
  void report_drained();

  // Events.
  void on_event(const PollEvent& event);
  void on_stream_event(StreamSocket& socket, std::uint32_t events);
  void add_connection(Stream stream, core::PeerInfo peer);
  StreamSocket* add_socket(core::ConnectionId id, Stream stream);

  // Reading.
  void enqueue(StreamSocket& socket);
  std::size_t serve(StreamSocket& socket);
  std::size_t read(StreamSocket& socket);
  void attend_layer(const StreamSocket& socket, bool was_shaking_hands);
  void offer(StreamSocket& socket);
  void end_if_done(StreamSocket& socket);

  // Mail.
  void deliver(core::Mail& mail);
  void arrive(core::Arrival arrival);
  void handle_reserved();
  void handle_batches();
  void update_credit();

  // Actions.
  void move_streams();
  void hand_mail_over();
  void write_outboxes();
  void write_to(core::ConnectionId id);
  void close_connections();
  void close_connection(StreamSocket& socket, core::Farewell farewell, core::Outbox outbox);
  void offer_again();
  bool has_more_to_do() noexcept;
  SteadyTime next_deadline() const noexcept;

  // Constant after construction.
  const LoopIndex self_;
  const LoopLimits limits_;
  core::Shard& shard_;
  Mesh& mesh_;
  Mailbox& mailbox_;
  routing::ReclaimDomain& reclaim_;

  LoopCounters counters_;  // written by the loop, read by any thread

  // Loop-only.
  Poller poller_;
  SocketTable sockets_;
  ReadBuffer buffer_;
  OutgoingMail outgoing_;
  Farewells farewells_;
  Acceptors acceptors_;
  Now now_;
  std::size_t handshake_steps_left_ = 0;  // in this iteration
  bool had_credit_ = true;
  bool is_leaving_ = false;
  bool is_draining_ = false;
  std::function<void()> drained_;

  std::vector<core::ConnectionId> to_serve_;   // sockets with kQueued
  std::vector<core::ConnectionId> unblocked_;  // sockets that can be written again
  std::vector<core::Mail> own_mail_;           // for the next iteration
  Chain<ReservedMail> reserved_;               // taken from the mailbox and not handled
  Chain<MailBatch> incoming_;                  // the same
  std::unique_ptr<MailBatch> batch_;           // being handled
  std::size_t batch_handled_ = 0;              // of its mail
  core::Actions taken_;                        // of the shard, while they are performed; keeps the vectors' memory
};

}  // namespace mortise::net
