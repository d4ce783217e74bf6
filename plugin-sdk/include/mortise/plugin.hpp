#pragma once

/// A plugin in C++17: derive from mortise::Plugin, override the hooks you want, register the class.
///
///     #include <mortise/plugin.hpp>
///
///     class Doorman : public mortise::Plugin {
///      public:
///       mortise::AuthDecision authenticate(const mortise::ConnectRequestView& request) override {
///         if (request.user_name() == "alice") return mortise::AuthDecision::allow();
///         return mortise::AuthDecision::next();
///       }
///     };
///     MORTISE_PLUGIN(Doorman, "doorman", "1.0.0")
///
/// Design notes. A hook exists if the class overrides it; what is overridden is read off the member's type at compile
/// time, so nothing is registered that is not implemented, and `override` catches a misspelt one. Every entry point is
/// a trampoline that catches every exception here, on the plugin's side: a host must never catch what another copy of
/// the C++ runtime threw, and so a plugin may link libstdc++ statically or not.

#include <memory>
#include <mortise/config.hpp>
#include <mortise/store.hpp>
#include <mortise/view.hpp>
#include <new>
#include <type_traits>

MORTISE_SDK_BEGIN

/// How a hook is registered.
struct HookOptions {
  bool is_required = true;  // a host that does not know the hook refuses the plugin
  std::uint64_t fields = MORTISE_FIELDS_ALL & ~MORTISE_FIELD_BIT(MORTISE_FIELD_ACCESS_PAYLOAD);
  std::uint64_t child_fields = MORTISE_FIELDS_ALL;
};

/// A mask of fields for HookOptions: those that are usually read, and so travel with the request; others can be read
/// too.
template <class... Field>
constexpr std::uint64_t fields(Field... field) {
  return (std::uint64_t{0} | ... | MORTISE_FIELD_BIT(field));
}

namespace detail {
template <class Plugin>
struct Trampolines;
}

/// The base of a plugin. One object per instance; the host calls one hook at a time unless the class says
/// `static constexpr bool kConcurrent = true`, and then several threads may be in its hooks at once (never two for one
/// session). Hooks may throw: the call then fails with a line in the log and the operator's failure policy applies.
/// The methods of Actions (log, count, publish, ...) act in the instance's name and may be called from any thread.
class Plugin : public Actions {
 public:
  /// Hide these two in your class to change them.
  static constexpr bool kConcurrent = false;
  static constexpr HookOptions hook_options(std::uint32_t /*hook_id*/) { return {}; }

  Plugin() : Actions(0) {}
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  /// Reads the configuration, opens what is needed, starts threads. Throw Error to refuse; the destructor runs then.
  virtual void start(const ConfigView& /*config*/) {}
  /// Takes a changed configuration, or throws Error and keeps the old. A reload of the broker starts another instead.
  virtual void configure(const ConfigView& /*config*/) {}
  /// Joins threads, before the destructor. Nothing else is in flight.
  virtual void stop() {}
  /// A timer set with set_timer is due. Thread: [hook].
  virtual void on_timer(const TimerView& /*timer*/) {}

  /// Who is it? Asked per CONNECT without Authentication Method. Hash passwords elsewhere: defer() and own threads.
  virtual AuthDecision authenticate(const ConnectRequestView& /*request*/) { return AuthDecision::next(); }
  /// May it? Asked for each PUBLISH, SUBSCRIBE filter and Will that no cached answer covers.
  virtual AccessDecision authorize(const AccessRequestView& /*request*/) { return AccessDecision::next(); }
  /// One step of an enhanced authentication. What is kept between steps is found by its id, and has a limit.
  virtual ExchangeDecision exchange(const ExchangeView& /*step*/) { return ExchangeDecision::next(); }
  /// The exchange ended without a verdict: forget it.
  virtual void exchange_ended(const ExchangeEndView& /*end*/) {}
  /// What are its topics called inside? Asked once per connection and on invalidate.
  virtual BindDecision bind(const BindRequestView& /*request*/) { return BindDecision::next(); }
  /// Opens the store, or opens it again after a failure. Thread: the store's own; so are the next three.
  virtual Status open(const StoreOpenView& /*request*/) { return Status::e_failed; }
  /// Returns ok when the batch is as durable as open's level says.
  virtual Status commit(const StoreCommitView& /*batch*/) { return Status::e_failed; }
  /// Emits one page of the stored state.
  virtual Status load(const StoreLoadView& /*request*/, RecordSink& /*sink*/) { return Status::e_failed; }
  /// Emits one page of one session's queue.
  virtual Status fetch(const StoreFetchView& /*request*/, RecordSink& /*sink*/) { return Status::e_failed; }
  /// Takes one batch of events.
  virtual void events(const EventBatchView& /*batch*/) {}

