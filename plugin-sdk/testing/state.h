#pragma once

/// Inside of the fake host: what handles stand for. One mutex guards everything of every fake host in the process;
/// hooks are called without it.

#include <condition_variable>
#include <mortise/testing/fake_host.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <unordered_map>

namespace mortise::testing {

/// The value of one field.
struct Value {
  enum class Type { kNumber, kBytes, kPairs, kPayload };
  Type type = Type::kNumber;
  bool is_there = true;
  std::uint64_t number = 0;
  std::string bytes;
  Pairs pairs;
};

/// What one handle shows.
struct Shown {
  std::uint32_t kind = 0;
  std::map<std::uint32_t, Value> fields;
  std::map<std::uint32_t, std::vector<std::shared_ptr<Shown>>> children;
  nlohmann::json config;

  void number(std::uint32_t field, std::uint64_t value);
  void number(std::uint32_t field, const std::optional<std::uint64_t>& value);
  void bytes(std::uint32_t field, const std::optional<std::string>& value);
  void pairs(std::uint32_t field, const Pairs& value);
  void payload(std::uint32_t field, const std::optional<std::string>& value);
};

std::shared_ptr<Shown> show(const ConnectRequest& request);
std::shared_ptr<Shown> show(const Principal& principal);
std::shared_ptr<Shown> show(const AccessRequest& request);
std::shared_ptr<Shown> show(const BindRequest& request);
std::shared_ptr<Shown> show(const Exchange& exchange);
std::shared_ptr<Shown> show(const std::vector<Event>& events, std::uint64_t dropped_before);

/// Bytes shown to a plugin: one allocation each, so that AddressSanitizer sees every use beyond its end or its life.
class Arena {
 public:
  mortise_bytes show(const std::string& bytes);

 private:
  std::vector<std::unique_ptr<char[]>> pieces_;
};

/// What is done when a hook has returned OK.
struct Intent {
  std::optional<Published> publish;
  std::optional<ClientIntent> disconnect;
  std::optional<ClientIntent> invalidate;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> timer;  // id, delay
  std::optional<std::uint64_t> cancelled_timer;
};

enum class Question { kNone, kAuth, kAccess, kBind, kExchange };

/// One running call.
struct Scope {
  FakeHost::State* host = nullptr;
  std::thread::id thread;
  Question question = Question::kNone;
  std::uint32_t action = 0;
  Answer answer;
  std::vector<Intent> intents;
  std::vector<mortise_handle> handles;  // borrowed ones that end with it
  std::vector<mortise_handle> tokens;
  Arena arena;
  std::string emitted;  // whole records
  std::string failure;
};

/// A handle that is alive.
struct Entry {
  FakeHost::State* host = nullptr;
  std::shared_ptr<Shown> shown;
  Scope* scope = nullptr;  // null: owned
  std::shared_ptr<Arena> arena;
};

struct Token {
  FakeHost::State* host = nullptr;
  Question question = Question::kNone;
  std::uint32_t action = 0;
  Status state = Status::ok;  // why it is over; ok: it is not
  bool is_granted = false;    // the hook answered PENDING with it
  Answer answer;
};

/// The handles of the whole process. Every function: `mutex` is held.
struct World {
  std::mutex mutex;
  std::condition_variable completed;
  std::unordered_map<mortise_handle, Entry> entries;
  std::unordered_map<mortise_handle, Token> tokens;
  std::unordered_map<mortise_handle, Status> ended;  // handles that were
  std::uint64_t last_number = 0;
  std::uint64_t wall_ms = 0;
  std::uint64_t steady_ms = 0;

  mortise_handle make(std::uint32_t kind);
  mortise_handle add(Scope& scope, std::shared_ptr<Shown> shown);
  void end(Scope& scope);
  /// The entry of a handle that may be read here. Errors: e_null, e_forged, e_expired, e_released, e_wrong_thread,
  /// e_foreign, e_wrong_kind (token, instance), e_closed.
  Status find(mortise_handle handle, Entry*& entry);
  /// The running call a handle stands for. Errors: as find(); e_wrong_kind (not a call).
  Status find_call(mortise_handle call, Scope*& scope);
  /// The host meant by a call or an instance handle; the scope is null for an instance.
  Status find_actor(mortise_handle where, FakeHost::State*& host, Scope*& scope);
  /// The instance itself.
  Status find_instance(mortise_handle self, FakeHost::State*& host);
};

World& world();

/// The table of a service, null if there is none.
const void* service_table(const std::string& name);
const mortise_core_v1& core_table();
const mortise_view_v1& view_table();
const mortise_decision_v1& decision_table();
const mortise_token_v1& token_table();
const mortise_intent_v1& intent_table();
const mortise_store_v1& store_table();

/// True for well-formed UTF-8 without NUL.
bool is_text(mortise_bytes bytes);
std::string string_of(mortise_bytes bytes);

}  // namespace mortise::testing

struct mortise::testing::FakeHost::State {
  Limits limits;
  const mortise_plugin* plugin = nullptr;
  void* instance = nullptr;
  bool is_running = false;
  bool is_closed = false;
  mortise_handle self = 0;
  std::shared_ptr<Shown> config;
  std::string failure;
  std::vector<LogLine> log;
  std::map<std::string, std::uint64_t> counters;
  std::vector<Published> published;
  std::vector<ClientIntent> disconnected;
  std::vector<ClientIntent> invalidated;
  std::map<std::uint64_t, std::uint64_t> timers;
  std::size_t owned_handles = 0;
  std::size_t open_tokens = 0;

  void carry_out(Intent& intent);
};
