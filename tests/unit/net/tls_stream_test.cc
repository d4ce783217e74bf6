#include "broker/net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "broker/core/outbox.h"
#include "broker/net/outbox_writer.h"
#include "tests/unit/net/tls_peer.h"

namespace mortise::net {
namespace {

using test::Authority;
using test::TlsClient;
using testing::HasSubstr;

constexpr int kGoesOn = MBEDTLS_ERR_SSL_WANT_READ;

config::ListenerSettings listener(const Authority::Files& files) {
  config::ListenerSettings settings;
  settings.url = "tls://127.0.0.1";
  settings.has_tls = true;
  settings.tls.certificates = {files.certificate};
  settings.tls.keys = {files.key};
  return settings;
}

std::shared_ptr<const TlsServer> load(const config::ListenerSettings& settings) {
  auto loaded = TlsServer::load(settings, 0);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? *loaded : nullptr;
}

std::string load_error(const config::ListenerSettings& settings) {
  const auto loaded = TlsServer::load(settings, 3);
  return loaded ? "no error" : loaded.error().message;
}

/// Both ends of a connection.
struct Ends {
  explicit Ends(std::shared_ptr<const TlsServer> server, TlsClient::Options options, Permit permit = {}) {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    stream.socket.reset(pair[0]);
    stream.layer = TlsStream::make(std::move(server), std::move(permit));
    client = std::make_unique<TlsClient>(Descriptor(pair[1]), std::move(options));
  }
  /// What the broker reads until nothing more comes; the status says how it ended.
  std::string read() {
    std::string text;
    for (;;) {
      const Transfer transfer = stream.read(bytes);
      last = transfer.status;
      if (last != Transfer::Status::kDone) return text;
      text.append(as_text(ByteView(bytes).first(transfer.bytes)));
      flush_layer(stream);
    }
  }
  /// The client's outcome.
  int shake_hands() {
    int outcome = kGoesOn;
    for (int round = 0; round < 20 && outcome == kGoesOn; ++round) {
      outcome = client->shake_hands();
      read();
    }
    return outcome;
  }
  core::PeerInfo peer() const {
    core::PeerInfo info;
    EXPECT_TRUE(stream.layer->has_introduction());
    stream.layer->introduce(info);
    EXPECT_FALSE(stream.layer->has_introduction());
    return info;
  }

