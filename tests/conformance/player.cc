#include "tests/conformance/player.h"

#include <algorithm>

#include "broker/mqtt/decode.h"

namespace mortise::conformance {
namespace {

using Kind = Step::Kind;

std::string in_hexadecimal(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += (out.empty() ? "" : " ") + std::string{kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

Result<Words> decoded(std::string_view bytes, mqtt::ProtocolVersion version) {
  const auto frame = mqtt::next_frame(as_bytes(bytes), bytes.size());
  if (!frame || !*frame) return failure("the broker sent what is no packet: " + in_hexadecimal(bytes));
  const auto packet = mqtt::decode(**frame, version);
  if (!packet) return failure(std::string("the broker sent what is malformed: ") + packet.error().what);
  return describe(*packet);
}

std::string differs(const Words& wanted, const Words& packet, const std::string& why) {
  return "expected " + to_text(wanted) + "\n  received " + to_text(packet) + "\n  " + why;
}

}  // namespace

mqtt::ProtocolVersion Player::version_of(const std::string& client) const {
  const auto fixed = script_.fixed_versions.find(client);
  return fixed == script_.fixed_versions.end() ? version_ : fixed->second;
}

bool Player::is_played(const Step& step) const {
  return std::find(step.played.begin(), step.played.end(), version_) != step.played.end();
}

std::optional<std::string> Player::play() {
  for (std::size_t at = 0; at < script_.steps.size(); ++at) {
    const Step& step = script_.steps[at];
    if (!is_played(step)) continue;
    const Failed failed = step.is_in_any_order ? expect_in_any_order(at) : perform(step);
    if (failed) return "line " + std::to_string(step.line) + ": " + *failed;
  }
  return nothing_is_left();
}

Player::Failed Player::perform(const Step& step) {
  switch (step.kind) {
    case Kind::kSend:
    case Kind::kSendBytes:
      return send(step);
    case Kind::kDrop:
      connections_.drop(step.client);
      clients_[step.client].is_over = clients_[step.client].is_closed = true;
      return std::nullopt;
    case Kind::kExpect:
      return expect(step);
    case Kind::kExpectBytes:
      return expect_bytes(step);
    case Kind::kExpectClose:
      return expect_close(step);
    case Kind::kExpectNothing:
      return expect_nothing(step.client);
    case Kind::kAdvance:
      connections_.advance(Millis(static_cast<std::int64_t>(step.seconds * 1000)));
      return std::nullopt;
  }
  return std::nullopt;
}

Player::Failed Player::send(const Step& step) {
  const mqtt::ProtocolVersion version = version_of(step.client);
  std::string bytes = step.bytes;
  if (step.kind == Kind::kSend) {
    Result<std::string> encoded = encode_words(step.words, version, ids_);
    if (!encoded) return encoded.error().message;
    bytes = *encoded;
  }
  Client& client = clients_[step.client];
  if (client.is_over) {
    connections_.open(step.client, version);
    client = {true, false, false, false};
  }
  if (bytes[0] == '\x10') client.has_sent = true;
  if (step.kind == Kind::kSend && step.words[0].key == "DISCONNECT") client.is_over = true;
  connections_.send(step.client, bytes);
  return std::nullopt;
}

Result<Words> Player::receive(const std::string& client) {
  if (!clients_[client].is_known) return failure("client " + client + " never connected");
  const std::optional<std::string> bytes = connections_.receive(client);
  if (!bytes)
    return failure(std::string(connections_.is_closed(client) ? "the connection was closed" : "nothing came"));
  return decoded(*bytes, version_of(client));
}

Player::Failed Player::expect(const Step& step) {
  Result<Words> packet = receive(step.client);
  if (!packet) return "expected " + to_text(step.words) + ": " + packet.error().message;
  const auto why = mismatch(step.words, *packet, ids_);
  return why ? Failed(differs(step.words, *packet, *why)) : std::nullopt;
}

/// As many packets as there are lines of this kind here, each by one of them.
Player::Failed Player::expect_in_any_order(std::size_t& at) {
  std::vector<const Step*> wanted;
  const std::string& client = script_.steps[at].client;
  while (at < script_.steps.size() && script_.steps[at].is_in_any_order && script_.steps[at].client == client) {
    if (is_played(script_.steps[at])) wanted.push_back(&script_.steps[at]);
    ++at;
  }
  --at;
  while (!wanted.empty()) {
    Result<Words> packet = receive(client);
    if (!packet) return "expected " + to_text(wanted[0]->words) + ": " + packet.error().message;
    const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const Step* step) {
      NamedValues ids = ids_;
      if (mismatch(step->words, *packet, ids)) return false;
      ids_ = std::move(ids);
      return true;
    });
    if (found == wanted.end()) return differs(wanted[0]->words, *packet, "nor is it another one of those expected");
    wanted.erase(found);
  }
  return std::nullopt;
}

Player::Failed Player::expect_bytes(const Step& step) {
  const std::optional<std::string> bytes = connections_.receive(step.client);
  if (bytes == step.bytes) return std::nullopt;
  return "expected " + in_hexadecimal(step.bytes) + "\n  received " + (bytes ? in_hexadecimal(*bytes) : "nothing");
}

Player::Failed Player::expect_close(const Step& step) {
  Client& client = clients_[step.client];
  client.is_over = client.is_closed = true;
  if (connections_.is_closed(step.client)) return std::nullopt;
  Result<Words> packet = receive(step.client);
  return "expected the end of the connection; " + (packet ? "received " + to_text(*packet) : packet.error().message);
}

Player::Failed Player::expect_nothing(const std::string& client) {
  const std::optional<std::string> bytes = connections_.left_over(client);
  if (!bytes) return std::nullopt;
  if (bytes->empty()) return "client " + client + ": its connection was closed";
  Result<Words> packet = decoded(*bytes, version_of(client));
  return "client " + client + ": expected nothing more; received " +
         (packet ? to_text(*packet) : packet.error().message);
}

Player::Failed Player::nothing_is_left() {
  for (const auto& [name, client] : clients_) {
    if (client.is_closed || !client.has_sent || client.is_over) continue;
    if (Failed failed = expect_nothing(name)) return "at the end: " + *failed;
  }
  return std::nullopt;
}

}  // namespace mortise::conformance
