#include "broker/core/exchange.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/connect.h"
#include "broker/core/disconnect.h"
#include "broker/core/questions.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using hooks::Verdict;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ReasonCode;
using mqtt::Refusal;

Exchange* exchange_of(const Connection& connection) noexcept {
  return connection.enhanced ? connection.enhanced->exchange.get() : nullptr;
}

hooks::Ticket current_ticket(const ShardState& state, const Connection& connection) {
  return {state.loop, connection.id, kExchangeQuestion | connection.enhanced->questions};
}

hooks::Ticket next_ticket(const ShardState& state, Connection& connection) {
  ++connection.enhanced->questions;
  return current_ticket(state, connection);
}

// ---- How it ends ----------------------------------------------------------------------------------------------------

/// The exchange, and with it the connection. 5.0 section 4.12: CONNACK, or of a connected client DISCONNECT, before the
/// close (MQTT-4.12.0-4, MQTT-4.12.1-2).
void fail_exchange(ShardState& state, Connection& connection, ReasonCode reason, Now now, const std::string& why) {
  end_exchange(state, connection);
  if (connection.stage != Stage::kConnected) return refuse_connect(state, connection, reason, why.c_str());
  if (!mqtt::is_allowed_in(reason, PacketType::kDisconnect)) reason = ReasonCode::kNotAuthorized;
  disconnect(state, connection, reason, now, why.c_str());
}

/// AUTH to the client. False: it is above its Maximum Packet Size, and not said.
bool say_auth(ShardState& state, Connection& connection, ReasonCode reason,
              const std::optional<std::string>& authentication_data) {
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kAuthenticationMethod, std::string_view(connection.enhanced->method));
  if (authentication_data) properties.put(PropertyId::kAuthenticationData, std::string_view(*authentication_data));
  mqtt::AuthView packet;
  packet.reason = reason;
  packet.properties = properties.view();
  mqtt::ByteBuffer encoded;
  mqtt::encode(encoded, packet, connection.version);
  if (!fits(connection, encoded.size())) return false;
  connection.outbox.append(encoded);
  ++state.counters.packets_sent;
  mark_talkative(state, connection);
  return true;
}

constexpr char kAuthTooLarge[] = "an AUTH for it is above its own Maximum Packet Size [MQTT-3.1.2-24]";

/// Nobody else may be made of a connected client: its session, its Will and what it subscribed to are the user's.
bool is_same_user(const mqtt::Principal& principal, const hooks::ExchangeDecision& decision) {
  return (!decision.user_name || decision.user_name == principal.user_name) &&
         (decision.name_space.empty() || decision.name_space == principal.name_space);
}

void reauthenticated(ShardState& state, Connection& connection, const hooks::ExchangeDecision& decision,
                     const std::string& plugin, Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (!is_same_user(*session->principal, decision)) {
    return disconnect(state, connection, ReasonCode::kNotAuthorized, now, "it authenticated again as another user");
  }
  if (!say_auth(state, connection, ReasonCode::kSuccess, decision.authentication_data))
    return disconnect(state, connection, ReasonCode::kPacketTooLarge, now, kAuthTooLarge);
  if (decision.session_expiry_maximum) session->expiry_interval_maximum = granted_expiry_maximum(decision);
  connection.valid_until = valid_until(decision, now);
  if (connection.valid_until != kNever) state.arm(connection, connection.valid_until);
  auto principal = std::make_shared<mqtt::Principal>(*session->principal);
  mqtt::PrincipalDetails details = principal->details ? *principal->details : mqtt::PrincipalDetails{};
  details.note = note_of(decision, plugin);
  principal->set_details(std::move(details));
  session->principal = std::move(principal);
  // What it may do may have changed with what it proved.
  invalidate(state, *session, now);
}

void accept_exchange(ShardState& state, Connection& connection, hooks::ExchangeDecision decision, Now now) {
  const std::unique_ptr<Exchange> done = std::move(connection.enhanced->exchange);
  const std::string& plugin = done->run->plugin();
  if (!done->connect) return reauthenticated(state, connection, decision, plugin, now);
  connection.opening->authentication_data = std::move(decision.authentication_data);
  admit(state, connection, *done->connect, decision, plugin, now);
}

void reject_exchange(ShardState& state, Connection& connection, const hooks::ExchangeDecision& decision, Now now) {
  const std::unique_ptr<Exchange> done = std::move(connection.enhanced->exchange);
  const ReasonCode reason = mqtt::is_error(decision.reason) ? decision.reason : ReasonCode::kNotAuthorized;
  const std::string why =
      reason == ReasonCode::kBadAuthenticationMethod
          ? "no plugin takes the Authentication Method " + quoted(connection.enhanced->method, 64) + " [MQTT-4.12.0-1]"
          : "denied by plugin " + done->run->plugin();
  fail_exchange(state, connection, reason, now, why);
}

