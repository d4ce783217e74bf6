#include "scripted_shard.h"

#include <algorithm>
#include <map>
#include <set>

#include "broker/base/check.h"
#include "broker/base/registry.h"
#include "broker/core/shard.h"

namespace mortise::net::test {

std::array<ShardWatch, 4> watches;
std::atomic<int> timer_ms{0};
std::atomic<std::uint64_t> letters_per_turn{0};

std::string order(char what, std::string_view text) {
  std::string packet = "P";
  std::size_t length = text.size() + 1;
  do {
    packet += static_cast<char>((length & 0x7F) | (length > 0x7F ? 0x80 : 0));
    length >>= 7;
  } while (length != 0);
  packet += what;
  return packet.append(text);
}

std::string order(char what, int loop, std::string_view text) {
  return order(what, static_cast<char>('0' + loop) + std::string(text));
}

/// The size of the whole packet in front, or 0.
std::size_t whole_packet(ByteView bytes, std::size_t& header) {
  std::size_t length = 0;
  for (header = 1; header < bytes.size() && header <= 4;) {
    const std::uint8_t byte = bytes[header];
    length |= std::size_t{byte & 0x7Fu} << (7 * (header - 1));
    ++header;
    if ((byte & 0x80) == 0) return header + length <= bytes.size() ? header + length : 0;
  }
  return 0;
}

}  // namespace mortise::net::test

namespace mortise::core {

using namespace net::test;

struct Connection {
  explicit Connection(Id<hooks::ConnectionTag> own) : id(own) {}
  Id<hooks::ConnectionTag> id;
  Outbox outbox;
  PeerInfo peer;
  bool is_over = false;
  bool is_held = false;
  bool is_put_off = false;
  bool has_held_back = false;
  bool is_stalled = false;
  bool is_talkative = false;
};

struct Shard::State {
  LoopIndex loop;
  Actions actions;
  Registry<Connection, hooks::ConnectionTag> connections;
  std::set<ConnectionId> listening;
  bool has_credit = true;
  SteadyTime iteration{};
  std::uint64_t iteration_bytes = 0;
  ConnectionId last;
  SteadyTime timer = kNever;
  std::uint64_t letters_in_turn = 0;
  std::vector<ConnectionId> put_off;

