#include "probe_plugin.h"

ProbeHooks probe_hooks;

namespace {

class Probe : public mortise::Plugin {
 public:
  static constexpr mortise::HookOptions hook_options(std::uint32_t hook_id) {
    if (hook_id != MORTISE_HOOK_TOPIC_BIND) return {};
    return {false, mortise::fields(MORTISE_FIELD_BIND_REASON), mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID)};
  }

  void start(const mortise::ConfigView& config) override {
    if (probe_hooks.start) probe_hooks.start(*this, config);
  }
  void configure(const mortise::ConfigView& config) override { probe_hooks.configure(config); }
  void stop() override { probe_hooks = {}; }
  void on_timer(const mortise::TimerView& timer) override { probe_hooks.on_timer(*this, timer); }

  mortise::AuthDecision authenticate(const mortise::ConnectRequestView& request) override {
    return probe_hooks.authenticate(request);
  }
  mortise::AccessDecision authorize(const mortise::AccessRequestView& request) override {
    return probe_hooks.authorize(request);
  }
  mortise::BindDecision bind(const mortise::BindRequestView& request) override { return probe_hooks.bind(request); }
  mortise::ExchangeDecision exchange(const mortise::ExchangeView& step) override { return probe_hooks.exchange(step); }
  void exchange_ended(const mortise::ExchangeEndView& end) override { probe_hooks.exchange_ended(end); }
  mortise::Status open(const mortise::StoreOpenView& request) override { return probe_hooks.open(request); }
  mortise::Status commit(const mortise::StoreCommitView& batch) override { return probe_hooks.commit(batch); }
  mortise::Status load(const mortise::StoreLoadView& request, mortise::RecordSink& sink) override {
    return probe_hooks.load(request, sink);
  }
  mortise::Status fetch(const mortise::StoreFetchView& request, mortise::RecordSink& sink) override {
    return probe_hooks.fetch(request, sink);
  }
};

}  // namespace

MORTISE_PLUGIN(Probe, "probe", "1.2.3")
