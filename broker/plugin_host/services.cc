#include "broker/plugin_host/services.h"

#include "broker/plugin_host/generated/abi_tables.h"
#include "broker/plugin_host/plugin_bytes.h"

namespace mortise::plugin_host {

std::uint32_t get_service(mortise_bytes name, const void** table) noexcept {
  struct Row {
    std::string_view name;
    const void* table;
  };
  static constexpr Row kRows[] = {
      {MORTISE_SERVICE_CORE, &kCoreService},         {MORTISE_SERVICE_VIEW, &kViewService},
      {MORTISE_SERVICE_DECISION, &kDecisionService}, {MORTISE_SERVICE_TOKEN, &kTokenService},
      {MORTISE_SERVICE_INTENT, &kIntentService},     {MORTISE_SERVICE_STORE, &kStoreService},
  };
  static_assert(std::size(kRows) == abi::kServices.size());
  if (table == nullptr) return MORTISE_E_NULL;
  *table = nullptr;
  if (name.data == nullptr) return MORTISE_E_NULL;
  for (const Row& row : kRows) {
    if (name.size != row.name.size() || text_of(name) != row.name) continue;
    *table = row.table;
    return MORTISE_OK;
  }
  return MORTISE_E_UNSUPPORTED;
}

const mortise_hello& hello() noexcept {
  static constexpr mortise_hello kHello = {
      sizeof(mortise_hello),    MORTISE_ABI_MAJOR,       MORTISE_ABI_MINOR,     0,
      MORTISE_DESCRIPTION_HASH, MORTISE_TEXT("mortise"), MORTISE_TEXT("0.1.0"), get_service};
  return kHello;
}

}  // namespace mortise::plugin_host
