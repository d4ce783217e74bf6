#include "tests/broker/broker_fixture.h"

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>

#include "broker/config/settings.h"
#include "broker/observe/log_sink.h"

namespace mortise::broker_tests {

namespace {

void replace(std::string& text, std::string_view name, std::string_view value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
}

}  // namespace

BrokerTest::BrokerTest() {
  std::string name = (std::filesystem::temp_directory_path() / "mortise-broker-test-XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr);
  folder_ = name;
}

BrokerTest::~BrokerTest() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void BrokerTest::start(std::string yaml, std::size_t loops) {
  replace(yaml, "@test", MORTISE_TEST_PLUGINS);
  replace(yaml, "@plugins", MORTISE_PLUGINS);
  yaml += "\nnode: { loops: " + std::to_string(loops) + " }\nlisteners: [ { url: \"tcp://127.0.0.1:0\" } ]\n";
  const auto settings = config::parse(yaml, folder_ + "/mortise.yaml", MORTISE_PLUGINS);
  ASSERT_TRUE(settings) << settings.error().message;
  observe::install_log_sink((*settings)->log_level);
  auto started = cli::Broker::start(*settings);
  ASSERT_TRUE(started) << started.error().message;
  broker_ = std::move(*started);
  const std::string url = broker_->open_urls().at(0);
  port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

void BrokerTest::stop() {
  if (broker_) broker_->stop(Millis(0));
  broker_.reset();
}

std::unique_ptr<WireClient> BrokerTest::connect(const std::string& client_id, const std::string& user,
                                                mqtt::ProtocolVersion version) {
  ConnectOptions options;
  options.client_id = client_id;
  if (!user.empty()) options.user_name = user;
  return connect(options, version);
}

std::unique_ptr<WireClient> BrokerTest::connect(const ConnectOptions& options, mqtt::ProtocolVersion version) {
  auto client = std::make_unique<WireClient>(port_, version);
  EXPECT_TRUE(client->send_connect(options));
  EXPECT_EQ(client->next_as<mqtt::ConnackView>()->code, 0) << options.client_id;
  return client;
}

int BrokerTest::subscribe(WireClient& client, std::string_view filter, mqtt::QoS qos, std::uint32_t identifier) {
  EXPECT_TRUE(client.subscribe(filter, qos, identifier));
  const auto suback = client.next_as<mqtt::SubscriptionAcknowledgementView>();
  EXPECT_EQ(suback->codes.size(), 1U);
  return suback->codes[0];
}

std::uint64_t BrokerTest::total(std::uint64_t core::ShardCounters::*counter) {
  std::uint64_t sum = 0;
  for (const auto& loop : broker_->report()) sum += loop.counters.*counter;
  return sum;
}

bool BrokerTest::wait_until(const std::function<bool(const std::vector<cli::Broker::LoopReport>&)>& holds) {
  const SteadyTime deadline = steady_now() + kPatience;
  while (!holds(broker_->report())) {
    if (steady_now() > deadline) return false;
    ::usleep(1000);
  }
  return true;
}

ProbeScript::ProbeScript(Call call) : call_(std::move(call)) {
  void* mapped = ::dlopen(MORTISE_TEST_PLUGINS "/probe-concurrent.so", RTLD_NOW | RTLD_LOCAL);
  CHECK(mapped != nullptr);
  probe_ = static_cast<Probe*>(::dlsym(mapped, "mortise_probe"));
  CHECK(probe_ != nullptr);
  probe_->context = &call_;
  probe_->call = [](void* context, std::uint32_t point, mortise_handle handle, mortise_handle self) {
    return (*static_cast<Call*>(context))(point, handle, self);
  };
}

ProbeScript::~ProbeScript() { *probe_ = {}; }

}  // namespace mortise::broker_tests
