#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/client_stream.h"
#include "broker/net/loop_group.h"
#include "scripted_shard.h"

namespace mortise::net::test {

/// Long enough for the slowest sanitizer; nothing waits for it when all is well.
inline constexpr Millis kPatience{20'000};

/// A client that reads with a deadline.
class Peer {
 public:
  explicit Peer(std::uint16_t port, int receive_buffer = 0);

  void send(std::string_view bytes);
  /// Reads until `size` bytes came; less when the stream ended or nothing came in time.
  std::string receive(std::size_t size);
  /// Reads up to and with a newline.
  std::string line();
  /// Reads until the end of the stream.
  std::string rest();
  ClientStream& stream() { return stream_; }

 private:
  ClientStream stream_;
};

/// Loops with scripted shards and one listener on a free port of 127.0.0.1.
class TestLoops {
 public:
  struct Options {
    std::size_t loops = 1;
    LoopLimits limits;
    MeshLimits mesh;
    std::size_t max_connections = 0;
    config::ListenerSettings listener;  // what stands between its sockets and their bytes
  };
  TestLoops() : TestLoops(Options()) {}
  explicit TestLoops(Options options);
  ~TestLoops();

  std::uint16_t port() const { return group_->listeners().front()->port(); }
  Peer connect() const { return Peer(port()); }
  LoopGroup& group() { return *group_; }
  Mesh& mesh() { return *mesh_; }
  /// Waits until the loop came round once.
  void come_round(LoopIndex loop = 0);
  /// Lets the loops come round until `condition` holds; false when it does not for very long.
  bool eventually(const std::function<bool()>& condition);

 private:
  core::Shared shared_;
  routing::ReclaimDomain reclaim_;
  std::vector<std::unique_ptr<core::Shard>> shards_;
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<LoopGroup> group_;
};

/// Keeps one loop from doing anything while it lives. The loop stands when the constructor returns.
class StandStill {
 public:
  StandStill(TestLoops& loops, LoopIndex loop);
  ~StandStill() { end(); }
  void end() {
    if (!std::exchange(has_ended_, true)) release_.set_value();
  }

 private:
  std::promise<void> release_;
  bool has_ended_ = false;
};

}  // namespace mortise::net::test
