#include "broker/net/listener.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "broker/net/client_stream.h"

namespace mortise::net {
namespace {

namespace fs = std::filesystem;
using Status = Listener::Accepted::Status;

/// A listener on a Unix socket in a folder of its own.
class UnixListener : public ::testing::Test {
 protected:
  UnixListener() {
    std::string name = (fs::temp_directory_path() / "mortise-listener-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    settings_.is_unix = true;
    settings_.path = folder_ / "broker.sock";
    settings_.url = "unix://" + settings_.path;
  }
  ~UnixListener() override { fs::remove_all(folder_); }

  Result<std::shared_ptr<Listener>> open() const { return Listener::open(settings_, 2); }
  std::string refusal() const {
    const auto listener = open();
    return listener ? "it listens" : listener.error().message;
  }
  sockaddr_un address() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
    return address;
  }
  /// Connects; not open when nobody listens.
  Descriptor connect() const {
    Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un to = address();
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) client.reset();
    return client;
  }
  /// What a broker that was killed leaves: the file of a socket that nobody listens on.
  void leave_stale_file() const {
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un at = address();
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }

  fs::path folder_;
  config::ListenerSettings settings_;
};

TEST_F(UnixListener, TellsWhichProcessIsAtTheOtherEnd) {
  const auto listener = open();
  ASSERT_TRUE(listener) << listener.error().message;
  const Descriptor client = connect();
  const Listener::Accepted accepted = (*listener)->accept(steady_now());
  ASSERT_EQ(accepted.status, Status::kDone);
  EXPECT_EQ(accepted.stream.layer, nullptr);
  const core::PeerInfo& peer = accepted.peer;
  EXPECT_EQ(peer.process, (mqtt::PeerProcess{::getuid(), ::getgid(), static_cast<std::uint32_t>(::getpid())}));
  EXPECT_EQ(peer.peer_address, "");
  EXPECT_EQ(peer.peer_port, 0);
  EXPECT_EQ(peer.local_address, settings_.path);
}

TEST_F(UnixListener, TheFileHasThePermissionsSetWhateverTheUmask) {
  for (const char* mode : {"0660", "0600", "0777", "666"}) {
    settings_.socket_mode = mode;
    const mode_t before = ::umask(0077);
    const auto listener = open();
    ::umask(before);
    ASSERT_TRUE(listener) << listener.error().message;
    struct stat status {};
    ASSERT_EQ(::stat(settings_.path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, std::stoul(mode, nullptr, 8));
  }
}

TEST_F(UnixListener, TheFileGoesWithTheListener) {
  { EXPECT_TRUE(open()); }
  EXPECT_FALSE(fs::exists(settings_.path));
}

TEST_F(UnixListener, AStaleFileIsReplaced) {
  leave_stale_file();
  ASSERT_TRUE(fs::exists(settings_.path));
  EXPECT_FALSE(connect());
  const auto listener = open();
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_TRUE(connect());
}

TEST_F(UnixListener, ASocketInUseStaysWithItsBroker) {
  const auto first = open();
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal(), "cannot listen on " + settings_.url +
                           ": another program listens on it; stop that, or choose another path in listeners[2].url");
  EXPECT_TRUE(connect());
}

TEST_F(UnixListener, AFileThatSomebodyElsePutThereStays) {
  leave_stale_file();
  std::shared_ptr<Listener> first = open().value();
  fs::remove(settings_.path);
  leave_stale_file();
  first.reset();
  EXPECT_TRUE(fs::exists(settings_.path));
}

TEST_F(UnixListener, AnotherKindOfFileIsKept) {
  const std::string expected = "cannot listen on " + settings_.url +
                               ": a file that is no socket is there; remove it, or choose another path in "
                               "listeners[2].url";
  std::ofstream(settings_.path) << "somebody's notes";
  EXPECT_EQ(refusal(), expected);
  EXPECT_EQ(fs::file_size(settings_.path), 16u);
  fs::remove(settings_.path);
  fs::create_directory(settings_.path);
  EXPECT_EQ(refusal(), expected);
  EXPECT_TRUE(fs::is_directory(settings_.path));
  fs::remove(settings_.path);
  // Nor is a link followed to a socket that is somebody else's.
  fs::create_symlink(folder_ / "elsewhere.sock", settings_.path);
  EXPECT_EQ(refusal(), expected);
  EXPECT_TRUE(fs::is_symlink(settings_.path));
}

TEST_F(UnixListener, AFolderThatIsMissingIsNamedWithTheRemedy) {
  settings_.path = folder_ / "missing" / "broker.sock";
  EXPECT_EQ(refusal(), "cannot listen on " + settings_.url +
                           ": the folder does not exist; make it, or choose another one in listeners[2].url");
}

TEST_F(UnixListener, APathLongerThanTheSystemsIsNamed) {
  settings_.path = "/" + std::string(107, 'x');
  EXPECT_EQ(refusal(), "cannot listen on " + settings_.url + ": the path " + settings_.path +
                           " is longer than the system's 107 bytes; choose a shorter one in listeners[2].url");
}

// ---- Behind proxies ----

Listener::Accepted accepted_from(const char* network, const char* host) {
  config::ListenerSettings settings;
  settings.host = host;
  settings.port = 0;
  settings.max_connections = 1;
  settings.proxy_networks = {*IpNetwork::parse("203.0.113.0/24"), *IpNetwork::parse(network)};
  const auto listener = Listener::open(settings, 0).value();
  const ClientStream client =
      ClientStream::connect(ClientAddress::resolve("127.0.0.1", listener->port()).value(), Millis{20'000}).value();
  return listener->accept(steady_now());
}

TEST(Listener, OnlyProxiesMayConnectAndTheirHeaderComesFirst) {
  const Listener::Accepted proxy = accepted_from("127.0.0.0/8", "127.0.0.1");
  EXPECT_EQ(proxy.status, Status::kDone);
  EXPECT_NE(proxy.stream.layer, nullptr);
  const Listener::Accepted stranger = accepted_from("127.0.0.2", "127.0.0.1");
  EXPECT_EQ(stranger.status, Status::kStranger);
  EXPECT_FALSE(stranger.stream.socket);
}

TEST(Listener, AProxyIsKnownOnASocketForBothFamilies) {
  config::ListenerSettings settings;
  settings.host = "::";
  settings.port = 0;
  if (!Listener::open(settings, 0)) GTEST_SKIP() << "this machine has no IPv6";
  // There it is ::ffff:127.0.0.1.
  EXPECT_EQ(accepted_from("127.0.0.1", "::").status, Status::kDone);
}

TEST(Listener, AStrangerTakesNobodysPlace) {
  config::ListenerSettings settings;
  settings.host = "127.0.0.1";
  settings.port = 0;
  settings.max_connections = 1;
  settings.proxy_networks = {*IpNetwork::parse("192.0.2.1")};
  const auto listener = Listener::open(settings, 0).value();
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", listener->port()).value();
  const ClientStream client = ClientStream::connect(address, Millis{20'000}).value();
  EXPECT_EQ(listener->accept(steady_now()).status, Status::kStranger);
  EXPECT_EQ(listener->open_connections(), 0u);
}

config::ListenerSettings on_loopback() {
  config::ListenerSettings settings;
  settings.host = "127.0.0.1";
  settings.port = 0;
  return settings;
}

ClientStream connect_to(const Listener& listener) {
  return ClientStream::connect(ClientAddress::resolve("127.0.0.1", listener.port()).value(), Millis{20'000}).value();
}

int option_of(int socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(socket, level, option, &value, &size), 0);
  return value;
}

TEST(Listener, ConnectionsHaveTheOptionsOfTheirListener) {
  config::ListenerSettings settings = on_loopback();
  settings.tcp_keepalive = Millis{60'000};
  settings.tcp_nodelay = false;
  settings.versions = {"v3.1.1", "v5"};
  settings.identity = mqtt::IdentitySource::kCertificateCommonName;
  const auto listener = Listener::open(settings, 0).value();
  const ClientStream client = connect_to(*listener);
  const Listener::Accepted accepted = listener->accept(steady_now());
  ASSERT_EQ(accepted.status, Status::kDone);
  const int socket = accepted.stream.socket.get();
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL), 20);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(accepted.peer.versions, 1U << 4 | 1U << 5);
  EXPECT_EQ(accepted.peer.identity_source, mqtt::IdentitySource::kCertificateCommonName);
}

TEST(Listener, ANetworkInterfaceThatIsNotThereIsNamed) {
  config::ListenerSettings settings = on_loopback();
  settings.interface = "nowhere0";
  const auto refused = Listener::open(settings, 0);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no such network interface"), std::string::npos) << refused.error().message;
  settings.interface = "lo";
  EXPECT_TRUE(Listener::open(settings, 0));
}

TEST(Listener, MoreThanItsConnectRateWaitToBeAccepted) {
  config::ListenerSettings settings = on_loopback();
  settings.max_connect_rate = 2;
  const auto listener = Listener::open(settings, 0).value();
  const SteadyTime now{std::chrono::hours(1)};
  EXPECT_EQ(listener->accept(now).status, Status::kNone);  // which takes nothing of the rate
  std::vector<ClientStream> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect_to(*listener));
  const Listener::Accepted first = listener->accept(now);
  const Listener::Accepted second = listener->accept(now);
  EXPECT_EQ(first.status, Status::kDone);
  EXPECT_EQ(second.status, Status::kDone);
  const Listener::Accepted third = listener->accept(now);
  EXPECT_EQ(third.status, Status::kTooFast);
  EXPECT_EQ(third.retry_at, now + 500ms);
  EXPECT_EQ(listener->accept(third.retry_at).status, Status::kDone);
}

TEST_F(UnixListener, ARenewedOneTakesTheFileOverOnlyWhenItIsUsed) {
  auto old = open().value();
  { const auto dropped = old->renewed(settings_, 0).value(); }
  EXPECT_TRUE(fs::exists(settings_.path)) << "it was never used";
  EXPECT_TRUE(connect());
  auto next = old->renewed(settings_, 0).value();
  next->replace(*old);
  old.reset();
  EXPECT_TRUE(fs::exists(settings_.path));
  EXPECT_TRUE(connect());
  next.reset();
  EXPECT_FALSE(fs::exists(settings_.path));
}

}  // namespace
}  // namespace mortise::net