// ---- One step -------------------------------------------------------------------------------------------------------

/// The plugin wants to hear more: it is the client's turn.
void continue_exchange(ShardState& state, Connection& connection, const hooks::ExchangeDecision& decision, Now now) {
  Exchange& exchange = *connection.enhanced->exchange;
  exchange.awaits_client = true;
  if (exchange.step == hooks::kMostExchangeSteps) {
    return fail_exchange(state, connection, ReasonCode::kNotAuthorized, now,
                         "plugin " + exchange.run->plugin() + " wants more steps than an exchange has");
  }
  if (!say_auth(state, connection, ReasonCode::kContinueAuthentication, decision.authentication_data))
    return fail_exchange(state, connection, ReasonCode::kPacketTooLarge, now, kAuthTooLarge);
  exchange.due_at = exchange.deadline;
  state.arm(connection, exchange.due_at);
  if (connection.stage != Stage::kAuthenticating) return;
  // Reading stopped while the plugin was asked.
  connection.has_held_back = false;
  state.actions.resumed.push_back(connection.id);
}

/// Goes on with what the chain said, or waits for it.
void settle(ShardState& state, Connection& connection, std::optional<hooks::ExchangeDecision> decision, Now now) {
  Exchange& exchange = *connection.enhanced->exchange;
  if (!decision) {
    exchange.due_at = std::min(exchange.run->deadline(), exchange.deadline);
    return state.arm(connection, exchange.due_at);
  }
  switch (decision->verdict) {
    case Verdict::kContinue:
      return continue_exchange(state, connection, *decision, now);
    case Verdict::kAllow:
      return accept_exchange(state, connection, std::move(*decision), now);
    default:
      return reject_exchange(state, connection, *decision, now);
  }
}

void ask_step(ShardState& state, Connection& connection, std::optional<ByteView> authentication_data, Now now) {
  EnhancedAuthentication& enhanced = *connection.enhanced;
  Exchange& exchange = *enhanced.exchange;
  auto request = std::make_shared<hooks::ExchangeRequest>();
  request->exchange = exchange.id;
  request->loop = state.loop;
  request->step = ++exchange.step;
  request->method = enhanced.method;
  if (authentication_data) request->authentication_data.emplace(*authentication_data);
  request->connect = exchange.connect;
  if (!exchange.connect) request->principal = state.session_of(connection)->principal;
  exchange.awaits_client = false;
  const hooks::Ticket ticket = next_ticket(state, connection);
  if (exchange.run) return settle(state, connection, exchange.run->ask_again(std::move(request), ticket, now), now);
  const SharedBytes& listener = request->connect ? request->connect->listener : request->principal->listener;
  auto& run = exchange.run.emplace(state.dispatch_for(listener), std::move(request));
  settle(state, connection, run.start(ticket, now), now);
}

Exchange& make_exchange(ShardState& state, Connection& connection, SteadyTime deadline) {
  auto& exchange = connection.enhanced->exchange;
  exchange = std::make_unique<Exchange>();
  exchange->id = (std::uint64_t{state.loop} << 48) | state.next_exchange++;
  exchange->deadline = deadline;
  return *exchange;
}

// ---- AUTH from the client -------------------------------------------------------------------------------------------

Refusal protocol_error(const char* statement, const char* what) {
  return {ReasonCode::kProtocolError, statement, what};
}

/// What every AUTH of a client must be.
Result<void, Refusal> check_auth(const Connection& connection, const mqtt::AuthView& packet) {
  if (packet.reason == ReasonCode::kSuccess)
    return failure(protocol_error("5.0 3.15.2.1", "AUTH with Success, which only a Server sends"));
  if (packet.properties.text(PropertyId::kAuthenticationMethod) != connection.enhanced->method)
    return failure(protocol_error("MQTT-4.12.0-5", "AUTH with another Authentication Method than CONNECT"));
  return {};
}

/// The client's next step.
Result<void, Refusal> step_received(ShardState& state, Connection& connection, const mqtt::AuthView& packet, Now now) {
  if (auto checked = check_auth(connection, packet); !checked) return checked;
  if (packet.reason != ReasonCode::kContinueAuthentication)
    return failure(protocol_error("MQTT-4.12.0-3", "AUTH that does not continue the exchange"));
  ask_step(state, connection, packet.properties.binary(PropertyId::kAuthenticationData), now);
  return {};
}

}  // namespace

