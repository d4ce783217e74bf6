#pragma once

#include <mortise/abi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/plugin_host/asking.h"
#include "broker/plugin_host/services.h"
#include "fuzz/host_input.h"

/// What one run of host_interface has, and what it draws from its input: handles, texts, numbers, structures.
namespace mortise::plugin_host {

// ---- The world of one run -------------------------------------------------------------------------------------------

struct World {
  explicit World(InputView given) : input(given) {}

  InputView input;
  std::vector<mortise_handle> handles;  // every handle seen so far
  std::vector<hooks::Ticket> tickets;
  std::shared_ptr<Instance> instances[2];
  QueueExecutor executor;
  DroppedCompletions completions;
  DroppedIntents intents;
  hooks::ConnectRequestPtr connect;
  hooks::AccessRequestPtr access;
  hooks::BindRequestPtr bind;
  hooks::ExchangeRequestPtr exchange;
  mortise_handle last_token = 0;
  unsigned depth = 0;
  unsigned steps = 0;
};
inline World* world = nullptr;

// What plugins' pointers point at: honest memory, as large as any size that is read.
alignas(16) inline char plugin_memory[160 * 1024];

inline void check_answer(std::size_t function, std::uint32_t status) {
  const abi::FunctionRow& row = abi::kFunctions[function];
  if (status < 64 && ((row.error_mask | 1U) >> status & 1) != 0) return;
  std::fprintf(stderr, "%s.%s answered %u, which its description does not list\n", row.service.data(), row.name.data(),
               status);
  std::abort();
}

inline mortise_handle draw_handle() {
  InputView& in = world->input;
  const std::uint8_t how = in.byte();
  if (how < 8 || world->handles.empty()) return how == 0 ? 0 : in.u64();
  const CallFrame* frame = CallerThread::current_frame();
  if (how < 120 && frame != nullptr) return frame->handle();
  if (how < 140) return world->instances[how % 2]->self();
  if (how < 160) return world->last_token;
  mortise_handle handle = world->handles[in.byte() % world->handles.size()];
  if (how > 240) handle ^= std::uint64_t{1} << (in.byte() % 64);
  return handle;
}

inline void keep(mortise_handle handle) {
  if (handle != 0 && world->handles.size() < 200) world->handles.push_back(handle);
}

inline mortise_bytes draw_bytes() {
  static constexpr std::string_view kTexts[] = {"a/b",   "tenant/+/#", "$SYS/x", "$share/g/a",
                                                "\xC3(", "/rules/0",   "name_1", "\xE2\x82\xAC"};
  InputView& in = world->input;
  const std::uint8_t how = in.byte();
  if (how < 16) return {nullptr, how};
  if (how < 24) return {plugin_memory, UINT64_MAX - how};  // beyond every limit
  if (how < 40) return {plugin_memory, in.u32() % sizeof plugin_memory};
  if (how < 120) {
    const std::string_view text = kTexts[how % std::size(kTexts)];
    return {text.data(), text.size()};
  }
  const std::size_t size = how % 24;
  char* at = plugin_memory + sizeof plugin_memory - 64 - size;
  for (std::size_t i = 0; i < size; ++i) at[i] = static_cast<char>(in.byte());
  return {at, size};
}

/// Mostly right, sometimes anything.
inline std::uint32_t draw_size(std::size_t right) {
  return world->input.byte() < 230 ? static_cast<std::uint32_t>(right) : world->input.u32();
}
inline std::uint32_t draw_number() {
  const std::uint8_t how = world->input.byte();
  return how < 200 ? how % 16 : (how < 230 ? 0 : world->input.u32());
}

inline std::uint32_t draw_field() {
  const std::uint8_t how = world->input.byte();
  if (how < 230) return abi::kFields[world->input.byte() % abi::kFields.size()].id;
  return world->input.u32();
}

/// Which members are more than zero: often none, for most combinations are refused early.
inline std::uint8_t draw_members() { return world->input.byte() < 128 ? 0 : world->input.byte(); }
/// A verdict that asks for a token mostly has one.
inline mortise_handle token_for(std::uint32_t verdict) {
  return verdict == MORTISE_VERDICT_PENDING ? world->last_token : 0;
}

inline mortise_auth_decision draw_auth() {
  mortise_auth_decision made = MORTISE_AUTH_DECISION_INIT;
  made.struct_size = draw_size(sizeof made);
  made.verdict = draw_number();
  made.token = token_for(made.verdict);
  const std::uint8_t which = draw_members();
  if (which & 1) made.reason_code = 0x80 + draw_number();
  if (which & 2) made.flags = draw_number();
  if (which & 4) made.session_expiry_max_s = draw_number();
  if (which & 8) made.valid_for_s = draw_number();
  if (which & 16) made.token = draw_handle();
  if (which & 32) made.user_name = draw_bytes();
  if ((which & 96) == 96) made.note = draw_bytes();
  if (which & 64) made.name_space = draw_bytes();
  if (which & 128) made.explanation = draw_bytes();
  return made;
}

inline mortise_exchange_decision draw_exchange() {
  mortise_exchange_decision made = MORTISE_EXCHANGE_DECISION_INIT;
  made.struct_size = draw_size(sizeof made);
  made.verdict = draw_number();
  made.token = token_for(made.verdict);
  const std::uint8_t which = draw_members();
  if (which & 1) made.reason_code = 0x80 + draw_number();
  if (which & 2) made.flags = draw_number();
  if (which & 4) made.session_expiry_max_s = draw_number();
  if (which & 8) made.authentication_data = draw_bytes();
  if (which & 16) made.token = draw_handle();
  if (which & 32) made.user_name = draw_bytes();
  if (which & 64) made.name_space = draw_bytes();
  if (which & 128) made.explanation = draw_bytes();
  return made;
}

inline mortise_filter_rule drawn_rules[4];
inline mortise_access_decision draw_access() {
  mortise_access_decision made = MORTISE_ACCESS_DECISION_INIT;
  made.struct_size = draw_size(sizeof made);
  made.verdict = draw_number();
  made.token = token_for(made.verdict);
  const std::uint8_t which = draw_members();
  if (which & 1) made.reason_code = 0x80 + draw_number();
  if (which & 2) made.cache_scope = draw_number();
  if (which & 4) made.cache_ms = draw_number();
  if (which & 8) {
    for (mortise_filter_rule& rule : drawn_rules) rule = {draw_number() % 4, world->input.byte() == 255U, draw_bytes()};
    made.rules = world->input.byte() == 0 ? nullptr : drawn_rules;
    made.rule_count = world->input.byte() < 200 ? world->input.byte() % 5 : 257 + draw_number();
  }
  if (which & 16) made.token = draw_handle();
  if (which & 32) made.cache_filter = draw_bytes();
  if (which & 128) made.explanation = draw_bytes();
  return made;
}

inline mortise_bind_decision draw_bind() {
  mortise_bind_decision made = MORTISE_BIND_DECISION_INIT;
  made.struct_size = draw_size(sizeof made);
  made.verdict = draw_number();
  made.operations = made.verdict == MORTISE_VERDICT_BOUND ? draw_number() : 0;
  made.token = token_for(made.verdict);
  const std::uint8_t which = draw_members();
  if (which & 1) made.reserved = draw_number();
  if (which & 2) made.rule_version = world->input.u64();
  if (which & 16) made.token = draw_handle();
  if (which & 32) made.prefix = draw_bytes();
  if (which & 64) made.suffix = draw_bytes();
  return made;
}

inline mortise_pair drawn_pairs[4];
inline mortise_publish draw_publish() {
  mortise_publish made = MORTISE_PUBLISH_INIT;
  made.struct_size = draw_size(sizeof made);
  made.qos = draw_number() % 4;
  made.retain = draw_number() % 3;
  made.topic = draw_bytes();
  made.payload = draw_bytes();
  const std::uint8_t which = draw_members();
  if (which & 1) made.message_expiry_s = world->input.u32();
  if (which & 2) made.reserved = draw_number();
  if (which & 4) {
    for (mortise_pair& pair : drawn_pairs) pair = {draw_bytes(), draw_bytes()};
    made.properties = world->input.byte() == 0 ? nullptr : drawn_pairs;
    made.property_count = world->input.byte() < 200 ? world->input.byte() % 5 : 65 + draw_number();
  }
  return made;
}

inline mortise_disconnect draw_disconnect() {
  mortise_disconnect made = MORTISE_DISCONNECT_INIT;
  made.struct_size = draw_size(sizeof made);
  const std::uint8_t which = world->input.byte();
  if (which & 1) made.reason_code = 0x80 + world->input.byte();
  if (which & 2) made.principal = draw_handle();
  if (which & 4) made.name_space = draw_bytes();
  if (which & 8) made.client_id = draw_bytes();
  return made;
}

template <class T>
const T* maybe(const T& value) {
  return world->input.byte() == 0 ? nullptr : &value;
}

}  // namespace mortise::plugin_host
