#pragma once

/// A host for unit tests of plugins: loads the entry in this process, calls hooks with the requests it is given and
/// shows what the plugin answered, asked for and logged. No broker, no configuration file, no network.
///
///     FakeHost host(mortise_plugin_entry);
///     ASSERT_EQ(host.start(R"({"prefix": "site/"})"), mortise::Status::ok) << host.failure();
///     EXPECT_EQ(host.bind({principal}).prefix, "site/");
///
/// It is as strict as the broker where a test can profit: handles end with their call, every byte shown is freed then
/// (AddressSanitizer sees a view that was kept), decisions are checked, a second one is E_ALREADY, tokens end once.
/// Link Mortise::testing. Thread: hooks of one host may be called from several threads if the plugin is concurrent.

#include <map>
#include <memory>
#include <mortise/record_block.hpp>
#include <mortise/status.hpp>
#include <mortise/testing/requests.hpp>

namespace mortise::testing {

/// What a hook said in the end. Members that do not belong to the hook stay empty.
struct Answer {
  Status status =
      Status::e_failed;       // what the hook returned; for an answer that was waited for: e_timed_out, e_cancelled
  bool is_decided = false;    // a verdict was given
  std::uint32_t verdict = 0;  // MORTISE_VERDICT_...; 0 without one
  bool was_pending = false;
  mortise_handle token = 0;

  std::uint32_t reason_code = 0;  // authenticate, authorize, exchange
  std::string explanation;
  std::optional<std::string> user_name;  // authenticate, exchange
  std::optional<std::string> name_space;
  std::optional<std::uint32_t> session_expiry_max_s;
  std::optional<std::uint32_t> valid_for_s;
  std::optional<std::string> note;
  std::optional<std::string> authentication_data;  // exchange
  struct Rule {
    std::uint32_t effect;  // MORTISE_RULE_...
    std::string filter;
  };
  std::vector<Rule> rules;  // authorize
  std::uint32_t cache_scope = 0;
  std::uint32_t cache_ms = 0;
  std::string cache_filter;
  std::string prefix;  // bind
  std::string suffix;
  std::uint32_t operations = 0;
  std::uint64_t rule_version = 0;
};

struct LogLine {
  std::uint32_t level;  // MORTISE_LOG_...
  std::string text;
};

struct Published {
  std::string topic;
  std::string payload;
  std::uint32_t qos;
  bool retain;
  std::uint32_t message_expiry_s;
  Pairs properties;
};

/// A disconnect or an invalidate.
struct ClientIntent {
  std::string name_space;
  std::string client_id;
  std::uint32_t reason_code;
};

/// One page of load or fetch: the records without the end_of_page, which became `more` and `cursor`.
struct Page {
  Status status = Status::e_failed;
  bool is_ended = false;  // end_of_page was emitted, last
  bool more = false;
  std::string cursor;
  std::vector<std::string> records;  // whole records, as RecordBlock::put_whole takes them
};

/// What the host grants; a call beyond it answers E_QUOTA.
struct Limits {
  std::size_t tokens = 1000;
  std::size_t owned_handles = 1000;
  std::size_t intents = 1000;
};

class FakeHost {
 public:
  using EntryPoint = std::uint32_t (*)(const mortise_hello*, mortise_reply*);

  /// Calls the entry and checks what it says of itself. Errors: throws std::runtime_error that says what is wrong.
  explicit FakeHost(EntryPoint entry, Limits limits = {});
  /// The same for a library. Errors: also what dlopen says. The library stays loaded.
  explicit FakeHost(const std::string& library, Limits limits = {});
  /// Stops the instance if it runs.
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  /// What the plugin says of itself. Lifetime: the library's.
  const mortise_plugin& plugin() const;
  bool has_hook(std::uint32_t hook_id) const;

  /// on_start with the `config:` block as JSON text; relative paths are relative to `folder`. Errors: what on_start
  /// answers, and failure() says why.
  Status start(const std::string& config_json = "{}", const std::string& folder = ".");
  /// on_config. Errors: also e_unsupported, when the plugin has none.
  Status configure(const std::string& config_json, const std::string& folder = ".");
  /// on_stop. Afterwards everything answers E_CLOSED. Errors: also e_invalid, when tokens or owned handles were leaked.
  Status stop();
  /// The last text given to core.fail.
  std::string failure() const;

  /// Calls the hook, and waits up to 60 s for a pending answer.
  Answer authenticate(const ConnectRequest& request);
  Answer authorize(const AccessRequest& request);
  Answer bind(const BindRequest& request);
  Answer exchange(const Exchange& exchange);
  /// Calls the hook; a pending answer has verdict PENDING and a token, for the three functions that follow.
  Answer begin_authenticate(const ConnectRequest& request);
  Answer begin_authorize(const AccessRequest& request);
  Answer begin_bind(const BindRequest& request);
  Answer begin_exchange(const Exchange& exchange);
  /// The exchange ends without a verdict of the plugin.
  Status exchange_ended(std::uint64_t id);
  /// Waits up to 60 s for the answer that a token stands for.
  Answer wait(const Answer& pending);
  /// The client leaves; the token answers E_CANCELLED from now on.
  void cancel(const Answer& pending);
  /// The deadline passes; the token answers E_TIMED_OUT from now on.
  void expire(const Answer& pending);

  Status events(const std::vector<Event>& events, std::uint64_t dropped_before = 0);
  Status fire_timer(std::uint64_t id);

  Status open_store(std::uint32_t level = MORTISE_DURABILITY_COMMIT);
  /// The records' numbers say which operations these are.
  Status commit(const RecordBlock& batch);
  Page load(const std::string& cursor = {}, std::uint64_t max_bytes = 65536);
  Page fetch(std::uint64_t session, std::uint64_t after_position = 0, std::uint64_t max_messages = 100,
             std::uint64_t max_bytes = 65536);

  std::vector<LogLine> log() const;
  /// True if some line of the log contains `text`.
  bool has_logged(const std::string& text) const;
  std::uint64_t counter(const std::string& name) const;
  std::vector<Published> published() const;
  std::vector<ClientIntent> disconnected() const;
  std::vector<ClientIntent> invalidated() const;
  /// Timers that are set: id and delay in milliseconds.
  std::map<std::uint64_t, std::uint64_t> timers() const;
  /// Tokens made and not yet ended; owned handles not yet released.
  std::size_t open_tokens() const;
  std::size_t owned_handles() const;

  /// Sets the clocks of every fake host; both stand still otherwise.
  static void set_clock_ms(std::uint64_t wall_ms, std::uint64_t steady_ms);

  struct State;

 private:
  void adopt(EntryPoint entry);
  std::unique_ptr<State> state_;
};

}  // namespace mortise::testing
