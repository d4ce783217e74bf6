#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/time.h"
#include "broker/hooks/requests.h"

/// What call handles stand for where broker/hooks has no type for it. Immutable during the call.
namespace mortise::plugin_host {

class ConfigDocument;

/// MORTISE_KIND_CONFIG.
struct ConfigSubject {
  std::string instance_name;
  std::string config_json;
  std::string config_dir;
  std::string data_dir;
  const ConfigDocument* document = nullptr;  // config_json, parsed
};

/// MORTISE_KIND_TIMER.
struct TimerSubject {
  std::uint64_t id = 0;
  WallTime due_at{};
};

/// MORTISE_KIND_EXCHANGE_END.
struct ExchangeEndSubject {
  hooks::ExchangeId exchange = 0;
  std::string client_id;
};

/// MORTISE_KIND_EVENT_BATCH.
struct EventBatch {
  std::vector<hooks::Event> events;
  std::uint64_t dropped_before = 0;
};

/// MORTISE_KIND_STORE_OPEN.
struct StoreOpenSubject {
  std::uint32_t level = 0;  // MORTISE_DURABILITY_...
};

/// MORTISE_KIND_STORE_COMMIT. Borrowed for the call.
struct StoreCommitView {
  ByteView batch;
  std::uint64_t first_operation = 0;
  std::uint64_t last_operation = 0;
};

/// MORTISE_KIND_STORE_LOAD. Borrowed for the call.
struct StoreLoadView {
  std::string_view cursor;
  std::uint64_t max_bytes = 0;
};

/// MORTISE_KIND_STORE_FETCH.
struct StoreFetchSubject {
  std::uint64_t session = 0;
  std::uint64_t after_position = 0;
  std::uint64_t max_messages = 0;
  std::uint64_t max_bytes = 0;
};

}  // namespace mortise::plugin_host
