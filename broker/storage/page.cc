#include "broker/storage/page.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "broker/base/log.h"
#include "broker/storage/records.h"

namespace mortise::storage {
namespace {

/// Takes one answer of the store apart, record by record. Unsynchronised; lives for one call of StoreHooks::fetch.
class PageReader {
 public:
  PageReader(const FetchRequest& request, session::QueuePosition after, std::vector<session::QueueRecord>& out)
      : request_(request), position_(after), out_(out) {}

  /// False: enough. A store that sends more than it was asked for is not listened to.
  bool add(ByteView bytes) {
    if (bytes_ > request_.max_bytes * 2 + kSlack && entries_ != 0) return false;
    bytes_ += bytes.size();
    const auto record = RecordView::parse(bytes);
    if (!record) return skip(record.error().message);
    switch (record->kind()) {
      case RecordKind::kMessagePut:
        return add_message(*record);
      case RecordKind::kQueuePut:
        return add_entry(*record);
      case RecordKind::kEndOfPage:
        is_ended_ = true;
        has_more_ = record->as<hooks::EndOfPageRecord>().more != 0;
        return true;
      default:
        return record->is_known() ? skip("a record of a kind that has no place in a queue") : true;
    }
  }

  session::QueuePosition position() const noexcept { return position_; }
  /// Without an end_of_page only a page without any entry is surely the last.
  bool is_last() const noexcept { return is_ended_ ? !has_more_ : entries_ == 0; }
  std::uint64_t skipped() const noexcept { return skipped_; }
  const std::string& first_fault() const noexcept { return first_fault_; }

 private:
  bool add_message(const RecordView& record) {
    const std::uint64_t number = record.as<hooks::MessagePutRecord>().message;
    auto message = decode_message_put(record);
    if (!message) return skip(message.error().message);
    messages_[number] = std::move(message).value();
    return true;
  }

  bool add_entry(const RecordView& record) {
    if (entries_ == request_.max_messages) return false;
    ++entries_;
    auto decoded = decode_queue_put(record);
    if (!decoded) return skip(decoded.error().message);
    auto& [entry, message] = decoded.value();
    if (record.header().session != request_.session || entry.position <= position_)
      return skip("queue_put: not of this session, or not in order");
    position_ = entry.position;
    const auto found = messages_.find(message);
    if (found == messages_.end()) return skip("queue_put: its message is missing");
    entry.message = found->second;
    out_.push_back(std::move(entry));
    return true;
  }

  bool skip(const std::string& why) {
    if (skipped_++ == 0) first_fault_ = why;
    return true;
  }

  static constexpr std::uint64_t kSlack = 1u << 20;
  const FetchRequest& request_;
  session::QueuePosition position_;
  std::vector<session::QueueRecord>& out_;
  std::unordered_map<std::uint64_t, mqtt::MessagePtr> messages_;
  std::uint64_t bytes_ = 0;
  std::uint32_t entries_ = 0;
  std::uint64_t skipped_ = 0;
  std::string first_fault_;
  bool is_ended_ = false;
  bool has_more_ = false;
};

void name_faults(hooks::StoreHooks& store, const FetchRequest& request, const PageReader& reader) {
  if (reader.skipped() == 0) return;
  MORTISE_LOG(kWarning, "storage",
              "store %s: session %llu: skipped %llu stored queue records that are not valid (first: %s)",
              std::string(store.name()).c_str(), static_cast<unsigned long long>(request.session),
              static_cast<unsigned long long>(reader.skipped()), reader.first_fault().c_str());
}

}  // namespace

Page fetch_page(hooks::StoreHooks& store, const FetchRequest& request) {
  Page page;
  page.session = request.session;
  page.after = request.after;
  session::QueuePosition after = request.after;
  // Usually once; again only behind a page in which nothing was valid.
  while (true) {
    PageReader reader(request, after, page.records);
    const auto fetched = store.fetch(request.session, after, request.max_messages, request.max_bytes,
                                     [&reader](ByteView record) { return reader.add(record); });
    if (!fetched) {
      MORTISE_LOG(kError, "storage", "store %s: reading the queue of session %llu failed: %s",
                  std::string(store.name()).c_str(), static_cast<unsigned long long>(request.session),
                  fetched.error().message.c_str());
      page.failed = true;
      return page;
    }
    name_faults(store, request, reader);
    page.is_last = reader.is_last() || reader.position() == after;
    if (!page.records.empty() || page.is_last) return page;
    after = reader.position();
  }
}

}  // namespace mortise::storage
