#pragma once

/// The store hooks' side: reading a batch, emitting records.

#include <mortise/record_block.hpp>
#include <mortise/view.hpp>

MORTISE_SDK_BEGIN

/// One record of a batch. Lifetime: that of the block it lies in.
class RecordView {
 public:
  explicit RecordView(const mortise_record* record) : record_(record) {}

  std::uint32_t kind() const { return record_->kind; }
  std::uint64_t number() const { return record_->number; }
  std::uint64_t session() const { return record_->session; }
  /// The fixed part, null if the record is of another kind: `if (const auto* put = record.as<mortise_session_put>())`.
  template <class Fixed>
  const Fixed* as() const {
    const bool is_it = record_->kind == RecordKind<Fixed>::value && record_->size >= sizeof(Fixed);
    return is_it ? reinterpret_cast<const Fixed*>(record_) : nullptr;
  }
  /// The bytes of one of its ranges; empty if the range is damaged (Records stops at such a record).
  std::string_view bytes(mortise_range range) const {
    mortise_bytes shown = {nullptr, 0};
    (void)mortise_record_bytes(record_, range, &shown);
    return detail::text_of(shown);
  }
  /// The whole record, to be kept as it is.
  std::string_view whole() const { return {reinterpret_cast<const char*>(record_), record_->size}; }

 private:
  const mortise_record* record_;
};

/// The records of a block, each checked before it is shown: `for (const RecordView record : records)`. After the loop
/// status() says whether the end was reached (ok) or a damaged record (e_corrupt). Lifetime: that of the block.
class Records {
 public:
  explicit Records(std::string_view block) : status_(mortise_records_begin(detail::bytes_of(block), &at_)) { step(); }

  class Iterator {
   public:
    explicit Iterator(Records* records) : records_(records) {}
    RecordView operator*() const { return RecordView(records_->current_); }
    Iterator& operator++() { return records_->step(), *this; }
    bool operator!=(std::nullptr_t) const { return records_->current_ != nullptr; }

   private:
    Records* records_;
  };
  Iterator begin() { return Iterator(this); }
  std::nullptr_t end() const { return nullptr; }

  Status status() const { return status_ == MORTISE_E_ABSENT ? Status::ok : Status{status_}; }

 private:
  void step() {
    current_ = nullptr;
    if (status_ == MORTISE_OK) status_ = mortise_records_next(&at_, &current_);
  }

  mortise_record_iterator at_{};
  const mortise_record* current_ = nullptr;
  std::uint32_t status_;
};

/// Open the store.
class StoreOpenView : public detail::CallView<StoreOpenView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_STORE_OPEN(MORTISE_GETTER)
};

/// Make one batch durable, all of it or nothing.
class StoreCommitView : public detail::CallView<StoreCommitView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_STORE_COMMIT(MORTISE_GETTER)
  /// The batch's records. Lifetime: until the hook returns.
  Records records() const { return Records(batch().view().value); }
};

/// Emit one page of everything but queues.
class StoreLoadView : public detail::CallView<StoreLoadView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_STORE_LOAD(MORTISE_GETTER)
};

/// Emit one page of a session's queue.
class StoreFetchView : public detail::CallView<StoreFetchView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_STORE_FETCH(MORTISE_GETTER)
};

/// Where load and fetch hand their records to. Gathers records and passes them on in blocks; what is left goes when the
/// hook returns. The first refusal stays in status(), and nothing is passed on after it. Unsynchronised.
class RecordSink {
 public:
  explicit RecordSink(mortise_handle call) : call_(call) {}
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;

  /// Appends a record: the fixed part (its header is filled in here) and the bytes of its ranges, in their order.
  ///     mortise_subscription_put put{};
  ///     sink.put(put, number, session, {filter, body});
  /// Errors: as RecordBlock::put() and emit's.
  template <class Fixed>
  Status put(const Fixed& fixed, std::uint64_t number, std::uint64_t session,
             std::initializer_list<std::string_view> ranges) {
    return added(block_.put(fixed, number, session, ranges));
  }
  /// Appends a record as it was committed. Errors: e_corrupt (not one whole record), emit's.
  Status put_whole(std::string_view bytes) { return added(block_.put_whole(bytes)); }
  /// Ends the page: `more` says whether there is another, which for load begins at `cursor`.
  Status end_of_page(bool more, std::string_view cursor = {}) {
    mortise_end_of_page end{};
    end.more = more ? 1 : 0;
    return put(end, 0, 0, {cursor});
  }
  /// Passes on what has been gathered.
  Status flush() {
    if (block_.size() == 0 || status_ != Status::ok) return status_;
    bytes_ += block_.size();
    status_ = detail::host<&mortise_store_v1::emit>(call_, block_.bytes());
    block_.clear();
    return status_;
  }
  /// Bytes of records appended so far, to be held against max_bytes.
  std::uint64_t bytes() const { return bytes_ + block_.size(); }
  Status status() const { return status_; }

 private:
  static constexpr std::size_t kBlock = 65536;

  Status added(Status status) {
    if (status_ == Status::ok) status_ = status;
    return block_.size() >= kBlock ? flush() : status_;
  }

  mortise_handle call_;
  RecordBlock block_;
  std::uint64_t bytes_ = 0;  // passed on
  Status status_ = Status::ok;
};

MORTISE_SDK_END
