#pragma once

#include <vector>

#include "broker/base/result.h"
#include "broker/hooks/instances.h"
#include "broker/session/journal.h"
#include "broker/storage/block.h"

namespace mortise::storage {

/// An answer to Journal::fetch.
struct Page {
  session::SessionNumber session = 0;
  std::vector<session::QueueRecord> records;  // in order of position
  session::QueuePosition after = 0;           // as asked
  bool is_last = false;                       // nothing is stored behind these
  bool failed = false;
};

/// Asks the store for a page of a session's queue and decodes it. Entries that are not valid are skipped and the first
/// one named in the log; a page is empty only when nothing valid is left, or it failed. Thread: the store's.
Page fetch_page(hooks::StoreHooks& store, const FetchRequest& request);

}  // namespace mortise::storage
