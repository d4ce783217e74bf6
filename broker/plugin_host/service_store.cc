#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/plugin_bytes.h"
#include "broker/plugin_host/record_page.h"
#include "broker/plugin_host/services.h"

// mortise.store/1: the sink of store.load and store.fetch.
namespace mortise::plugin_host {

namespace {

constexpr std::size_t kEmit = function_index(MORTISE_SERVICE_STORE, "emit");

std::uint32_t emit(mortise_handle call, mortise_bytes records) noexcept {
  if (call == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kEmit>()) return refuse(MORTISE_E_WRONG_THREAD, kEmit, "was called outside of a hook");
  const Borrowed found = resolve_borrowed(call, kEmit);
  if (found.status != MORTISE_OK) return found.status;
  if (found.frame->page == nullptr || found.slot != 0) {
    return refuse(MORTISE_E_WRONG_KIND, kEmit, "was called outside of store.load and store.fetch");
  }
  if (records.data == nullptr && records.size != 0) return MORTISE_E_NULL;
  const std::uint32_t status = found.frame->page->emit(as_bytes(text_of(records)));
  return status == MORTISE_E_INVALID ? refuse(status, kEmit, "was given records whose sizes do not add up") : status;
}

}  // namespace

constinit const mortise_store_v1 kStoreService = {sizeof(mortise_store_v1), 0, emit};

}  // namespace mortise::plugin_host