 protected:
  /// The instance's own handle. Lifetime: until stop() has returned; 0 in the constructor.
  mortise_handle self() const { return where_; }

 private:
  template <class P>
  friend struct detail::Trampolines;
};

namespace detail {

/// Runs `body` and turns what it throws into a status and a line for the operator, given to `report`.
template <class Body, class Report>
std::uint32_t guarded(const Body& body, const Report& report) noexcept {
  try {
    return static_cast<std::uint32_t>(body());
  } catch (const Error& error) {
    report(error.what());
    if (error.status() != Status::ok) return static_cast<std::uint32_t>(error.status());
  } catch (const std::exception& error) {
    report(error.what());
  } catch (...) {
    report("something that is no std::exception was thrown");
  }
  return MORTISE_E_FAILED;
}

inline void report_hook_failure(mortise_handle call, const char* text) noexcept {
  (void)host<&mortise_core_v1::log>(call, MORTISE_LOG_ERROR, bytes_of(text));
}

/// Calls the hook and gives its answer to the host: one overload for each shape of hook.
template <class P, class V, class Decision>
Status run(P& plugin, Decision (Plugin::*hook)(const V&), mortise_handle call, mortise_handle self) {
  const V view(call, self);
  if constexpr (std::is_void_v<Decision>) {
    (plugin.*hook)(view);
    return Status::ok;
  } else if constexpr (std::is_same_v<Decision, Status>) {
    return (plugin.*hook)(view);
  } else {
    return decide(call, (plugin.*hook)(view).abi());
  }
}
template <class P, class V>
Status run(P& plugin, Status (Plugin::*hook)(const V&, RecordSink&), mortise_handle call, mortise_handle self) {
  const V view(call, self);
  RecordSink sink(call);
  const Status status = (plugin.*hook)(view, sink);
  return status == Status::ok ? sink.flush() : status;
}

/// True if `P` overrides the member: then its type names P, or a class between P and Plugin.
template <class Mine, class Base>
inline constexpr bool kOverrides = !std::is_same_v<Mine, Base>;

/// The C entry points of one plugin class.
template <class P>
struct Trampolines {
  static_assert(std::is_base_of_v<Plugin, P>, "a plugin derives from mortise::Plugin");

#define MORTISE_TRAMPOLINE(family, hook, MACRO, call_kind, child_kind, decide)              \
  static std::uint32_t hook(void* instance, mortise_handle call) {                          \
    P& plugin = *static_cast<P*>(instance);                                                 \
    return guarded([&] { return run(plugin, &Plugin::hook, call, plugin.Plugin::where_); }, \
                   [call](const char* text) { report_hook_failure(call, text); });          \
  }
  MORTISE_FOR_EACH_HOOK(MORTISE_TRAMPOLINE)
#undef MORTISE_TRAMPOLINE

