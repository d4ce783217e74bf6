// What a store gives back is read record by record: whatever the bytes are, nothing is read outside them, and what is
// accepted can be written and read again.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/log.h"
#include "broker/storage/page.h"
#include "broker/storage/records.h"
#include "broker/storage/recovery.h"

namespace {

using namespace mortise;
using namespace mortise::storage;

/// A store that emits the records of the input, whatever it is asked.
class Replay final : public hooks::StoreHooks {
 public:
  explicit Replay(ByteView input) {
    RecordsView records(input);
    while (const auto record = records.next()) records_.emplace_back(record->begin(), record->end());
  }
  std::string_view name() const noexcept override { return "replay"; }
  Result<void> open() override { return {}; }
  Result<void> commit(ByteView, std::uint64_t, std::uint64_t) override { return {}; }
  Result<std::uint64_t> load(std::uint64_t, const Sink& sink) override { return emit(sink), std::uint64_t{0}; }
  Result<void> fetch(std::uint64_t, std::uint64_t, std::uint32_t, std::uint64_t, const Sink& sink) override {
    return emit(sink), Result<void>();
  }
  /// Each in memory of its own size, so that a sanitizer sees any step outside.
  const std::vector<std::vector<std::uint8_t>>& records() const { return records_; }

 private:
  void emit(const Sink& sink) const {
    for (const auto& record : records_) {
      if (!sink(record)) return;
    }
  }
  std::vector<std::vector<std::uint8_t>> records_;
};

class Forget final : public RecoveryVisitor {
 public:
  void session(StoredSession session) override { CHECK(session.session.number != 0); }
  void retained(mqtt::MessagePtr message) override { CHECK(!message->topic().empty()); }
};

/// What was accepted, written again, must be accepted again.
template <class Decode, class Append>
void round_trip(const RecordView& record, Decode decode, Append append) {
  const auto value = decode(record);
  if (!value) return;
  RecordBuffer again;
  append(again, value.value());
  const auto parsed = RecordView::parse(again.view());
  CHECK(parsed.ok());
  CHECK(decode(parsed.value()).ok());
}

void check_record(ByteView bytes) {
  const auto record = RecordView::parse(bytes);
  if (!record || !record->is_known()) return;
  const std::uint64_t session = record->header().session;
  switch (record->kind()) {
    case RecordKind::kSessionPut:
      return round_trip(*record, decode_session_put, append_session_put);
    case RecordKind::kSubscriptionPut:
      return round_trip(*record, decode_subscription_put,
                        [session](auto& out, const auto& value) { append_subscription_put(out, session, value); });
    case RecordKind::kMessagePut:
      return round_trip(*record, decode_message_put,
                        [](auto& out, const auto& value) { append_message_put(out, 1, *value); });
    case RecordKind::kRetainedPut:
      return round_trip(*record, decode_retained_put,
                        [](auto& out, const auto& value) { append_retained_put(out, *value); });
    case RecordKind::kWillPut:
      return round_trip(*record, decode_will_put, [session](auto& out, const auto& value) {
        append_will_put(out, session, value.second, *value.first);
      });
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  set_log_sink([](LogLevel, std::string_view, std::string_view) {}, LogLevel::kError);
  Replay store({data, size});
  for (const auto& record : store.records()) check_record(record);
  Forget visitor;
  CHECK(Recovery(visitor).run(store).ok());
  FetchRequest request;
  request.session = 1;
  request.max_messages = 8;
  request.max_bytes = 4096;
  const Page page = fetch_page(store, request);
  CHECK(page.records.size() <= request.max_messages);
  return 0;
}
