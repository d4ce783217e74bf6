#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "broker/cli/bench.h"
#include "broker/cli/bench_payload.h"
#include "broker/cli/client_options.h"
#include "broker/cli/commands.h"
#include "broker/cli/process_cpu.h"

namespace mortise::cli {

namespace {

struct BenchArguments {
  ClientArguments client;
  BenchOptions bench;
  int qos = 0;
};

Result<int> bench(const BenchArguments& arguments) {
  BenchOptions options = arguments.bench;
  Result<ClientOptions> client = resolve(arguments.client);
  if (!client) return std::move(client).as_failure();
  options.client = *client;
  options.client.keep_alive = 0;  // the bench ends before anybody goes quiet
  if (options.client.client_id.empty()) options.client.client_id = "bench";
  options.qos = static_cast<mqtt::QoS>(arguments.qos);
  if (options.verifies && options.size < kStampSize) {
    return failure("--verify needs a --size of at least " + std::to_string(kStampSize) + " bytes");
  }
  const std::size_t descriptors = raise_descriptor_limit();
  if (options.publishers() + options.subscribers() + 16 > descriptors) {
    return failure("--clients " + std::to_string(options.clients) + " needs more descriptors than the limit of " +
                   std::to_string(descriptors) + " (ulimit -n)");
  }
  Result<BenchReport> report = Bench::run(options);
  if (!report) return std::move(report).as_failure();
  std::fputs(format(*report, options).c_str(), stdout);
  return options.verifies && !report->is_clean() ? 1 : 0;
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("bench", "Measure a broker: throughput, CPU per message, latency");
  auto arguments = std::make_shared<BenchArguments>();
  BenchOptions& options = arguments->bench;
  add_client_options(*command, arguments->client);
  static const std::map<std::string, BenchPattern> kPatterns = {
      {"pairs", BenchPattern::kPairs}, {"fan-in", BenchPattern::kFanIn}, {"fan-out", BenchPattern::kFanOut}};
  command->add_option("pattern", options.pattern, "pairs (N to N), fan-in (N to 1) or fan-out (1 to N)")
      ->required()
      ->transform(CLI::CheckedTransformer(kPatterns));
  command->add_option("-N,--clients", options.clients, "N")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command->add_option("--seconds", options.seconds, "Send for so long")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--messages", options.messages, "Send so many, all publishers together, however long it takes");
  command->add_option("--size", options.size, "Bytes of a payload")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("-q,--qos", arguments->qos, "QoS")->check(CLI::Range(0, 2))->capture_default_str();
  command
      ->add_option("--rate", options.rate,
                   "Messages a second, all publishers together; latency counts from when each was due")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--window", options.window, "Without --rate: undelivered messages of one publisher; 0: no bound")
      ->capture_default_str();
  command->add_option("--pid", options.pid, "The broker's process, to measure its CPU");
  command->add_flag("--verify", options.verifies, "Check numbers and checksums; status 1 when one is wrong");
  command->add_flag("--json", options.json, "Print one JSON object");
  command->callback([arguments, &status] {
    const Result<int> done = bench(*arguments);
    status = done ? *done : fail("bench", done.error());
  });
}

}  // namespace mortise::cli
