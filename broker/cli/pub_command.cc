#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "broker/cli/client_options.h"
#include "broker/cli/commands.h"
#include "broker/mqtt/topic.h"

namespace mortise::cli {

using mqtt::PropertyId;

namespace {

constexpr std::size_t kUnsentMaximum = 1u << 20;  // bytes; above it no more lines are read
constexpr Seconds kFinishTimeout{30};

struct PubArguments {
  ClientArguments client;
  std::string topic, message, file;
  bool has_message = false, from_stdin = false, lines = false, empty = false;
  int qos = 0;
  bool retain = false;
  std::vector<std::string> properties;
  std::string content_type, response_topic, correlation;
  std::int64_t expiry = -1;
  bool is_text = false;
};

/// One message after the other on one connection; remembers the first that the Server refused.
class Publisher : public ClientHandler {
 public:
  Publisher(Client client, const PubArguments& arguments, mqtt::PropertyWriter properties)
      : client_(std::move(client)), arguments_(arguments), properties_(std::move(properties)) {}

  Result<void> publish(std::string_view payload) {
    const auto qos = static_cast<mqtt::QoS>(arguments_.qos);
    while (is_full(qos)) {
      if (Result<void> turned = turn(); !turned) return turned;
    }
    client_.publish({false, qos, arguments_.retain, 0, arguments_.topic, properties_.view(), as_bytes(payload)});
    return {};
  }

