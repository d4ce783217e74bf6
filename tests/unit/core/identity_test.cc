#include "core_test.h"

namespace mortise::core::testing {
namespace {

using mqtt::IdentitySource;

/// listeners[].identity: the user name is what the Client showed before CONNECT; and listeners[].versions.
class IdentityTest : public CoreTest {
 protected:
  void SetUp() override {
    CoreTest::SetUp();
    plugins.auth->on_authenticate = [this](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
      asked.push_back(request.user_name.value_or("nobody"));
      return allow_connect();
    };
  }
  TestClient& client_of(TestBroker& broker, IdentitySource source) {
    TestClient& client = broker.client();
    client.peer().identity_source = source;
    return client;
  }
  static mqtt::CertificatePtr certificate(std::string common_name, std::string names) {
    mqtt::CertificateIdentity identity;
    identity.common_name = std::move(common_name);
    identity.subject_alternative_name = std::move(names);
    return std::make_shared<const mqtt::CertificateIdentity>(std::move(identity));
  }
  static ConnectOptions as(const char* user_name) {
    ConnectOptions options;
    options.client_id = "c";
    options.user_name = user_name;
    return options;
  }
  std::vector<std::string> asked;  // for which user name plugins were asked
};
INSTANTIATE_TEST_SUITE_P(Loops, IdentityTest, ::testing::Values(1, 3));

TEST_P(IdentityTest, ACertificateOrAKeySaysWhoTheUserIsWhateverConnectSays) {
  TestBroker broker(options());
  TestClient& by_name = client_of(broker, IdentitySource::kCertificateCommonName);
  by_name.peer().certificate = certificate("alice", "dns:a.example");
  by_name.connect(as("mallory"));
  TestClient& by_alternative_name = client_of(broker, IdentitySource::kCertificateAlternativeName);
  by_alternative_name.peer().certificate = certificate("alice", "uri:urn:device:7, dns:a.example");
  by_alternative_name.connect("d");
  TestClient& by_key = client_of(broker, IdentitySource::kPreSharedKey);
  by_key.peer().pre_shared_key_identity = "device-1";
  by_key.connect("e");
  TestClient& by_connect = client_of(broker, IdentitySource::kConnect);
  by_connect.peer().certificate = certificate("alice", "");
  by_connect.connect(as("bob"));
  EXPECT_EQ(asked, (std::vector<std::string>{"alice", "urn:device:7", "device-1", "bob"}));
  for (TestClient* client : {&by_name, &by_alternative_name, &by_key}) EXPECT_TRUE(client->is_open());
}

TEST_P(IdentityTest, PluginsAreToldWhichProcessIsOnAUnixSocket) {
  std::vector<std::optional<mqtt::PeerProcess>> told;
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    told.push_back(request.process);
    return allow_connect();
  };
  TestBroker broker(options());
  const mqtt::PeerProcess process{1000, 100, 4711};
  TestClient& on_unix_socket = broker.client();
  on_unix_socket.peer().process = process;
  on_unix_socket.connect("c");
  broker.client().connect("d");
  EXPECT_EQ(told, (std::vector<std::optional<mqtt::PeerProcess>>{process, std::nullopt}));
}

TEST_P(IdentityTest, WhoShowedNothingIsRefusedBeforeAnybodyIsAsked) {
  TestBroker broker(options());
  for (const IdentitySource source : {IdentitySource::kCertificateCommonName,
                                      IdentitySource::kCertificateAlternativeName, IdentitySource::kPreSharedKey}) {
    TestClient& client = client_of(broker, source);
    client.connect(as("alice"));
    EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kNotAuthorized));
    EXPECT_FALSE(client.is_open());
  }
  TestClient& nameless = client_of(broker, IdentitySource::kCertificateCommonName);
  nameless.peer().certificate = certificate("", "dns:a.example");
  nameless.connect("c");
  EXPECT_FALSE(nameless.is_open());
  EXPECT_TRUE(asked.empty());
}

TEST_P(IdentityTest, AListenerMaySpeakSomeVersionsOnly) {
  TestBroker broker(options());
  for (const mqtt::ProtocolVersion version : {mqtt::ProtocolVersion::k31, k311, mqtt::ProtocolVersion::k5}) {
    TestClient& refused = broker.client(version);
    refused.peer().versions = static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(version)));
    refused.connect("c");
    EXPECT_EQ(refused.next_as<mqtt::ConnackView>().code, version == mqtt::ProtocolVersion::k5 ? 0x84 : 0x01);
    EXPECT_FALSE(refused.is_open());
    TestClient& welcome = broker.client(version);
    welcome.peer().versions = static_cast<std::uint8_t>(1U << static_cast<unsigned>(version));
    welcome.connect("c");
    EXPECT_EQ(welcome.next_as<mqtt::ConnackView>().code, 0);
  }
}

}  // namespace
}  // namespace mortise::core::testing
