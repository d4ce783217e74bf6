#pragma once

#include "tests/conformance/player.h"
#include "tests/unit/core/harness.h"

namespace mortise::conformance {

/// Connections to a broker without sockets, whose clock stands still unless a script says otherwise. Unsynchronised.
class SimulatedConnections final : public Connections {
 public:
  struct Way {
    std::size_t loops = 1;
    bool is_byte_by_byte = false;  // each byte is offered alone
  };
  SimulatedConnections(core::testing::TestOptions options, Way way) : way_(way), broker_(std::move(options)) {}

  void open(const std::string& client, mqtt::ProtocolVersion version) override {
    clients_[client] = &broker_.client(version);
  }
  void send(const std::string& client, std::string_view bytes) override;
  void drop(const std::string& client) override { clients_[client]->drop(); }
  std::optional<std::string> receive(const std::string& client) override;
  bool is_closed(const std::string& client) override;
  std::optional<std::string> left_over(const std::string& client) override;
  void advance(Millis by) override { broker_.advance(by); }

 private:
  const Way way_;
  core::testing::TestBroker broker_;
  std::map<std::string, core::testing::TestClient*> clients_;
};

/// What a script sets, under the names of the configuration. Errors: a name that is not known here.
Result<core::testing::TestOptions> options_of(const Script& script, SimulatedConnections::Way way);

}  // namespace mortise::conformance
