// What TLS costs the broker: only the server's end is timed, in CPU of its thread; the client's end is done in between.

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <sys/socket.h>

#include <array>
#include <ctime>
#include <memory>

#include "broker/core/outbox.h"
#include "broker/net/outbox_writer.h"
#include "broker/net/tls_stream.h"
#include "tests/unit/net/tls_peer.h"

namespace mortise::net {
namespace {

using test::Authority;
using test::TlsClient;

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// A server with a certificate of P-256, and a client of it.
class Ends {
 public:
  explicit Ends(const std::shared_ptr<const TlsServer>& server, mbedtls_ssl_session* session = nullptr) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) != 0) std::abort();
    stream.socket.reset(pair[0]);
    stream.layer = TlsStream::make(server, {});
    TlsClient::Options options;
    options.session = session;
    client = std::make_unique<TlsClient>(Descriptor(pair[1]), options);
  }
  /// Reads all there is, timed; the bytes.
  std::size_t read() {
    const double before = cpu_seconds();
    std::size_t total = 0;
    for (;;) {
      const Transfer transfer = stream.read(buffer);
      if (transfer.status != Transfer::Status::kDone) break;
      total += transfer.bytes;
      flush_layer(stream);
    }
    seconds += cpu_seconds() - before;
    return total;
  }
  bool shake_hands() {
    int outcome = MBEDTLS_ERR_SSL_WANT_READ;
    for (int round = 0; round < 20 && outcome == MBEDTLS_ERR_SSL_WANT_READ; ++round) {
      outcome = client->shake_hands();
      read();
    }
    return outcome == 0;
  }

  Stream stream;
  std::unique_ptr<TlsClient> client;
  std::array<std::uint8_t, 65536> buffer{};
  double seconds = 0;
};

struct Server {
  Server() {
    const Authority::Files files = authority.issue("server", "CN=localhost");
    config::ListenerSettings settings;
    settings.has_tls = true;
    settings.tls.certificates = {files.certificate};
    settings.tls.keys = {files.key};
    server = TlsServer::load(settings, 0).value();
  }
  Authority authority;
  std::shared_ptr<const TlsServer> server;
};

Server& server() {
  static Server one;
  return one;
}

void full_handshake(benchmark::State& state) {
  for (auto _ : state) {
    Ends ends(server().server);
    if (!ends.shake_hands()) return state.SkipWithError("ERROR: no handshake");
    state.SetIterationTime(ends.seconds);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(full_handshake)->UseManualTime();

void resumed_handshake(benchmark::State& state) {
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  Ends first(server().server);
  if (!first.shake_hands()) return state.SkipWithError("ERROR: no handshake");
  first.client->save_session(session);
  for (auto _ : state) {
    Ends ends(server().server, &session);
    if (!ends.shake_hands()) return state.SkipWithError("ERROR: no handshake");
    state.SetIterationTime(ends.seconds);
  }
  mbedtls_ssl_session_free(&session);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resumed_handshake)->UseManualTime();

void write_bulk(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Ends ends(server().server);
  if (!ends.shake_hands()) return state.SkipWithError("ERROR: no handshake");
  const std::string bytes(size, 'x');
  LoopCounters counters;
  for (auto _ : state) {
    core::Outbox outbox;
    outbox.append(bytes);
    const double before = cpu_seconds();
    const Transfer written = write_outbox(ends.stream, outbox, counters);
    state.SetIterationTime(cpu_seconds() - before);
    if (written.status != Transfer::Status::kDone || ends.client->read().size() != size)
      return state.SkipWithError("ERROR: not written");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
}
BENCHMARK(write_bulk)->UseManualTime()->Arg(100)->Arg(65536);

void read_bulk(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Ends ends(server().server);
  if (!ends.shake_hands()) return state.SkipWithError("ERROR: no handshake");
  const std::string bytes(size, 'x');
  for (auto _ : state) {
    ends.client->write(bytes);
    ends.seconds = 0;
    if (ends.read() != size) return state.SkipWithError("ERROR: not read");
    state.SetIterationTime(ends.seconds);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
}
BENCHMARK(read_bulk)->UseManualTime()->Arg(100)->Arg(65536);

/// What one idle connection holds behind its socket; mostly mbedTLS's two buffers, whose sizes Debian chose.
void idle_memory(benchmark::State& state) {
  constexpr int kStreams = 100;
  const auto allocated = [] { return static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd); };
  double each = 0;
  for (auto _ : state) {
    std::vector<Stream> streams;
    const double before = allocated();
    for (int i = 0; i < kStreams; ++i) {
      Ends ends(server().server);
      if (!ends.shake_hands()) return state.SkipWithError("ERROR: no handshake");
      streams.push_back(std::move(ends.stream));
    }
    each = (allocated() - before) / kStreams;
    state.SetIterationTime(1e-3);
  }
  state.counters["bytes"] = each;
}
BENCHMARK(idle_memory)->UseManualTime()->Iterations(1);

}  // namespace
}  // namespace mortise::net
