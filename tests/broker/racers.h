#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/broker/wire_client.h"
#include "tests/broker/witness.h"

namespace mortise::broker_tests {

/// What all that race have in common.
struct Course {
  std::uint16_t port = 0;
  Witness& witness;
  std::vector<std::string> client_ids;  // those that get the flood
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> next_user{1};
};

/// One connection with a Will, whose user name is its own.
class Racer {
 public:
  Racer(Course& course, const std::string& client_id, std::uint32_t session_expiry, bool clean_start, bool is_v5);

  /// Reads until CONNACK. False: refused, or the connection ended.
  bool await_connack();
  /// Whether the connection is still there: says PINGREQ and reads up to its answer.
  bool answers_ping();
  /// With two filters that overlap.
  void subscribe() {
    client_.subscribe("flood", mqtt::QoS::kExactlyOnce, 0, 1);
    client_.subscribe("+", mqtt::QoS::kAtLeastOnce, 0, 3);
  }
  void unsubscribe() { client_.unsubscribe("+", 4); }
  void publish() { client_.publish("pub/" + user_, "by " + user_, mqtt::QoS::kAtLeastOnce, 2); }
  /// Takes up to so many messages, and acknowledges every other one.
  void read_messages(int count);
  void leave_properly(std::uint32_t session_expiry);
  void vanish(bool abruptly) { client_.drop(abruptly); }

 private:
  /// What comes must be for this client.
  void look_at(const Packet& packet);

  Course& course_;
  const std::string client_id_, user_;
  WireClient client_;
  int messages_ = 0;
};

/// Vanishes and comes back from three sockets at once, again and again; some of its clients stay away until their
/// sessions expire just then.
class Actor {
 public:
  Actor(Course& course, unsigned number) : course_(course), number_(number), random_(number + 1) {}
  void run(int rounds);
  int most_alive_at_once() const noexcept { return most_alive_; }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  void round(const std::string& client_id);
  void leave_to_expire(const std::string& client_id);
  const std::string& main_id() const { return course_.client_ids[number_ * 2]; }

  Course& course_;
  const unsigned number_;
  std::mt19937 random_;
  std::deque<std::pair<std::string, SteadyTime>> left_;
  int most_alive_ = 0;
};

/// Publishes to every racer's topic until the course is over.
void flood(Course& course);
/// Reads every Will and everything the racers publish until the course is over; at the end also what is under way.
void watch(Course& course);
/// Ends whatever the racers' client ids have left behind.
void end_sessions(Course& course);

}  // namespace mortise::broker_tests
