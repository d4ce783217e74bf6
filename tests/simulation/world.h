#pragma once

#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model.h"
#include "tests/unit/core/client_watch.h"
#include "virtual_store.h"

namespace mortise::simulation {

/// What runs came to.
struct Totals {
  std::uint64_t runs = 0, operations = 0, packets = 0, messages = 0, duties = 0, restarts = 0, commits = 0;
  double client_hours = 0;  // of clients that are connected
};

/// A broker with its store, clients that behave well and yet do everything at random, and the Model that judges: all
/// of it follows from one seed. A violation is printed with its seed, and ends the program.
class World final : public core::testing::ClientObserver {
 public:
  World(std::uint64_t seed, Totals& totals);
  void run();

  void sent(const core::testing::TestClient& client, std::string_view bytes, Now now) override;
  void received(const core::testing::TestClient& client, const core::testing::Received& packet, Now now) override;

 private:
  using TestClient = core::testing::TestClient;
  struct Outgoing {
    mqtt::PacketId packet_id = 0;
    std::string topic, payload;
    mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
    bool retain = false;
    bool is_released = false;
    std::uint32_t expiry = 0;  // 0: none
  };
  struct Device {
    explicit Device(std::string client_id) : id(std::move(client_id)) {}
    std::string id;
    TestClient* connection = nullptr;
    std::vector<TestClient*> older;  // connections that it left open
    bool is_connected = false;
    bool has_left = false;           // DISCONNECT was said
    bool expects_session = false;    // of 3.1, which is not told
    bool may_change_expiry = false;  // at DISCONNECT
    std::uint16_t keep_alive = 0;
    WallTime said_at{};
    mqtt::PacketId last_packet_id = 0;
    std::vector<Outgoing> in_flight;  // in the order in which it was sent
    std::vector<std::string> aliases;
  };
  struct Traced {
    std::size_t connection = 0;
    std::string client_id, bytes;
    mqtt::ProtocolVersion version;
    bool is_sent = false;
    WallTime at{};
  };
  using Operation = void (World::*)(Device&);

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t kSize>
  const T& pick(const T (&among)[kSize]) {
    return among[below(kSize)];
  }
  core::testing::TestOptions options();
  void settled();
  void step();
  [[noreturn]] void fail(const std::string& what, const std::string& client_id);
  void print_packets(const std::string& client_id) const;

  // ---- What clients do (clients.cc)
  void connect(Device& device);
  void connect_back(Device& device);
  void open(Device& device, mqtt::ConnectView& packet);
  void leave(Device& device);
  void drop(Device& device);
  void subscribe(Device& device);
  void unsubscribe(Device& device);
  void publish(Device& device);
  void acknowledge_some(Device& device);
  void acknowledge(Device& device, std::size_t most);
  void stop_reading(Device& device);
  void read_on(Device& device);
  void ping(Device& device);
  bool can_say(const Device& device) const;
  bool say(Device& device, std::string_view bytes);
  template <class Packet>
  void send(Device& device, const Packet& packet) {
    say(device, device.connection->bytes_of(packet));
  }
  void send_outgoing(Device& device, const Outgoing& outgoing, bool dup);
  void take(Device& device);
  void take_acknowledgement(Device& device, TestClient& from);
  void greeted(Device& device, const mqtt::ConnackView& packet);
  mqtt::PacketId new_packet_id(Device& device);
  std::string new_payload();
  std::string topic();
  std::string filter();

  // ---- What happens to them
  void advance(Device&);
  void advance_by(Millis by);
  void check_keep_alive();
  void commit(Device&);
  void tell(Device&);
  void credit(Device&);
  void restart(Device&);
  void kill(bool in_order);
  void count_drops();
  void finish();
  void come_to_rest();
  void everybody_leaves();

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  Totals& totals_;
  bool is_finishing_ = false;
  std::uint64_t credit_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t operation_ = 0;
  int numbers_ = 0;
  core::testing::TestOptions limits_;
  VirtualStore store_;
  core::testing::ClientWatch watch_;
  const bool has_store_;
  Model model_;
  std::unique_ptr<core::testing::TestBroker> broker_;
  std::vector<Device> devices_;
  std::deque<Traced> traced_;
};

}  // namespace mortise::simulation