void begin_exchange(ShardState& state, Connection& connection, hooks::ConnectRequestPtr connect,
                    std::optional<ByteView> authentication_data, Now now) {
  Exchange& exchange = make_exchange(state, connection, connection.stage_deadline);
  connection.stage_deadline = kNever;
  exchange.connect = std::move(connect);
  ask_step(state, connection, authentication_data, now);
}

bool awaits_auth(const Connection& connection) noexcept {
  const Exchange* exchange = exchange_of(connection);
  return connection.stage == Stage::kAuthenticating && exchange != nullptr && exchange->awaits_client;
}

void receive_step(ShardState& state, Connection& connection, const mqtt::FrameView& frame, Now now) {
  if (frame.type != PacketType::kAuth && frame.type != PacketType::kDisconnect) {
    return refuse_step(state, connection,
                       protocol_error("MQTT-3.1.2-30", "a packet other than AUTH and DISCONNECT before CONNACK"));
  }
  const auto packet = mqtt::decode(frame, connection.version);
  if (!packet) return refuse_step(state, connection, packet.error());
  ++state.counters.packets_received;
  const auto* disconnect_packet = std::get_if<mqtt::DisconnectView>(&*packet);
  const auto handled = disconnect_packet != nullptr
                           ? disconnect_received(state, connection, *disconnect_packet, now)
                           : step_received(state, connection, std::get<mqtt::AuthView>(*packet), now);
  if (!handled) refuse_step(state, connection, handled.error());
}

void refuse_step(ShardState& state, Connection& connection, const Refusal& refusal) {
  ++state.counters.protocol_errors;
  if (refusal.is_said) return refuse_connect(state, connection, refusal.reason, refusal.what);
  MORTISE_LOG(kInfo, "core", "%s: %s [%s]", describe(state, connection).c_str(), refusal.what, refusal.statement);
  end_connection(state, connection, Farewell::kAbort);
}

Result<void, Refusal> auth_received(ShardState& state, Connection& connection, const mqtt::AuthView& packet, Now now) {
  const Exchange* exchange = exchange_of(connection);
  if (packet.reason != ReasonCode::kReAuthenticate) {
    if (exchange == nullptr || !exchange->awaits_client)
      return failure(protocol_error("5.0 4.12.1", "AUTH that nothing was asked with"));
    return step_received(state, connection, packet, now);
  }
  if (auto checked = check_auth(connection, packet); !checked) return checked;
  if (exchange != nullptr)
    return failure(protocol_error("5.0 4.12.1", "a second re-authentication before the first has ended"));
  make_exchange(state, connection, now.steady + state.shared.mqtt.connect_timeout);
  ask_step(state, connection, packet.properties.binary(PropertyId::kAuthenticationData), now);
  return {};
}

bool exchange_answered(ShardState& state, Connection& connection, const Completion& completion, Now now) {
  Exchange* exchange = exchange_of(connection);
  if (exchange == nullptr || exchange->awaits_client || completion.ticket != current_ticket(state, connection))
    return false;
  settle(state, connection, exchange->run->resume(completion.resolution, next_ticket(state, connection), now), now);
  return true;
}

SteadyTime exchange_due_at(const Connection& connection) noexcept {
  const Exchange* exchange = exchange_of(connection);
  return exchange != nullptr ? exchange->due_at : kNever;
}

void exchange_due(ShardState& state, Connection& connection, Now now) {
  Exchange& exchange = *connection.enhanced->exchange;
  if (exchange.awaits_client) {
    ++state.counters.connects_timed_out;
    return fail_exchange(state, connection, ReasonCode::kNotAuthorized, now,
                         "it did not go on authenticating within mqtt.connect_timeout");
  }
  const hooks::Ticket asked = current_ticket(state, connection);
  auto decision = exchange.run->expire(asked, next_ticket(state, connection), now);
  if (!decision && exchange.run->deadline() == kNever) {
    --connection.enhanced->questions;  // its answer is already on the way
    exchange.due_at = kNever;
    return;
  }
  settle(state, connection, std::move(decision), now);
}

void end_exchange(ShardState& state, Connection& connection) {
  if (exchange_of(connection) == nullptr) return;
  const std::unique_ptr<Exchange> ended = std::move(connection.enhanced->exchange);
  if (!ended->awaits_client) ended->run->cancel(current_ticket(state, connection));
  const auto& plugin = ended->run->entry().hooks;
  if (plugin) plugin->exchange_ended(*ended->run->request());
}

}  // namespace mortise::core
