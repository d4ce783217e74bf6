#pragma once

/// A plugin whose hooks are what the test at hand wants them to be.

#include <functional>
#include <mortise/plugin.hpp>

struct ProbeHooks {
  std::function<void(mortise::Plugin&, const mortise::ConfigView&)> start;
  std::function<void(const mortise::ConfigView&)> configure;
  std::function<void(mortise::Plugin&, const mortise::TimerView&)> on_timer;
  std::function<mortise::AuthDecision(const mortise::ConnectRequestView&)> authenticate;
  std::function<mortise::AccessDecision(const mortise::AccessRequestView&)> authorize;
  std::function<mortise::BindDecision(const mortise::BindRequestView&)> bind;
  std::function<mortise::ExchangeDecision(const mortise::ExchangeView&)> exchange;
  std::function<void(const mortise::ExchangeEndView&)> exchange_ended;
  std::function<mortise::Status(const mortise::StoreOpenView&)> open;
  std::function<mortise::Status(const mortise::StoreCommitView&)> commit;
  std::function<mortise::Status(const mortise::StoreLoadView&, mortise::RecordSink&)> load;
  std::function<mortise::Status(const mortise::StoreFetchView&, mortise::RecordSink&)> fetch;
};

/// Set by a test before it starts the plugin; emptied by stop().
extern ProbeHooks probe_hooks;
