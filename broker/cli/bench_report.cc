#include "broker/cli/bench_report.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace mortise::cli {

namespace {

[[gnu::format(printf, 2, 3)]] void add_line(std::string& text, const char* format, ...) {
  std::array<char, 256> line{};
  va_list values;
  va_start(values, format);
  std::vsnprintf(line.data(), line.size(), format, values);
  va_end(values);
  text.append(line.data()).append("\n");
}

const char* name_of(BenchPattern pattern) {
  static constexpr std::array kNames = {"pairs", "fan-in", "fan-out"};
  return kNames[static_cast<std::size_t>(pattern)];
}

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

std::string to_json(const BenchReport& report, const BenchOptions& options) {
  nlohmann::ordered_json object = {
      {"pattern", name_of(options.pattern)},
      {"clients", options.clients},
      {"qos", static_cast<int>(options.qos)},
      {"size", options.size},
      {"version", static_cast<int>(options.client.version)},
      {"rate", options.rate},
      {"sent", report.sent},
      {"unsent", report.unsent},
      {"expected", report.expected},
      {"delivered", report.delivered},
      {"lost", report.lost},
      {"order_errors", report.order_errors},
      {"duplicates", report.duplicates},
      {"damaged", report.damaged},
      {"stalls", report.stalls},
      {"seconds", static_cast<double>(report.elapsed.count()) / 1e9},
      {"messages_per_second", report.per_second()},
      {"own_cpu_us_per_message", microseconds(static_cast<std::uint64_t>(report.own_cpu.count())) /
                                     static_cast<double>(std::max<std::uint64_t>(1, report.delivered))},
  };
  if (report.broker_cpu) object["broker_cpu_us_per_message"] = report.cpu_us_per_message();
  if (report.latency.total() > 0) {
    object["latency_us"] = {{"p50", microseconds(report.latency.at(0.5))},
                            {"p99", microseconds(report.latency.at(0.99))},
                            {"p99.9", microseconds(report.latency.at(0.999))},
                            {"max", microseconds(report.latency.maximum())}};
  }
  return object.dump() + "\n";
}

}  // namespace

double BenchReport::per_second() const {
  return elapsed.count() == 0 ? 0 : static_cast<double>(delivered) * 1e9 / static_cast<double>(elapsed.count());
}

double BenchReport::cpu_us_per_message() const {
  if (!broker_cpu || delivered == 0) return 0;
  return static_cast<double>(broker_cpu->count()) / 1000 / static_cast<double>(delivered);
}

std::string format(const BenchReport& report, const BenchOptions& options) {
  if (options.json) return to_json(report, options);
  std::string text;
  add_line(text, "%s, %zu clients, QoS %d, %zu bytes", name_of(options.pattern), options.clients,
           static_cast<int>(options.qos), options.size);
  add_line(text, "sent         %12llu messages", static_cast<unsigned long long>(report.sent));
  add_line(text, "delivered    %12llu of %llu in %.3f s", static_cast<unsigned long long>(report.delivered),
           static_cast<unsigned long long>(report.expected), static_cast<double>(report.elapsed.count()) / 1e9);
  add_line(text, "throughput   %12.0f deliveries/s", report.per_second());
  if (report.broker_cpu) add_line(text, "broker CPU   %12.3f us/delivery", report.cpu_us_per_message());
  if (report.latency.total() > 0) {
    add_line(text, "latency      p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us",
             microseconds(report.latency.at(0.5)), microseconds(report.latency.at(0.99)),
             microseconds(report.latency.at(0.999)), microseconds(report.latency.maximum()));
  }
  add_line(text, "lost %llu, out of order %llu, twice %llu, damaged %llu, unsent %llu, stalls %llu",
           static_cast<unsigned long long>(report.lost), static_cast<unsigned long long>(report.order_errors),
           static_cast<unsigned long long>(report.duplicates), static_cast<unsigned long long>(report.damaged),
           static_cast<unsigned long long>(report.unsent), static_cast<unsigned long long>(report.stalls));
  return text;
}

}  // namespace mortise::cli