  ShardWatch& watch() const { return watches[loop]; }
  void say(Connection& connection, std::string_view text) {
    connection.outbox.append(text);
    if (!std::exchange(connection.is_talkative, true)) actions.talkative.push_back(connection.id);
  }
  void note(Connection& connection, std::size_t bytes, Now now) {
    if (now.steady != iteration) iteration_bytes = 0;
    iteration = now.steady;
    iteration_bytes += bytes;
    watch().largest_iteration = std::max<std::uint64_t>(watch().largest_iteration, iteration_bytes);
    if (last != connection.id) ++watch().sockets_taken_turns;
    last = connection.id;
  }
  void end(Connection& connection, Farewell farewell) {
    if (std::exchange(connection.is_over, true)) return;
    listening.erase(connection.id);
    actions.closes.push_back({connection.id, farewell});
  }
  void letter(std::string_view text) {
    ++watch().letters;
    watch().largest_turn = std::max<std::uint64_t>(watch().largest_turn, ++letters_in_turn);
    watch().letter_bytes += text.size();
    for (const ConnectionId id : listening) say(*connections.find(id), text);
  }
  /// False: not now.
  bool obey(Connection& connection, std::string_view packet);
};

bool Shard::State::obey(Connection& connection, std::string_view packet) {
  const char what = packet[0];
  const std::string_view text = packet.substr(1);
  if (connection.is_held || connection.is_put_off) return false;
  if (what == 'L' && !has_credit) {
    connection.is_stalled = true;
    return false;
  }
  switch (what) {
    case 'E':
      say(connection, text);
      break;
    case 'B':
      say(connection, std::string(std::stoul(std::string(text)), 'b'));
      break;
    case 'I':
      say(connection, "loop " + std::to_string(loop) + "\n");
      break;
    case 'W':
      say(connection, connection.peer.peer_address + " " + std::to_string(connection.peer.peer_port) + " " +
                          (connection.peer.certificate ? connection.peer.certificate->common_name : "-") + "\n");
      break;
    case 'S':
      listening.insert(connection.id);
      say(connection, "listening\n");
      break;
    case 'L':
    case 'R': {
      GroupMembership letter;
      letter.key = text.substr(1);
      actions.mail[static_cast<std::size_t>(text[0] - '0')].emplace_back(std::move(letter));
      break;
    }
    case 'M': {
      connection.is_over = true;
      auto arrival = std::make_unique<Arrival>();
      arrival->peer = connection.peer;
      actions.moves.push_back({connection.id, static_cast<LoopIndex>(text[0] - '0'), std::move(arrival)});
      break;
    }
    case 'G':
      connection.is_put_off = true;
      put_off.push_back(connection.id);
      break;
    case 'H':
      connection.is_held = true;
      break;
    case 'Q':
      say(connection, text);
      end(connection, Farewell::kFlush);
      break;
    case 'X':
      end(connection, Farewell::kAbort);
      break;
    default:
      CHECK(false);
  }
  return true;
}

Shard::Shard(LoopIndex loop, const Shared& shared, session::Journal*) : state_(std::make_unique<State>()) {
  state_->loop = loop;
  state_->actions.mail.resize(shared.loops);
  if (timer_ms != 0) state_->timer = steady_now() + Millis{timer_ms};
}
Shard::~Shard() = default;

ConnectionId Shard::accepted(PeerInfo peer, Now) {
  CHECK(peer.process || (!peer.peer_address.empty() && peer.peer_port != 0 && peer.local_port != 0));
  ++state_->watch().accepted;
  Connection& connection = state_->connections.emplace();
  connection.peer = std::move(peer);
  return connection.id;
}

PeerInfo* Shard::peer(ConnectionId id) noexcept {
  Connection* connection = state_->connections.find(id);
  return connection == nullptr ? nullptr : &connection->peer;
}

ConnectionId Shard::arrived(Arrival arrival, Now) {
  ++state_->watch().arrived;
  Connection& connection = state_->connections.emplace();
  connection.peer = std::move(arrival.peer);
  state_->say(connection, "moved\n");
  return connection.id;
}

std::size_t Shard::receive(ConnectionId id, ByteView bytes, Now now) {
  Connection* connection = state_->connections.find(id);
  CHECK(connection != nullptr && !connection->is_over);
  state_->note(*connection, bytes.size(), now);
  connection->has_held_back = false;
  std::size_t consumed = 0;
  while (!connection->is_over) {
    std::size_t header = 0;
    const ByteView rest = bytes.subspan(consumed);
    const std::size_t size = whole_packet(rest, header);
    if (size == 0) return consumed;
    if (!state_->obey(*connection, as_text(rest.subspan(header, size - header)))) {
      connection->has_held_back = true;
      return consumed;
    }
    consumed += size;
  }
  // What is behind a move goes with it; what is behind an end is nobody's.
  return state_->actions.moves.empty() ? bytes.size() : consumed;
}

bool Shard::wants_bytes(ConnectionId id) const noexcept {
  const Connection* connection = state_->connections.find(id);
  return connection != nullptr && !connection->is_over && !connection->has_held_back;
}

void Shard::closed(ConnectionId id, Now) {
  const Connection* connection = state_->connections.find(id);
  CHECK(connection != nullptr && !connection->is_over);
  state_->listening.erase(id);
  state_->connections.erase(id);
  ++state_->watch().closed;
}

Outbox* Shard::outbox(ConnectionId id) noexcept {
  Connection* connection = state_->connections.find(id);
  if (connection == nullptr || connection->is_over) return nullptr;
  connection->is_talkative = false;
  return &connection->outbox;
}

Outbox Shard::take_outbox(ConnectionId id) {
  Connection* connection = state_->connections.find(id);
  CHECK(connection != nullptr && connection->is_over);
  Outbox outbox = std::move(connection->outbox);
  state_->connections.erase(id);
  return outbox;
}

void Shard::writable(ConnectionId, Now) { ++state_->watch().writable; }

void Shard::take_back(std::vector<Mail>& mail) { mail.clear(); }

void Shard::handle(Mail&& mail, Now) {
  if (const auto* letter = std::get_if<Boxed<GroupMembership>>(&mail)) state_->letter((*letter)->key);
  if (std::holds_alternative<Boxed<PluginIntent>>(mail)) ++state_->watch().intents;
  if (std::holds_alternative<Durable>(mail)) ++state_->watch().durable;
  if (const auto* completion = std::get_if<Boxed<Completion>>(&mail)) {
    ++state_->watch().completions;
    if (Connection* connection = state_->connections.find((*completion)->ticket.connection)) {
      connection->is_held = false;
      connection->has_held_back = false;
      state_->actions.resumed.push_back(connection->id);
    }
  }
}

bool Shard::has_said_enough() const noexcept {
  return letters_per_turn != 0 && state_->letters_in_turn >= letters_per_turn;
}
void Shard::next_turn() noexcept { state_->letters_in_turn = 0; }

void Shard::end_of_iteration() {
  next_turn();
  for (const ConnectionId id : std::exchange(state_->put_off, {})) {
    Connection* connection = state_->connections.find(id);
    if (connection == nullptr) continue;
    connection->is_put_off = connection->has_held_back = false;
    state_->actions.resumed.push_back(id);
  }
}

void Shard::run_timers(Now now) {
  if (now.steady < state_->timer) return;
  state_->timer = kNever;
  ++state_->watch().timers;
}
SteadyTime Shard::next_deadline() const noexcept { return state_->timer; }

void Shard::set_mail_credit(bool has_credit) {
  CHECK(state_->has_credit != has_credit);
  state_->has_credit = has_credit;
  ++(has_credit ? state_->watch().credit_returned : state_->watch().credit_lost);
  if (!has_credit) return;
  state_->connections.for_each([this](Connection& connection) {
    if (!std::exchange(connection.is_stalled, false)) return;
    connection.has_held_back = false;
    state_->actions.resumed.push_back(connection.id);
  });
}

Actions& Shard::actions() noexcept { return state_->actions; }

void Shard::shut_down(Now) {
  state_->connections.for_each([this](Connection& connection) {
    if (!connection.is_over) state_->say(connection, "bye\n");
    state_->end(connection, Farewell::kFlush);
  });
}

std::size_t cost_of(const Mail& mail) noexcept {
  const auto* letter = std::get_if<Boxed<GroupMembership>>(&mail);
  return letter != nullptr ? (*letter)->key.size() : 0;
}

LoopIndex home_loop(const Shared& shared, std::string_view, std::string_view client_id) noexcept {
  return static_cast<LoopIndex>(client_id.size() % shared.loops);
}

}  // namespace mortise::core