  /// Publishes each line of standard input until it ends.
  Result<void> publish_lines() {
    std::array<pollfd, 1> input = {pollfd{STDIN_FILENO, POLLIN, 0}};
    std::string pending;
    for (;;) {
      if (Result<void> turned = turn(input); !turned) return turned;
      if ((input[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      std::array<char, 65536> buffer;
      const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return pending.empty() ? Result<void>() : publish(pending);
      pending.append(buffer.data(), static_cast<std::size_t>(got));
      std::size_t begin = 0;
      for (std::size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
        if (Result<void> sent = publish(std::string_view(pending).substr(begin, end - begin)); !sent) return sent;
      }
      pending.erase(0, begin);
    }
  }

  Result<void> finish() {
    const SteadyTime deadline = steady_now() + kFinishTimeout;
    while ((client_.in_flight() > 0 || client_.unsent_bytes() > 0) && steady_now() < deadline) {
      if (Result<void> turned = turn(); !turned) return turned;
    }
    if (client_.in_flight() > 0) {
      return failure(std::to_string(client_.in_flight()) + " messages were not acknowledged within 30 s");
    }
    if (Result<void> finished = client_.finish(deadline); !finished) return finished;
    return refused_ ? Result<void>(failure(*refused_)) : Result<void>();
  }

  void on_published(mqtt::PacketId, mqtt::ReasonCode reason, const mqtt::PropertiesView& properties) override {
    if (!is_error(reason) || refused_) return;
    const auto why = properties.text(PropertyId::kReasonString);
    refused_ = "the server refused the message: " + describe(reason) + (why ? ": " + quoted(*why) : "");
  }

 private:
  bool is_full(mqtt::QoS qos) const {
    if (client_.unsent_bytes() > kUnsentMaximum) return true;
    return qos != mqtt::QoS::kAtMostOnce &&
           client_.in_flight() >= std::min<std::size_t>(client_.receive_maximum(), 1000);
  }
  Result<void> turn(std::span<pollfd> others = {}) { return client_.turn(steady_now() + 1s, *this, others); }

  Client client_;
  const PubArguments& arguments_;
  mqtt::PropertyWriter properties_;
  std::optional<std::string> refused_;
};

Result<mqtt::PropertyWriter> properties_of(const PubArguments& arguments) {
  mqtt::PropertyWriter properties;
  if (arguments.is_text) properties.put(PropertyId::kPayloadFormatIndicator, 1u);
  if (arguments.expiry >= 0)
    properties.put(PropertyId::kMessageExpiryInterval, static_cast<std::uint32_t>(arguments.expiry));
  if (!arguments.content_type.empty())
    properties.put(PropertyId::kContentType, std::string_view(arguments.content_type));
  if (!arguments.response_topic.empty())
    properties.put(PropertyId::kResponseTopic, std::string_view(arguments.response_topic));
  if (!arguments.correlation.empty())
    properties.put(PropertyId::kCorrelationData, std::string_view(arguments.correlation));
  for (const std::string& text : arguments.properties) {
    auto pair = parse_pair(text);
    if (!pair) return std::move(pair).as_failure();
    properties.put_pair(pair->first, pair->second);
  }
  if (!properties.empty() && arguments.client.version != "5") return failure("properties of a message need -V 5");
  return properties;
}

/// What is to be published; nothing for -l. Errors: none or several of -m, -f, -s, -l, -n.
Result<std::string> payload_of(const PubArguments& arguments) {
  const int sources = int{arguments.has_message} + int{!arguments.file.empty()} + int{arguments.from_stdin} +
                      int{arguments.lines} + int{arguments.empty};
  if (sources != 1) return failure("say what to publish: one of -m TEXT, -f FILE, -s, -l or -n");
  if (arguments.from_stdin) return read_file("-");
  return arguments.file.empty() ? Result<std::string>(arguments.message) : read_file(arguments.file);
}

Result<void> publish(const PubArguments& arguments) {
  const auto topic = mqtt::check_topic_name(arguments.topic);
  if (!mqtt::is_valid_utf8(arguments.topic) || !topic) return failure(quoted(arguments.topic) + " is no Topic Name");
  Result<ClientOptions> options = resolve(arguments.client);
  if (!options) return std::move(options).as_failure();
  Result<mqtt::PropertyWriter> properties = properties_of(arguments);
  if (!properties) return std::move(properties).as_failure();
  Result<std::string> payload = payload_of(arguments);
  if (!payload) return std::move(payload).as_failure();
  Result<Client> client = Client::connect(*options);
  if (!client) return std::move(client).as_failure();
  Publisher publisher(std::move(*client), arguments, std::move(*properties));
  Result<void> published = arguments.lines ? publisher.publish_lines() : publisher.publish(*payload);
  if (!published) return published;
  return publisher.finish();
}

}  // namespace

void add_pub(CLI::App& app, int& status) {
  CLI::App* pub = app.add_subcommand("pub", "Publish messages");
  auto arguments = std::make_shared<PubArguments>();
  add_client_options(*pub, arguments->client);
  pub->add_option("-t,--topic", arguments->topic, "Topic Name")->required();
  auto* message = pub->add_option("-m,--message", arguments->message, "The payload");
  pub->add_option("-f,--file", arguments->file, "File that is the payload");
  pub->add_flag("-s,--stdin", arguments->from_stdin, "Standard input, to its end, is the payload");
  pub->add_flag("-l,--lines", arguments->lines, "Each line of standard input is a message");
  pub->add_flag("-n,--null-message", arguments->empty, "An empty payload (with -r: remove what is retained)");
  pub->add_option("-q,--qos", arguments->qos, "QoS")->check(CLI::Range(0, 2))->capture_default_str();
  pub->add_flag("-r,--retain", arguments->retain, "The server keeps the message for later subscribers");
  pub->add_option("-D,--user-property", arguments->properties, "User Property, name=value (repeatable; MQTT 5)");
  pub->add_option("--content-type", arguments->content_type, "Content Type (MQTT 5)");
  pub->add_option("--response-topic", arguments->response_topic, "Response Topic (MQTT 5)");
  pub->add_option("--correlation", arguments->correlation, "Correlation Data (MQTT 5)");
  pub->add_option("--expiry", arguments->expiry, "Message Expiry Interval in seconds (MQTT 5)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{0xFFFFFFFF}));
  pub->add_flag("--text", arguments->is_text, "Payload Format Indicator: the payload is UTF-8 (MQTT 5)");
  pub->callback([arguments, message, &status] {
    arguments->has_message = message->count() > 0;
    const Result<void> done = publish(*arguments);
    status = done ? 0 : fail("pub", done.error());
  });
}

}  // namespace mortise::cli
