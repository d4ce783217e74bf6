#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <memory>

#include "broker/cli/client_options.h"
#include "broker/cli/commands.h"
#include "broker/cli/message_printer.h"
#include "broker/mqtt/topic.h"
#include "broker/net/descriptor.h"

namespace mortise::cli {

namespace {

struct SubArguments {
  ClientArguments client;
  std::vector<std::string> filters;
  int qos = 0;
  std::uint64_t count = 0;  // 0: until told to stop
  double timeout = 0;       // seconds; 0: none
  PrintOptions print;
  mqtt::SubscriptionOptions options;
  int retain_handling = 0;
  std::uint32_t subscription_identifier = 0;
  bool no_retained = false;
  bool only_subscribes = false;
};

/// Prints what arrives until enough of it did.
class Subscriber : public ClientHandler {
 public:
  explicit Subscriber(const SubArguments& arguments) : arguments_(arguments) {}

  bool on_message(const mqtt::PublishView& message) override {
    if (message.retain && arguments_.no_retained) return true;
    print(message, arguments_.print);
    return ++messages_ != arguments_.count;
  }

  void on_subscribed(const mqtt::SubscriptionAcknowledgementView& answer) override {
    has_answer_ = true;
    for (std::size_t i = 0; i < answer.codes.size() && i < arguments_.filters.size(); ++i) {
      if (answer.codes[i] < 0x80) continue;
      ++refused_;
      first_refusal_ = first_refusal_.empty() ? refusal(i, answer.codes[i]) : first_refusal_;
    }
  }

  bool has_all() const { return arguments_.count > 0 && messages_ >= arguments_.count; }
  bool has_answer() const { return has_answer_; }
  bool all_refused() const { return refused_ > 0 && refused_ == arguments_.filters.size(); }
  std::uint64_t messages() const { return messages_; }
  const std::string& first_refusal() const { return first_refusal_; }

 private:
  std::string refusal(std::size_t filter, std::uint8_t code) const {
    return "the server refused the subscription to " + quoted(arguments_.filters[filter]) + ": " +
           describe(static_cast<mqtt::ReasonCode>(code));
  }

  const SubArguments& arguments_;
  std::uint64_t messages_ = 0;
  std::size_t refused_ = 0;
  bool has_answer_ = false;
  std::string first_refusal_;
};

/// SIGINT and SIGTERM as something to poll, so that the connection ends with DISCONNECT.
net::Descriptor stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return net::Descriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

Result<void> check_filters(const SubArguments& arguments) {
  for (const std::string& filter : arguments.filters) {
    if (!mqtt::is_valid_utf8(filter) || !mqtt::parse_topic_filter(filter))
      return failure(quoted(filter) + " is no Topic Filter");
  }
  const bool has_options = arguments.options.no_local || arguments.options.retain_as_published ||
                           arguments.retain_handling != 0 || arguments.subscription_identifier != 0;
  if (has_options && arguments.client.version != "5") return failure("subscription options need -V 5");
  return {};
}

void send_subscribe(Client& client, const SubArguments& arguments) {
  mqtt::PropertyWriter properties;
  if (arguments.subscription_identifier != 0) {
    properties.put(mqtt::PropertyId::kSubscriptionIdentifier, arguments.subscription_identifier);
  }
  mqtt::SubscribeView request;
  request.properties = properties.view();
  mqtt::SubscriptionOptions options = arguments.options;
  options.maximum_qos = static_cast<mqtt::QoS>(arguments.qos);
  options.retain_handling = static_cast<mqtt::RetainHandling>(arguments.retain_handling);
  for (const std::string& filter : arguments.filters) request.requests.push_back({filter, options});
  client.subscribe(request);
}

/// Receives until there is enough, the time is over or a signal came.
Result<void> receive(Client& client, Subscriber& subscriber, const SubArguments& arguments) {
  const net::Descriptor signals = stop_signals();
  const SteadyTime deadline =
      arguments.timeout > 0 ? steady_now() + std::chrono::ceil<Millis>(std::chrono::duration<double>(arguments.timeout))
                            : kNever;
  std::array<pollfd, 1> stop = {pollfd{signals.get(), POLLIN, 0}};
  while (!subscriber.has_all() && steady_now() < deadline && stop[0].revents == 0) {
    if (arguments.only_subscribes && subscriber.has_answer()) break;
    if (Result<void> turned = client.turn(deadline, subscriber, stop); !turned) return turned;
    std::fflush(stdout);
    if (std::ferror(stdout) != 0) return failure("standard output cannot be written");
    if (subscriber.all_refused()) return failure(subscriber.first_refusal());
  }
  if (Result<void> finished = client.finish(steady_now() + 5s); !finished && !subscriber.has_all()) return finished;
  if (!subscriber.first_refusal().empty()) return failure(subscriber.first_refusal());
  if (arguments.count > 0 && !subscriber.has_all() && stop[0].revents == 0) {
    return failure("got " + std::to_string(subscriber.messages()) + " of " + std::to_string(arguments.count) +
                   " messages before the time was over");
  }
  return {};
}

Result<void> subscribe(const SubArguments& arguments) {
  if (Result<void> checked = check_filters(arguments); !checked) return checked;
  Result<ClientOptions> options = resolve(arguments.client);
  if (!options) return std::move(options).as_failure();
  Result<Client> client = Client::connect(*options);
  if (!client) return std::move(client).as_failure();
  Subscriber subscriber(arguments);
  send_subscribe(*client, arguments);
  return receive(*client, subscriber, arguments);
}

}  // namespace

void add_sub(CLI::App& app, int& status) {
  CLI::App* sub = app.add_subcommand("sub", "Subscribe and print what arrives");
  auto arguments = std::make_shared<SubArguments>();
  add_client_options(*sub, arguments->client);
  sub->add_option("-t,--topic", arguments->filters, "Topic Filter (repeatable)")->required();
  sub->add_option("-q,--qos", arguments->qos, "Highest QoS to receive")->check(CLI::Range(0, 2))->capture_default_str();
  sub->add_option("-C,--count", arguments->count, "End after so many messages");
  sub->add_option("-W,--wait", arguments->timeout, "End after so many seconds; status 1 if -C was not reached")
      ->check(CLI::NonNegativeNumber);
  sub->add_flag("-E,--exit", arguments->only_subscribes, "End once the subscription is acknowledged (for -c)");
  sub->add_flag("-v,--verbose", arguments->print.topic, "Print the topic before the payload");
  sub->add_flag("-N,--no-newline", arguments->print.no_newline, "Print no newline after the payload");
  sub->add_flag("-F,--json", arguments->print.json, "Print one JSON object a line, properties included");
  sub->add_flag("-R,--no-retained", arguments->no_retained, "Leave out what was retained");
  sub->add_flag("--no-local", arguments->options.no_local, "Leave out what this client publishes (MQTT 5)");
  sub->add_flag("--retain-as-published", arguments->options.retain_as_published, "Keep the RETAIN flag (MQTT 5)");
  sub->add_option("--retain-handling", arguments->retain_handling, "0: send retained, 1: if new, 2: do not (MQTT 5)")
      ->check(CLI::Range(0, 2));
  sub->add_option("--subscription-id", arguments->subscription_identifier, "Subscription Identifier (MQTT 5)")
      ->check(CLI::Range(1u, 268'435'455u));
  sub->callback([arguments, &status] {
    const Result<void> done = subscribe(*arguments);
    status = done ? 0 : fail("sub", done.error());
  });
}

}  // namespace mortise::cli
