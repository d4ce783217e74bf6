// Clients, a broker and its store under one seed: see README.md.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "broker/base/log.h"
#include "world.h"

namespace {

struct Arguments {
  double seconds = 0;  // 0: no limit
  std::uint64_t runs = 0;
  std::uint64_t seed = 0;     // 0: the fixed ones, and then others in each run
  std::uint64_t fixed = 100;  // so many, from 1 on, whatever the time is
};

bool parse(int count, char** texts, Arguments& arguments) {
  for (int i = 1; i < count; i += 2) {
    const std::string name = texts[i];
    if (i + 1 == count) return false;
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(texts[i + 1], &end, 10);
    if (*end != '\0') return false;
    if (name == "--seconds") {
      arguments.seconds = static_cast<double>(number);
    } else if (name == "--runs") {
      arguments.runs = number;
    } else if (name == "--seed") {
      arguments.seed = number;
    } else if (name == "--fixed") {
      arguments.fixed = number;
    } else {
      return false;
    }
  }
  return arguments.seconds > 0 || arguments.runs > 0;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

using namespace std::chrono_literals;

int main(int count, char** texts) {
  Arguments arguments;
  if (!parse(count, texts, arguments)) {
    std::fprintf(stderr,
                 "usage: simulation [--seconds N] [--runs N] [--seed S | --fixed F]: one of the first two. Begins with "
                 "seed S, or goes from 1 to F and on with new ones\n");
    return 2;
  }
  if (std::getenv("MORTISE_TRACE") == nullptr)
    mortise::set_log_sink([](mortise::LogLevel, std::string_view, std::string_view) {}, mortise::LogLevel::kError);
  mortise::simulation::Totals totals;
  const double began = seconds_now();
  const bool has_fixed = arguments.seed == 0;
  const auto others = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() / 1s) * 1000;
  const auto seed_of = [&](std::uint64_t run) {
    if (!has_fixed) return arguments.seed + run;
    return run < arguments.fixed ? run + 1 : others + run - arguments.fixed;
  };
  const auto is_over = [&] {
    if (arguments.runs > 0 && totals.runs == arguments.runs) return true;
    const bool is_fixed = has_fixed && totals.runs < arguments.fixed;
    return arguments.seconds > 0 && !is_fixed && seconds_now() - began > arguments.seconds;
  };
  while (!is_over()) mortise::simulation::World(seed_of(totals.runs), totals).run();
  std::printf(
      "%llu runs, the last with seed %llu: %llu operations, %llu packets, %llu messages, %llu deliveries owed and "
      "made, %.0f client-hours, %llu restarts, %llu commits in %.0f s\n",
      static_cast<unsigned long long>(totals.runs), static_cast<unsigned long long>(seed_of(totals.runs - 1)),
      static_cast<unsigned long long>(totals.operations), static_cast<unsigned long long>(totals.packets),
      static_cast<unsigned long long>(totals.messages), static_cast<unsigned long long>(totals.duties),
      totals.client_hours, static_cast<unsigned long long>(totals.restarts),
      static_cast<unsigned long long>(totals.commits), seconds_now() - began);
  return 0;
}
