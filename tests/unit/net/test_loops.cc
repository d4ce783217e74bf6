#include "test_loops.h"

namespace mortise::net::test {

namespace {

ClientStream connected(std::uint16_t port, int receive_buffer) {
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", port).value();
  if (receive_buffer == 0) return ClientStream::connect(address, kPatience).value();
  ClientStream stream = ClientStream::start(address).value();
  ::setsockopt(stream.descriptor(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  stream.wait_writable(steady_now() + kPatience);
  return stream;
}

}  // namespace

Peer::Peer(std::uint16_t port, int receive_buffer) : stream_(connected(port, receive_buffer)) {}

void Peer::send(std::string_view bytes) {
  const Result<void> sent = stream_.write_all(bytes, kPatience);
  ASSERT_TRUE(sent) << sent.error().message;
}

std::string Peer::receive(std::size_t size) {
  std::string got(size, '\0');
  std::size_t filled = 0;
  const SteadyTime deadline = steady_now() + kPatience;
  while (filled < size) {
    const Transfer read = stream_.read({reinterpret_cast<std::uint8_t*>(got.data()) + filled, size - filled});
    filled += read.bytes;
    if (read.status == Transfer::Status::kEnded || read.status == Transfer::Status::kFailed) break;
    if (read.status == Transfer::Status::kWouldBlock && !stream_.wait_readable(deadline)) break;
  }
  got.resize(filled);
  return got;
}

std::string Peer::line() {
  std::string got;
  while (got.empty() || got.back() != '\n') {
    const std::string one = receive(1);
    if (one.empty()) break;
    got += one;
  }
  return got;
}

std::string Peer::rest() {
  std::string got;
  for (;;) {
    const std::string more = receive(65536);
    got += more;
    if (more.size() < 65536) return got;
  }
}

TestLoops::TestLoops(Options options) : reclaim_(options.loops) {
  for (ShardWatch& watch : watches) {
    watch.~ShardWatch();
    ::new (&watch) ShardWatch();
  }
  shared_.loops = options.loops;
  mesh_ = Mesh::create(shared_, options.mesh).value();
  std::vector<core::Shard*> shards;
  for (std::size_t loop = 0; loop < options.loops; ++loop) {
    shards_.push_back(std::make_unique<core::Shard>(static_cast<LoopIndex>(loop), shared_, nullptr));
    shards.push_back(shards_.back().get());
  }
  group_ = LoopGroup::create(*mesh_, reclaim_, shards, options.limits).value();
  group_->start();
  config::ListenerSettings& listener = options.listener;
  listener.url = "tcp://127.0.0.1:0";
  listener.host = "127.0.0.1";
  listener.port = 0;
  listener.max_connections = options.max_connections;
  const Result<void> listening = group_->listen({listener});
  EXPECT_TRUE(listening) << listening.error().message;
}

TestLoops::~TestLoops() { group_.reset(); }

void TestLoops::come_round(LoopIndex loop) {
  auto reached = std::make_shared<std::promise<void>>();
  std::future<void> future = reached->get_future();
  if (!mesh_->executor(loop).post([reached] { reached->set_value(); })) return;
  ASSERT_EQ(future.wait_for(kPatience), std::future_status::ready);
}

StandStill::StandStill(TestLoops& loops, LoopIndex loop) {
  auto stands = std::make_shared<std::promise<void>>();
  std::future<void> standing = stands->get_future();
  const std::shared_future<void> released(release_.get_future());
  EXPECT_TRUE(loops.mesh().executor(loop).post([stands, released] {
    stands->set_value();
    released.wait();
  }));
  EXPECT_EQ(standing.wait_for(kPatience), std::future_status::ready);
}

bool TestLoops::eventually(const std::function<bool()>& condition) {
  const SteadyTime deadline = steady_now() + kPatience;
  while (!condition()) {
    if (steady_now() > deadline) return false;
    for (std::size_t loop = 0; loop < group_->loops(); ++loop) come_round(static_cast<LoopIndex>(loop));
  }
  return true;
}

}  // namespace mortise::net::test
