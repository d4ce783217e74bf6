#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "broker/cli/broker.h"
#include "tests/broker/wire_client.h"
#include "tests/plugins/probe.h"

namespace mortise::broker_tests {

/// A whole broker in this process: settings as text, a free port of the loopback, a folder of its own.
class BrokerTest : public ::testing::Test {
 protected:
  BrokerTest();
  ~BrokerTest() override;

  /// `yaml`: everything but node and listeners; `@test` and `@plugins` in it are where test plugins and ours are.
  void start(std::string yaml, std::size_t loops = 3);
  void stop();
  cli::Broker& broker() { return *broker_; }
  std::uint16_t port() const { return port_; }

  /// A client that is connected. `user` empty: none is sent.
  std::unique_ptr<WireClient> connect(const std::string& client_id, const std::string& user = {},
                                      mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5);
  std::unique_ptr<WireClient> connect(const ConnectOptions& options,
                                      mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5);
  /// ... and has its SUBACK, with the code in it.
  static int subscribe(WireClient& client, std::string_view filter, mqtt::QoS qos = mqtt::QoS::kAtMostOnce,
                       std::uint32_t identifier = 0);

  /// Sums up what all loops counted.
  std::uint64_t total(std::uint64_t core::ShardCounters::*counter);
  /// Waits until `holds` is true of the report; false when it never was.
  bool wait_until(const std::function<bool(const std::vector<cli::Broker::LoopReport>&)>& holds);

 private:
  std::string folder_;
  std::unique_ptr<cli::Broker> broker_;
  std::uint16_t port_ = 0;
};

/// What the probe library `probe-concurrent` does from now on, until the end of this object.
class ProbeScript {
 public:
  using Call = std::function<std::uint32_t(std::uint32_t point, mortise_handle call, mortise_handle self)>;
  explicit ProbeScript(Call call);
  ~ProbeScript();
  ProbeScript(const ProbeScript&) = delete;
  ProbeScript& operator=(const ProbeScript&) = delete;

 private:
  Call call_;
  Probe* probe_ = nullptr;
};

}  // namespace mortise::broker_tests