  Stream stream;
  std::unique_ptr<TlsClient> client;
  std::array<std::uint8_t, 8192> bytes{};
  Transfer::Status last = Transfer::Status::kDone;
};

class TlsStreamTest : public testing::Test {
 protected:
  Authority authority_;
  Authority::Files server_ = authority_.issue("server", "CN=broker.example", {"broker.example", "*.wild.example"});
  TlsClient::Options trusting() const {
    TlsClient::Options options;
    options.authority = authority_.certificate();
    options.host = "broker.example";
    return options;
  }
};

TEST_F(TlsStreamTest, BytesGoBothWays) {
  Ends ends(load(listener(server_)), trusting());
  EXPECT_TRUE(ends.stream.layer->is_shaking_hands());
  ASSERT_EQ(ends.shake_hands(), 0);
  EXPECT_FALSE(ends.stream.layer->is_shaking_hands());
  ends.client->write("hello");
  EXPECT_EQ(ends.read(), "hello");
  EXPECT_EQ(ends.last, Transfer::Status::kWouldBlock);
  core::Outbox outbox;
  LoopCounters counters;
  outbox.append("one");
  outbox.append("two");
  EXPECT_EQ(write_outbox(ends.stream, outbox, counters).status, Transfer::Status::kDone);
  EXPECT_EQ(ends.client->read(), "onetwo");
  const core::PeerInfo peer = ends.peer();
  EXPECT_EQ(peer.certificate, nullptr);
  EXPECT_FALSE(peer.pre_shared_key_identity);
}

TEST_F(TlsStreamTest, MoreThanASocketAndARecordHoldArrivesInOrder) {
  Ends ends(load(listener(server_)), trusting());
  ASSERT_EQ(ends.shake_hands(), 0);
  std::string text;
  for (int i = 0; text.size() < 1'500'000; ++i) text += std::to_string(i) + " ";
  core::Outbox outbox;
  outbox.append(text);
  LoopCounters counters;
  std::string got;
  bool was_full = false;
  while (got.size() < text.size()) {
    const Transfer written = write_outbox(ends.stream, outbox, counters);
    ASSERT_NE(written.status, Transfer::Status::kFailed);
    was_full = was_full || ends.stream.layer->owes_bytes();
    const std::string piece = ends.client->read();
    ASSERT_FALSE(piece.empty());
    got += piece;
  }
  EXPECT_TRUE(was_full);
  EXPECT_TRUE(got == text);
}

TEST_F(TlsStreamTest, RecordsThatComeInPiecesOrManyAtOnceAreReadWhole) {
  Ends ends(load(listener(server_)), trusting());
  ASSERT_EQ(ends.shake_hands(), 0);
  std::string text(30'000, 'x');
  for (int i = 0; i < 40; ++i) ends.client->write("small");
  ends.client->write(text);
  std::string expected;
  for (int i = 0; i < 40; ++i) expected += "small";
  EXPECT_TRUE(ends.read() == expected + text);
  // Into a buffer that is smaller than one record.
  ends.client->write(text);
  std::string got;
  std::array<std::uint8_t, 700> small;
  for (;;) {
    const Transfer transfer = ends.stream.read(small);
    if (transfer.status != Transfer::Status::kDone) break;
    got.append(as_text(ByteView(small).first(transfer.bytes)));
  }
  EXPECT_TRUE(got == text);
}

TEST_F(TlsStreamTest, AFarewellIsSaidBehindTheLastBytes) {
  Ends ends(load(listener(server_)), trusting());
  ASSERT_EQ(ends.shake_hands(), 0);
  core::Outbox outbox;
  LoopCounters counters;
  outbox.append("last");
  write_outbox(ends.stream, outbox, counters);
  ends.stream.layer->say_farewell();
  EXPECT_EQ(flush_layer(ends.stream).status, Transfer::Status::kDone);
  EXPECT_EQ(ends.client->read(), "last");
  EXPECT_TRUE(ends.client->has_ended());
  ends.client->close_notify();
  EXPECT_EQ(ends.read(), "");
  EXPECT_EQ(ends.last, Transfer::Status::kEnded);
}

TEST_F(TlsStreamTest, AClientShowsWhoItIs) {
  config::ListenerSettings settings = listener(server_);
  settings.tls.client_ca = authority_.certificate();
  settings.tls.verify = config::ClientCertificate::kRequired;
  TlsClient::Options options = trusting();
  options.own = authority_.issue("alice", "CN=alice,O=Org", {"alice.example", "a,b.example"});
  Ends ends(load(settings), options);
  ASSERT_EQ(ends.shake_hands(), 0);
  const core::PeerInfo peer = ends.peer();
  ASSERT_NE(peer.certificate, nullptr);
  EXPECT_EQ(peer.certificate->common_name, "alice");
  EXPECT_EQ(peer.certificate->subject, "CN=alice, O=Org");
  EXPECT_EQ(peer.certificate->subject_alternative_name, "dns:alice.example, dns:a%2Cb.example");
  EXPECT_EQ(peer.certificate->fingerprint_sha256.size(), 64u);
}

TEST_F(TlsStreamTest, ACertificateMayBeRequiredOrMustBeGoodIfItIsShown) {
  Authority strangers;
  config::ListenerSettings settings = listener(server_);
  settings.tls.client_ca = authority_.certificate();
  for (const bool is_required : {true, false}) {
    settings.tls.verify = is_required ? config::ClientCertificate::kRequired : config::ClientCertificate::kOptional;
    const auto server = load(settings);
    Ends none(server, trusting());
    const int outcome = none.shake_hands();
    EXPECT_EQ(none.last, is_required ? Transfer::Status::kFailed : Transfer::Status::kWouldBlock);
    EXPECT_EQ(outcome, is_required ? MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE : 0);
    TlsClient::Options options = trusting();
    options.own = strangers.issue("mallory", "CN=alice");
    Ends wrong(server, options);
    const int refused = wrong.shake_hands();
    EXPECT_EQ(wrong.last, Transfer::Status::kFailed);
    // Where a certificate is optional it is looked at when the handshake is over.
    if (refused == 0) wrong.client->read();
    EXPECT_TRUE(refused == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE || wrong.client->has_ended());
  }
}

TEST_F(TlsStreamTest, TheNameAClientAsksForChoosesTheCertificate) {
  const Authority::Files other = authority_.issue("other", "CN=other.example");
  config::ListenerSettings settings = listener(server_);
  settings.tls.certificates.push_back(other.certificate);
  settings.tls.keys.push_back(other.key);
  const auto server = load(settings);
  const auto shown_for = [&](const std::string& host) {
    TlsClient::Options options;
    options.host = host;
    Ends ends(server, options);
    EXPECT_EQ(ends.shake_hands(), 0);
    return ends.client->server_name();
  };
  EXPECT_EQ(shown_for(""), "CN=broker.example");
  EXPECT_EQ(shown_for("OTHER.example"), "CN=other.example");
  EXPECT_EQ(shown_for("a.wild.example"), "CN=broker.example");
  EXPECT_EQ(shown_for("unknown.example"), "CN=broker.example");
}

TEST_F(TlsStreamTest, TheProtocolIsMqtt) {
  const auto server = load(listener(server_));
  TlsClient::Options options = trusting();
  options.protocols = {"h2", "mqtt"};
  Ends ends(server, options);
  ASSERT_EQ(ends.shake_hands(), 0);
  EXPECT_EQ(ends.client->protocol(), "mqtt");
  options.protocols = {"h2"};
  Ends other(server, options);
  other.shake_hands();
  EXPECT_EQ(other.last, Transfer::Status::kFailed);
}

TEST_F(TlsStreamTest, APreSharedKeyNamesItsClient) {
  config::ListenerSettings settings;
  settings.has_tls = true;
  settings.tls.psk = authority_.write("keys", "# devices\n\ndev:1:00112233445566778899aabbccddeeff\n");
  const auto server = load(settings);
  TlsClient::Options options;
  options.psk_identity = "dev:1";
  options.psk = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
  Ends ends(server, options);
  ASSERT_EQ(ends.shake_hands(), 0);
  EXPECT_EQ(ends.peer().pre_shared_key_identity, "dev:1");
  options.psk.back() = 0;
  Ends wrong(server, options);
  wrong.shake_hands();
  EXPECT_EQ(wrong.last, Transfer::Status::kFailed);
  options.psk_identity = "dev2";
  Ends unknown(server, options);
  unknown.shake_hands();
  EXPECT_EQ(unknown.last, Transfer::Status::kFailed);
}

TEST_F(TlsStreamTest, ASessionIsResumedWithTheSameFilesOnly) {
  config::ListenerSettings settings = listener(server_);
  settings.tls.client_ca = authority_.certificate();
  settings.tls.verify = config::ClientCertificate::kRequired;
  const auto server = load(settings);
  TlsClient::Options options = trusting();
  options.own = authority_.issue("alice", "CN=alice");
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  {
    Ends first(server, options);
    ASSERT_EQ(first.shake_hands(), 0);
    first.client->save_session(session);
  }
  // A resumed handshake shows no certificate; the server knows it from the ticket.
  options.session = &session;
  options.own.reset();
  Ends resumed(server, options);
  ASSERT_EQ(resumed.shake_hands(), 0);
  const core::PeerInfo peer = resumed.peer();
  ASSERT_NE(peer.certificate, nullptr);
  EXPECT_EQ(peer.certificate->common_name, "alice");
  // After a reload who was revoked or left out may not come back by an old ticket.
  Ends reloaded(load(settings), options);
  reloaded.shake_hands();
  EXPECT_EQ(reloaded.last, Transfer::Status::kFailed);
  mbedtls_ssl_session_free(&session);
}

TEST_F(TlsStreamTest, AHandshakesPlaceIsGivenBackWhenItIsOver) {
  const Ref<ListenerLoad> load_of_handshakes = ListenerLoad::make(1);
  Ends ends(load(listener(server_)), trusting(), std::move(*Permit::ask(load_of_handshakes)));
  EXPECT_FALSE(Permit::ask(load_of_handshakes));
  ASSERT_EQ(ends.shake_hands(), 0);
  EXPECT_TRUE(Permit::ask(load_of_handshakes));
}

TEST_F(TlsStreamTest, ANoiseIsNoHandshake) {
  Ends ends(load(listener(server_)), trusting());
  using namespace std::string_view_literals;
  constexpr std::string_view noise = "\x10\x0D\x00\x04MQTT\x04\x02\x00\x3C and more than one header"sv;
  ASSERT_GT(::send(ends.client->socket().get(), noise.data(), noise.size(), 0), 0);
  ends.read();
  EXPECT_EQ(ends.last, Transfer::Status::kFailed);
}

TEST_F(TlsStreamTest, AStreamGoesOnInAnotherThread) {
  Ends ends(load(listener(server_)), trusting());
  ASSERT_EQ(ends.shake_hands(), 0);
  ends.client->write(std::string(20'000, 'a'));
  std::array<std::uint8_t, 1000> some;
  while (ends.stream.read(some).bytes == 0) {
  }
  std::string rest;
  std::thread([&] { rest = ends.read(); }).join();
  EXPECT_EQ(rest.size(), 19'000u);
}

TEST_F(TlsStreamTest, FilesThatAreNotWhatTheyShouldBeAreNamed) {
  const Authority::Files other = authority_.issue("other", "CN=other");
  config::ListenerSettings settings = listener(server_);
  settings.tls.certificates = {"/nonexistent/server.pem"};
  EXPECT_EQ(load_error(settings),
            "listeners[3].tls.certificate: /nonexistent/server.pem cannot be read: No such file or directory");
  settings = listener({server_.certificate, other.key});
  EXPECT_THAT(load_error(settings), HasSubstr("listeners[3].tls.key: " + other.key.string() + " is not the key of"));
  settings = listener({server_.key, server_.key});
  EXPECT_THAT(load_error(settings), HasSubstr("is not what it should be"));
  settings = listener(server_);
  settings.tls.ciphers = {"RC4"};
  EXPECT_THAT(load_error(settings), HasSubstr("listeners[3].tls.ciphers: \"RC4\" is no cipher suite"));
  settings = listener(server_);
  for (const char* line : {"dev1", "dev1:abc", "dev1:0011", ":00112233445566778899aabbccddeeff",
                           "dev1:zz112233445566778899aabbccddeeff"}) {
    settings.tls.psk = authority_.write("keys", std::string("# comment\n") + line + "\n");
    EXPECT_THAT(load_error(settings), HasSubstr("keys:2: not IDENTITY:KEY")) << line;
  }
  const std::string key = "a:00112233445566778899aabbccddeeff\n";
  settings.tls.psk = authority_.write("keys", key + key);
  EXPECT_THAT(load_error(settings), HasSubstr("keys:2: \"a\" is there twice; keep one"));
}

}  // namespace
}  // namespace mortise::net
