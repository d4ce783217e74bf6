#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/hooks/decisions.h"
#include "broker/hooks/requests.h"

/// The four hook families as one plugin instance offers them. Implemented by plugin_host (inline today, a child process
/// later): whoever calls does not know which. An implementation contains its plugin's exceptions and bad answers and
/// reports them as FailureKind; it never calls back into the core: what comes later goes to Completions, what the
/// plugin wants done to Intents.
namespace mortise::hooks {

/// Asking, and giving up asking. Thread of every function: the loop named in the ticket.
class Questions {
 public:
  virtual ~Questions() = default;
  /// The deadline of a pending question has passed: true when it was still open and is now timed out; false when its
  /// answer is already on its way to Completions.
  virtual bool expire(const Ticket& ticket) = 0;
  /// Nobody waits for the answer any more (the client left). Its token answers E_CANCELLED from now on.
  virtual void cancel(const Ticket& ticket) = 0;
};

class AuthHooks : public Questions {
 public:
  virtual bool has_authenticate() const noexcept = 0;
  virtual bool has_authorize() const noexcept = 0;
  virtual Answer<AuthDecision> authenticate(const ConnectRequestPtr& request, const Ticket& ticket, Now now) = 0;
  virtual Answer<AccessDecision> authorize(const AccessRequestPtr& request, const Ticket& ticket, Now now) = 0;
  /// Enhanced authentication; who has no opinion on it need not override the three.
  virtual bool has_exchange() const noexcept { return false; }
  virtual Answer<ExchangeDecision> exchange(const ExchangeRequestPtr&, const Ticket&, Now) {
    return FailureKind::kNotLoaded;
  }
  /// The exchange of this request, which exchange() was asked or is being asked, is over, and not by its answer.
  /// Thread: the loop named in the request.
  virtual void exchange_ended(const ExchangeRequest&) {}
};

class TopicHooks : public Questions {
 public:
  virtual Answer<BindDecision> bind(const BindRequestPtr& request, const Ticket& ticket, Now now) = 0;
};

class EventHooks {
 public:
  virtual ~EventHooks() = default;
  /// Whether the plugin asked for this kind: one bit test, before anything is built.
  virtual bool wants(EventKind kind) const noexcept = 0;
  /// Queues; drops and counts when the plugin is slow. Never blocks. Thread: any loop.
  virtual void emit(Event event) = 0;
};

/// The durable side. Every function blocks and is called on the store's own thread only.
class StoreHooks {
 public:
  /// Receives one record (generated/store_records.h); false: enough, stop.
  using Sink = std::function<bool(ByteView record)>;
  virtual ~StoreHooks() = default;
  virtual std::string_view name() const noexcept = 0;
  virtual Result<void> open() = 0;
  /// `batch` is one contiguous block of whole records. Returning success means durable.
  virtual Result<void> commit(ByteView batch, std::uint64_t first_number, std::uint64_t last_number) = 0;
  /// Everything but queues, in pages: returns the cursor to go on from, 0 at the end. The first call has cursor 0.
  virtual Result<std::uint64_t> load(std::uint64_t cursor, const Sink& sink) = 0;
  /// The queued messages of one session behind position `after`, in order.
  virtual Result<void> fetch(std::uint64_t session, std::uint64_t after, std::uint32_t max_messages,
                             std::uint64_t max_bytes, const Sink& sink) = 0;
};

/// Where pending answers arrive. Implemented by whoever runs the loops. Thread: any; never blocks.
class Completions {
 public:
  virtual ~Completions() = default;
  virtual void complete(const Ticket& ticket, Resolution resolution) = 0;
};

/// R7: what plugins want done. Performed by the core later, never inside the hook.
struct PublishIntent {
  mqtt::MessagePtr message;
};
struct DisconnectIntent {
  std::string name_space;
  std::string client_id;
  mqtt::ReasonCode reason = mqtt::ReasonCode::kAdministrativeAction;
};
struct InvalidateIntent {
  std::string name_space;
  std::string client_id;
};
using Intent = std::variant<PublishIntent, DisconnectIntent, InvalidateIntent>;

/// Thread: any; never blocks. False: too much is waiting (bounded), the intent is dropped and counted.
class Intents {
 public:
  virtual ~Intents() = default;
  virtual bool perform(std::string_view plugin, Intent intent) = 0;
};

}  // namespace mortise::hooks
