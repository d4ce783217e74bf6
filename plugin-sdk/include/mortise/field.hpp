#pragma once

/// Fields of views. A field holds the handle and the field's number, no bytes: each reading asks the host, so a stale
/// one answers e_expired. copy() is the way out; view() shows the bytes without a copy, for the call only.

#include <cstring>
#include <mortise/detail/services.hpp>
#include <string>
#include <utility>
#include <vector>

MORTISE_SDK_BEGIN

/// Bytes that are wiped when they go. Move-only.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    bytes_ = std::move(other.bytes_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  /// Lifetime: until the Secret goes.
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void wipe() {
    if (!bytes_.empty()) explicit_bzero(bytes_.data(), bytes_.size());
    bytes_.clear();
  }

  std::vector<char> bytes_;
};

namespace detail {

/// What all fields have: where to ask.
class Field {
 public:
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;

 protected:
  Field(mortise_handle handle, std::uint32_t field) : handle_(handle), field_(field) {}
  ~Field() = default;

  mortise_handle handle_;
  std::uint32_t field_;
};

}  // namespace detail

/// A field of bytes or text. Errors of all readings: e_absent (nothing was sent), e_expired, e_wrong_thread,
/// e_released, e_closed, e_quota.
class BytesField : public detail::Field {
 public:
  BytesField(mortise_handle handle, std::uint32_t field) : Field(handle, field) {}

  Status status() const { return view().status; }
  /// True if there is a value, be it empty.
  bool exists() const { return status() == Status::ok; }
  /// The value as the plugin's own.
  Result<std::string> copy() const {
    const Result<std::string_view> shown = view();
    if (!shown) return shown.status;
    return std::string(shown.value);
  }
  /// The value as the plugin's own, wiped when it goes.
  Result<Secret> copy_secret() const {
    const Result<std::string_view> shown = view();
    if (!shown) return shown.status;
    return Secret(shown.value);
  }
  /// Shows the bytes. Lifetime: a borrowed view's until the hook returns, an Owned one's until it goes; never store it.
  Result<std::string_view> view() const {
    mortise_bytes shown = {nullptr, 0};
    const Status status = detail::host<&mortise_view_v1::get_bytes>(handle_, field_, &shown);
    if (status != Status::ok) return status;
    return detail::text_of(shown);
  }
  /// False also when there is no value.
  friend bool operator==(const BytesField& field, std::string_view text) {
    const Result<std::string_view> shown = field.view();
    return shown && shown.value == text;
  }
  friend bool operator!=(const BytesField& field, std::string_view text) { return !(field == text); }
};

/// A payload: read in pieces, or as a whole up to the size the host maps.
class PayloadField : public detail::Field {
 public:
  PayloadField(mortise_handle handle, std::uint32_t field) : Field(handle, field) {}

  /// Copies up to `size` bytes from `offset` on; gives how many. Errors: e_range (offset beyond the end), e_absent, ...
  Result<std::uint64_t> copy(std::uint64_t offset, void* buffer, std::uint64_t size) const {
    std::uint64_t copied = 0;
    const Status status = detail::host<&mortise_view_v1::copy>(handle_, field_, offset, buffer, size, &copied);
    if (status != Status::ok) return status;
    return copied;
  }
  /// The whole payload as the plugin's own.
  Result<std::string> copy() const {
    constexpr std::uint64_t kPiece = 65536;
    std::string payload;
    for (;;) {
      const std::size_t at = payload.size();
      payload.resize(at + kPiece);
      const Result<std::uint64_t> copied = copy(at, payload.data() + at, kPiece);
      if (!copied && !(copied.status == Status::e_range && at > 0)) return copied.status;
      payload.resize(at + static_cast<std::size_t>(copied.value));
      if (copied.value < kPiece) return payload;
    }
  }
  /// Shows the payload as one piece. Errors: also e_too_large. Lifetime: as BytesField::view().
  Result<std::string_view> view() const {
    mortise_bytes shown = {nullptr, 0};
    const Status status = detail::host<&mortise_view_v1::map>(handle_, field_, &shown);
    if (status != Status::ok) return status;
    return detail::text_of(shown);
  }
};

/// A list of names and values.
class PairsField : public detail::Field {
 public:
  using Pair = std::pair<std::string, std::string>;
  PairsField(mortise_handle handle, std::uint32_t field) : Field(handle, field) {}

  Result<std::uint64_t> count() const {
    std::uint64_t count = 0;
    const Status status = detail::host<&mortise_view_v1::get_count>(handle_, field_, &count);
    if (status != Status::ok) return status;
    return count;
  }
  /// One pair as the plugin's own. Errors: also e_range.
  Result<Pair> copy(std::uint64_t index) const {
    mortise_bytes key = {nullptr, 0};
    mortise_bytes value = {nullptr, 0};
    const Status status = detail::host<&mortise_view_v1::get_pair>(handle_, field_, index, &key, &value);
    if (status != Status::ok) return status;
    return Pair(detail::text_of(key), detail::text_of(value));
  }
  /// All of them as the plugin's own.
  Result<std::vector<Pair>> copy() const {
    const Result<std::uint64_t> size = count();
    if (!size) return size.status;
    std::vector<Pair> pairs;
    for (std::uint64_t i = 0; i < size.value; ++i) {
      Result<Pair> pair = copy(i);
      if (!pair) return pair.status;
      pairs.push_back(std::move(pair.value));
    }
    return pairs;
  }
};

/// A list of children, each shown as a view: `for (const auto& event : batch.event())`.
template <class ChildView>
class ChildrenField : public detail::Field {
 public:
  ChildrenField(mortise_handle handle, std::uint32_t field, mortise_handle self) : Field(handle, field), self_(self) {}

  Result<std::uint64_t> count() const {
    std::uint64_t count = 0;
    const Status status = detail::host<&mortise_view_v1::get_count>(handle_, field_, &count);
    if (status != Status::ok) return status;
    return count;
  }
  /// A view of one child; one beyond the end answers e_null to everything.
  ChildView operator[](std::uint64_t index) const {
    mortise_handle child = 0;
    const Status status = detail::host<&mortise_view_v1::get_child>(handle_, field_, index, &child);
    return ChildView(status == Status::ok ? child : 0, self_);
  }

  class Iterator {
   public:
    Iterator(const ChildrenField* field, std::uint64_t index) : field_(field), index_(index) {}
    ChildView operator*() const { return (*field_)[index_]; }
    Iterator& operator++() { return ++index_, *this; }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const ChildrenField* field_;
    std::uint64_t index_;
  };
  Iterator begin() const { return Iterator(this, 0); }
  Iterator end() const { return Iterator(this, count().value); }

 private:
  mortise_handle self_;
};

MORTISE_SDK_END
