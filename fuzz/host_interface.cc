// What a plugin can do to the host: every function of the generated table with arbitrary handles, numbers, sizes and
// structures, inside and outside of calls, nested as far as the input says. Whatever comes, each function answers OK or
// one of the errors its description lists, and the requests stay as they were. Lies about the size of the plugin's own
// memory are left out: nobody can check those.
#include <mortise/abi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/log.h"
#include "broker/plugin_host/asking.h"
#include "broker/plugin_host/config_document.h"
#include "broker/plugin_host/record_page.h"
#include "broker/plugin_host/services.h"
#include "fuzz/host_draws.h"

namespace mortise::plugin_host {
namespace {

// ---- One caller for each row of abi::kFunctions ---------------------------------------------------------------------

using Call = std::uint32_t (*)();

/// What a view shows must be readable, and writable without effect on the broker.
std::uint32_t touched(std::uint32_t status, const mortise_bytes& shown) {
  if (shown.data == nullptr) std::abort();
  std::uint8_t sum = 0;
  for (std::uint64_t i = 0; i < shown.size; ++i)
    sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(shown.data[i]));
  if (shown.size != 0) const_cast<char*>(shown.data)[0] = static_cast<char>(sum);
  return status;
}

std::uint32_t call_get_bytes() {
  mortise_bytes out;
  const mortise_handle handle = draw_handle();
  return touched(kViewService.get_bytes(handle, draw_field(), &out), out);
}
std::uint32_t call_get_pair() {
  mortise_bytes key;
  mortise_bytes value;
  const mortise_handle handle = draw_handle();
  const std::uint32_t field = draw_field();
  const std::uint32_t status = kViewService.get_pair(handle, field, draw_number(), &key, &value);
  return touched(touched(status, key), value);
}
std::uint32_t call_get_child() {
  mortise_handle out = 0;
  const mortise_handle handle = draw_handle();
  const std::uint32_t field = draw_field();
  const std::uint32_t status = kViewService.get_child(handle, field, draw_number(), &out);
  keep(out);
  return status;
}
std::uint32_t call_copy() {
  std::uint64_t copied = 0;
  const mortise_handle handle = draw_handle();
  const std::uint32_t field = draw_field();
  const std::uint64_t offset = draw_number();
  const std::uint32_t size = world->input.byte();
  std::vector<char> buffer(size);
  const std::uint32_t status = kViewService.copy(handle, field, offset, buffer.data(), size, &copied);
  if (copied > size) std::abort();
  return status;
}
std::uint32_t call_map() {
  mortise_bytes out;
  const mortise_handle handle = draw_handle();
  return touched(kViewService.map(handle, draw_field(), &out), out);
}
std::uint32_t call_config_get() {
  mortise_bytes out;
  const mortise_handle handle = draw_handle();
  return touched(kViewService.config_get(handle, draw_bytes(), &out), out);
}
std::uint32_t call_config_key() {
  mortise_bytes out;
  const mortise_handle handle = draw_handle();
  const mortise_bytes pointer = draw_bytes();
  return touched(kViewService.config_key(handle, pointer, draw_number(), &out), out);
}
std::uint32_t call_retain() {
  mortise_handle owned = 0;
  const std::uint32_t status = kCoreService.retain(draw_handle(), &owned);
  keep(owned);
  return status;
}
std::uint32_t call_create() {
  mortise_handle token = 0;
  const mortise_handle call = draw_handle();
  const std::uint32_t status = kTokenService.create(call, draw_number() * 100, &token);
  keep(token);
  if (token != 0) world->last_token = token;
  return status;
}
std::uint32_t call_emit() {
  const mortise_handle call = draw_handle();
  alignas(8) char block[256];
  const std::size_t size = world->input.byte();
  for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<char>(world->input.byte());
  return kStoreService.emit(call, {block, size});
}

constexpr Call kCalls[] = {
    [] {
      const auto w = draw_handle();
      const auto l = draw_number();
      return kCoreService.log(w, l, draw_bytes());
    },
    [] {
      const auto c = draw_handle();
      return kCoreService.fail(c, draw_bytes());
    },
    call_retain,
    [] {
      const auto s = draw_handle();
      return kCoreService.release(s, draw_handle());
    },
    [] {
      std::uint64_t out;
      return kCoreService.now_wall_ms(world->input.byte() == 0 ? nullptr : &out);
    },
    [] {
      std::uint64_t out;
      return kCoreService.now_steady_ms(world->input.byte() == 0 ? nullptr : &out);
    },
    [] {
      const auto w = draw_handle();
      const auto n = draw_bytes();
      return kCoreService.counter_add(w, n, world->input.u64());
    },
    [] {
      std::uint64_t out;
      const auto h = draw_handle();
      return kViewService.get_u64(h, draw_field(), &out);
    },
    call_get_bytes,
    [] {
      std::uint64_t out;
      const auto h = draw_handle();
      return kViewService.get_count(h, draw_field(), &out);
    },
    call_get_pair,
    call_get_child,
    call_copy,
    call_map,
    call_config_get,
    [] {
      std::uint64_t out;
      const auto c = draw_handle();
      return kViewService.config_count(c, draw_bytes(), &out);
    },
    call_config_key,
    [] {
      const auto c = draw_handle();
      const auto d = draw_auth();
      return kDecisionService.decide_auth(c, maybe(d));
    },
    [] {
      const auto c = draw_handle();
      const auto d = draw_access();
      return kDecisionService.decide_access(c, maybe(d));
    },
    [] {
      const auto c = draw_handle();
      const auto d = draw_bind();
      return kDecisionService.decide_bind(c, maybe(d));
    },
    [] {
      const auto c = draw_handle();
      const auto d = draw_exchange();
      return kDecisionService.decide_exchange(c, maybe(d));
    },
    call_create,
    [] {
      const auto s = draw_handle();
      const auto t = draw_handle();
      const auto d = draw_auth();
      return kTokenService.complete_auth(s, t, maybe(d));
    },
    [] {
      const auto s = draw_handle();
      const auto t = draw_handle();
      const auto d = draw_access();
      return kTokenService.complete_access(s, t, maybe(d));
    },
    [] {
      const auto s = draw_handle();
      const auto t = draw_handle();
      const auto d = draw_bind();
      return kTokenService.complete_bind(s, t, maybe(d));
    },
    [] {
      const auto s = draw_handle();
      const auto t = draw_handle();
      const auto d = draw_exchange();
      return kTokenService.complete_exchange(s, t, maybe(d));
    },
    [] {
      const auto w = draw_handle();
      const auto m = draw_publish();
      return kIntentService.publish(w, maybe(m));
    },
    [] {
      const auto w = draw_handle();
      const auto c = draw_disconnect();
      return kIntentService.disconnect(w, maybe(c));
    },
    [] {
      const auto w = draw_handle();
      const auto n = draw_bytes();
      return kIntentService.invalidate(w, n, draw_bytes());
    },
    [] {
      const auto w = draw_handle();
      const auto d = world->input.u64();
      return kIntentService.set_timer(w, d, draw_number());
    },
    [] {
      const auto w = draw_handle();
      return kIntentService.cancel_timer(w, draw_number());
    },
    call_emit,
};
static_assert(std::size(kCalls) == abi::kFunctions.size(),
              "a caller for each function of the ABI, in the table's order");

// ---- Calls into the plugin ------------------------------------------------------------------------------------------

void step();

/// What every hook of the fuzzed plugin does: steps until the input says it returns, or throws.
std::uint32_t run_hook(void*, mortise_handle call) {
  keep(call);
  ++world->depth;
  while (!world->input.is_empty() && world->steps < 2000) {
    const std::uint8_t next = world->input.byte();
    if (next >= 250) break;
    step();
  }
  --world->depth;
  const std::uint8_t how = world->input.byte();
  if (how == 255) throw 1;
  return how < 200 ? MORTISE_OK : how;
}

template <class Decision, class RequestPtr>
void ask_hook(std::size_t hook, const RequestPtr& request) {
  const auto& instance = world->instances[world->input.byte() % 2];
  const auto loop = static_cast<LoopIndex>(world->input.byte() % 2);
  const hooks::Ticket ticket{loop, {1, 1}, static_cast<std::uint32_t>(world->tickets.size() + 1)};
  if (world->tickets.size() < 64) world->tickets.push_back(ticket);
  (void)ask_instance<Decision>(instance, hook, request, ticket, now());
}

void enter_plain(std::size_t point, const void* object, RecordPage* page = nullptr) {
  Instance& instance = *world->instances[world->input.byte() % 2];
  std::string failure;
  CallFrame frame(instance, instance.control_lane(), point, object);
  frame.page = page;
  frame.failure = &failure;
  (void)call_plugin(frame, run_hook, nullptr);
}

void enter_batch() {
  EventBatch batch;
  for (int i = world->input.byte() % 4; i >= 0; --i) {
    hooks::Event event;
    event.kind = static_cast<hooks::EventKind>(1 + world->input.byte() % 8);
    event.principal = world->access->principal;
    event.topic = "a";
    batch.events.push_back(std::move(event));
  }
  enter_plain(kEvents, &batch);
}

void enter() {
  static const std::string kBatch(64, 'b');
  switch (world->input.byte() % 12) {
    case 0:
      return ask_hook<hooks::AuthDecision>(kAuthenticate, world->connect);
    case 1:
      return ask_hook<hooks::AccessDecision>(kAuthorize, world->access);
    case 2:
      return ask_hook<hooks::BindDecision>(kBind, world->bind);
    case 3:
      return enter_batch();
    case 4: {
      const StoreCommitView commit{as_bytes(kBatch), 1, 2};
      return enter_plain(kStoreCommit, &commit);
    }
    case 5: {
      const StoreLoadView load{"cursor", 100};
      RecordPage page(RecordPage::Source::kLoad, 1000);
      enter_plain(kStoreLoad, &load, &page);
      return page.deliver([](ByteView) { return true; });
    }
    case 6: {
      const StoreFetchSubject fetch{1, 2, 3, 4};
      RecordPage page(RecordPage::Source::kFetch, 1000);
      enter_plain(kStoreFetch, &fetch, &page);
      return page.deliver([](ByteView) { return true; });
    }
    case 7: {
      const TimerSubject timer{1, {}};
      return enter_plain(kOnTimer, &timer);
    }
    case 8: {
      static const auto document = ConfigDocument::parse(R"({"rules": [1, "x", {"a": null}], "name_1": true})");
      ConfigSubject config{"fuzzed", "{}", "/", "/", document->get()};
      return enter_plain(kOnStart, &config);
    }
    case 10:
      return ask_hook<hooks::ExchangeDecision>(kExchange, world->exchange);
    case 11: {
      const ExchangeEndSubject end{1, "client"};
      return enter_plain(kExchangeEnded, &end);
    }
    default:
      return world->executor.run();
  }
}

void step() {
  ++world->steps;
  const std::uint8_t what = world->input.byte();
  if (what < 200) {
    const std::size_t function = what % abi::kFunctions.size();
    check_answer(function, kCalls[function]());
  } else if (what < 230) {
    if (world->depth < 6) enter();
  } else if (!world->tickets.empty()) {
    const hooks::Ticket& ticket = world->tickets[world->input.byte() % world->tickets.size()];
    Instance& instance = *world->instances[what % 2];
    if (what < 240)
      (void)instance.pending().expire(ticket);
    else
      instance.pending().cancel(ticket);
  }
}

std::shared_ptr<Instance> make_instance(World& made, bool is_concurrent) {
  static const auto clock = std::make_shared<DeadlineClock>();
  auto plugin = std::make_shared<LoadedPlugin>();
  plugin->name = "fuzzed";
  plugin->is_concurrent = is_concurrent;
  for (const std::size_t hook : {kAuthenticate, kAuthorize, kBind, kExchange}) {
    plugin->hooks[hook].function = run_hook;
    plugin->hook_order.push_back(hook);
  }
  ConfigSubject config;
  config.instance_name = "fuzzed";
  config.config_json = "{}";
  InstanceEnvironment environment;
  environment.completions = &made.completions;
  environment.intents = &made.intents;
  environment.loop_executor = [&made](LoopIndex) { return &made.executor; };
  environment.loops = 2;
  environment.clock = clock;
  environment.limits.tokens = 8;
  environment.limits.owned_handles = 8;
  environment.limits.view_bytes = 64 << 10;
  auto instance =
      std::make_shared<Instance>(std::move(plugin), std::move(config), std::move(environment), LoopIndex{0});
  if (!instance->start().ok()) std::abort();
  return instance;
}

void make_requests(World& made) {
  auto connect = std::make_shared<hooks::ConnectRequest>();
  connect->client_id = "client";
  connect->user_name = "user";
  connect->password.emplace(as_bytes(std::string_view("secret")));
  connect->user_properties = std::make_shared<mqtt::UserProperties>(mqtt::UserProperties{{"a", "b"}, {"c", "d"}});
  connect->certificate =
      std::make_shared<mqtt::CertificateIdentity>(mqtt::CertificateIdentity{{}, {}, "dns:x, nothing", {}});
  auto principal = std::make_shared<mqtt::Principal>();
  principal->client_id = "client";
  auto access = std::make_shared<hooks::AccessRequest>();
  access->principal = principal;
  access->action = static_cast<hooks::Action>(1 + made.input.byte() % 3);
  access->topic = "a/b";
  mqtt::MessageView fields;
  fields.topic = "a/b";
  fields.payload = as_bytes(std::string_view("payload"));
  access->message = mqtt::Message::make(fields);
  auto bind = std::make_shared<hooks::BindRequest>();
  bind->principal = principal;
  auto exchange = std::make_shared<hooks::ExchangeRequest>();
  exchange->method = "SCRAM-SHA-256";
  exchange->authentication_data.emplace(as_bytes(std::string_view("first")));
  exchange->connect = connect;
  made.exchange = std::move(exchange);
  made.connect = std::move(connect);
  made.access = std::move(access);
  made.bind = std::move(bind);
}

void check_untouched(const World& made) {
  const bool is_same = made.connect->client_id == "client" && made.connect->user_name == "user" &&
                       as_text(made.connect->password->view()) == "secret" && made.access->topic == "a/b" &&
                       as_text(made.access->message->payload()) == "payload" &&
                       made.bind->principal->client_id == "client" &&
                       as_text(made.exchange->authentication_data->view()) == "first";
  if (!is_same) std::abort();
}

}  // namespace

void run_input(const std::uint8_t* bytes, std::size_t size) {
  World made(InputView(bytes, size));
  make_requests(made);
  world = &made;
  made.instances[0] = make_instance(made, true);
  made.instances[1] = make_instance(made, false);
  for (const auto& instance : made.instances) keep(instance->self());
  while (!made.input.is_empty() && made.steps < 2000) step();
  made.executor.run();
  for (const auto& instance : made.instances) instance->stop();
  // Stopped: everything that is still reached answers, and nothing happens.
  for (std::size_t function = 0; function < abi::kFunctions.size(); ++function)
    check_answer(function, kCalls[function]());
  check_untouched(made);
  world = nullptr;
}

}  // namespace mortise::plugin_host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const bool is_quiet = [] {
    mortise::set_log_sink([](mortise::LogLevel, std::string_view, std::string_view) {}, mortise::LogLevel::kDebug);
    return true;
  }();
  (void)is_quiet;
  mortise::plugin_host::run_input(bytes, size);
  return 0;
}