  static std::uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
    return guarded(
        [&] {
          auto plugin = std::make_unique<P>();
          plugin->Plugin::where_ = self;
          static_cast<Plugin&>(*plugin).start(ConfigView(call, self));
          *instance = plugin.release();
          return Status::ok;
        },
        [call](const char* text) { (void)host<&mortise_core_v1::fail>(call, bytes_of(text)); });
  }
  static std::uint32_t on_config(void* instance, mortise_handle call) {
    Plugin& plugin = *static_cast<P*>(instance);
    return guarded([&] { return plugin.configure(ConfigView(call, plugin.where_)), Status::ok; },
                   [call](const char* text) { (void)host<&mortise_core_v1::fail>(call, bytes_of(text)); });
  }
  static std::uint32_t on_stop(void* instance, mortise_handle call) {
    const std::unique_ptr<P> plugin(static_cast<P*>(instance));
    return guarded([&] { return static_cast<Plugin&>(*plugin).stop(), Status::ok; },
                   [call](const char* text) { report_hook_failure(call, text); });
  }
  static std::uint32_t timer(void* instance, mortise_handle call) {
    Plugin& plugin = *static_cast<P*>(instance);
    return guarded([&] { return plugin.on_timer(TimerView(call, plugin.where_)), Status::ok; },
                   [call](const char* text) { report_hook_failure(call, text); });
  }
};

/// The hooks `P` implements, as the host wants them listed.
template <class P>
struct HookList {
  mortise_hook hooks[MORTISE_MAX_HOOKS] = {};
  std::uint32_t count = 0;

  HookList() {
#define MORTISE_LIST_HOOK(family, hook, MACRO, call_kind, child_kind, decide)                                 \
  if constexpr (kOverrides<decltype(&P::hook), decltype(&Plugin::hook)>) {                                    \
    constexpr HookOptions options = P::hook_options(MORTISE_HOOK_##MACRO);                                    \
    hooks[count++] =                                                                                          \
        MORTISE_HOOK_ENTRY_##MACRO(options.is_required ? MORTISE_HOOK_IS_REQUIRED : MORTISE_HOOK_IS_OPTIONAL, \
                                   options.fields, options.child_fields, &Trampolines<P>::hook);              \
  }
    MORTISE_FOR_EACH_HOOK(MORTISE_LIST_HOOK)
#undef MORTISE_LIST_HOOK
  }
};

template <class P>
constexpr std::uint32_t flags_of() {
  return P::kConcurrent ? MORTISE_PLUGIN_CONCURRENT : MORTISE_PLUGIN_SERIAL;
}

/// The body of mortise_plugin_entry. Hidden, for its statics: two plugins may name their classes alike.
template <class P>
__attribute__((visibility("hidden"))) std::uint32_t enter(const mortise_hello* hello, mortise_reply* reply,
                                                          mortise_bytes name, mortise_bytes version) {
  if (fetch_services(*hello) != Status::ok) {
    reply->error = MORTISE_TEXT("this host lacks mortise.core/1, mortise.view/1 or mortise.decision/1");
    return MORTISE_E_UNSUPPORTED;
  }
  static const HookList<P> list;
  static const mortise_plugin plugin = {
      MORTISE_PLUGIN_STAMP,
      name,
      version,
      flags_of<P>(),
      list.count,
      list.hooks,
      &Trampolines<P>::on_start,
      kOverrides<decltype(&P::configure), decltype(&Plugin::configure)> ? &Trampolines<P>::on_config : nullptr,
      &Trampolines<P>::on_stop,
      kOverrides<decltype(&P::on_timer), decltype(&Plugin::on_timer)> ? &Trampolines<P>::timer : nullptr,
  };
  reply->plugin = &plugin;
  return MORTISE_OK;
}

}  // namespace detail
MORTISE_SDK_END

/// Registers a plugin class: once per library, at file scope, with literals (the name and version also stand in the ELF
/// note, which the host reads before any code of the library runs).
#define MORTISE_PLUGIN(Class, name, version)                                                            \
  MORTISE_PLUGIN_NOTE(name, version, ::mortise::detail::flags_of<Class>());                             \
  MORTISE_EXPORT std::uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) { \
    return ::mortise::detail::enter<Class>(hello, reply, MORTISE_TEXT(name), MORTISE_TEXT(version));    \
  }
