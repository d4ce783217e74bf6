// What an inline hook of a concurrent instance costs, through the real host and a real shared object: scope in, call,
// one field read, decision, scope out. The request exists already, as it does in the broker where it is asked about.
// A hook that is not registered costs one branch on a bool of the dispatch: publish_path_bench measures the whole way
// with a plugin loaded that has another hook (args "other_hook"), against none.
// Run: hook_scope_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "broker/plugin_host/host.h"
#include "tests/bench/instructions.h"

namespace mortise::plugin_host {
namespace {

/// Nothing completes later here.
class NoCompletions final : public hooks::Completions {
 public:
  void complete(const hooks::Ticket&, hooks::Resolution) override {}
};
class NoIntents final : public hooks::Intents {
 public:
  bool perform(std::string_view, hooks::Intent) override { return false; }
};

/// A host with one of the plugins of this folder.
class Host {
 public:
  explicit Host(const std::string& library) {
    auto settings = std::make_shared<config::Settings>();
    config::PluginSettings plugin;
    plugin.name = library;
    plugin.library = std::string(MORTISE_BENCH_PLUGINS) + "/" + library + ".so";
    settings->plugins.push_back(plugin);
    settings->hooks.auth.push_back(library);
    PluginHost::Services services;
    services.completions = &completions_;
    services.intents = &intents_;
    services.loop_executor = [](LoopIndex) -> Executor* { return nullptr; };
    auto started = PluginHost::start(std::move(settings), services);
    if (!started) {
      std::fprintf(stderr, "ERROR: %s\n", started.error().message.c_str());
      std::exit(1);
    }
    host_ = std::move(*started);
  }

  hooks::DispatchPtr dispatch() const { return host_->dispatch(); }

 private:
  NoCompletions completions_;
  NoIntents intents_;
  std::unique_ptr<PluginHost> host_;
};

hooks::AccessRequestPtr request_to_publish() {
  auto principal = std::make_shared<mqtt::Principal>();
  principal->client_id = "alice-1";
  principal->user_name = "alice";
  auto request = std::make_shared<hooks::AccessRequest>();
  request->principal = std::move(principal);
  request->topic = "tenant/alice/site/042/dev/0001234";
  request->original_topic = "site/042/dev/0001234";
  mqtt::MessageView fields;
  fields.topic = request->topic;
  fields.payload = as_bytes(std::string_view("twenty degrees"));
  request->message = mqtt::Message::make(fields);
  return request;
}

bool is_allowed(const hooks::Answer<hooks::AccessDecision>& answer) {
  const auto* decision = std::get_if<hooks::AccessDecision>(&answer);
  return decision != nullptr && decision->verdict == hooks::Verdict::kAllow;
}

/// The adapter alone: what one plugin adds.
void inline_scope(benchmark::State& state, const char* library) {
  const Host host(library);
  const hooks::DispatchPtr dispatch = host.dispatch();
  hooks::AuthHooks& hooks = *dispatch->auth.front().hooks;
  const hooks::AccessRequestPtr request = request_to_publish();
  hooks::Ticket ticket{0, {7, 1}, 0};
  const Now now = mortise::now();
  const CountedInstructions counted(state);
  for (auto _ : state) {
    ++ticket.question;
    const auto answer = hooks.authorize(request, ticket, now);
    if (!is_allowed(answer)) state.SkipWithError("the plugin did not allow it");
    benchmark::DoNotOptimize(&answer);
  }
}
BENCHMARK_CAPTURE(inline_scope, no_field, "bench-no-field");
BENCHMARK_CAPTURE(inline_scope, one_field, "bench-one-field");

/// The chain around it, as the core runs it: one plugin in the order, the verdicts combined.
void chain_of_one(benchmark::State& state) {
  const Host host("bench-one-field");
  const hooks::DispatchPtr dispatch = host.dispatch();
  const hooks::AccessRequestPtr request = request_to_publish();
  hooks::Ticket ticket{0, {7, 1}, 0};
  const Now now = mortise::now();
  const CountedInstructions counted(state);
  for (auto _ : state) {
    ++ticket.question;
    hooks::AuthorizeRun run(dispatch, request);
    const auto decision = run.start(ticket, now);
    if (!decision || decision->verdict != hooks::Verdict::kAllow) state.SkipWithError("the chain did not allow it");
    benchmark::DoNotOptimize(&decision);
  }
}
BENCHMARK(chain_of_one);

/// The question that must be built before anybody can be asked.
void build_request(benchmark::State& state) {
  const hooks::AccessRequestPtr like = request_to_publish();
  const CountedInstructions counted(state);
  for (auto _ : state) {
    auto request = std::make_shared<hooks::AccessRequest>();
    request->principal = like->principal;
    request->topic = like->topic;
    request->original_topic = like->original_topic;
    request->message = like->message;
    benchmark::DoNotOptimize(request->topic.data());
  }
}
BENCHMARK(build_request);

}  // namespace
}  // namespace mortise::plugin_host
