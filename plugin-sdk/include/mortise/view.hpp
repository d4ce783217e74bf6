#pragma once

/// Views: what a hook is shown. A view holds handles only and cannot be copied or moved; one kept beyond its call (or
/// used on another thread) answers e_expired (e_wrong_thread) to every question and shows nothing. copy() is the way
/// out. The getters come from the ABI's description: a method for each field of the kind, named as in REFERENCE.md.

#include <chrono>
#include <mortise/actions.hpp>
#include <mortise/pending.hpp>

MORTISE_SDK_BEGIN

/// A copy of what a view showed, kept by the host for the instance until this goes; readable from any thread. Secrets
/// in it are wiped. It has no children: copy those themselves. Move-only. `V` is the view's class.
template <class V>
class Owned {
 public:
  Owned() : view_(0, 0) {}
  Owned(mortise_handle owned, mortise_handle self) : view_(owned, self) {}
  Owned(Owned&& other) noexcept : view_(std::exchange(other.view_.handle_, 0), other.view_.self_) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this == &other) return *this;
    release();
    view_.self_ = other.view_.self_;
    view_.handle_ = std::exchange(other.view_.handle_, 0);
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { release(); }

  const V& operator*() const { return view_; }
  const V* operator->() const { return &view_; }

 private:
  void release() {
    if (view_.handle_ != 0) (void)detail::host<&mortise_core_v1::release>(view_.self_, view_.handle_);
    view_.handle_ = 0;
  }

  V view_;
};

namespace detail {

/// What all views have.
template <class V>
class View {
 public:
  View(mortise_handle handle, mortise_handle self) : handle_(handle), self_(self) {}
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  /// Copies what the view shows, children excepted. Errors: e_quota, e_expired, e_wrong_thread. Thread: [init] [hook].
  Result<Owned<V>> copy() const {
    mortise_handle owned = 0;
    const Status status = host<&mortise_core_v1::retain>(handle_, &owned);
    if (status != Status::ok) return status;
    return Owned<V>(owned, self_);
  }

 protected:
  ~View() = default;

  Result<std::uint64_t> number(std::uint32_t field) const {
    std::uint64_t number = 0;
    const Status status = host<&mortise_view_v1::get_u64>(handle_, field, &number);
    if (status != Status::ok) return status;
    return number;
  }
  mortise_handle child(std::uint32_t field) const {
    mortise_handle child = 0;
    return host<&mortise_view_v1::get_child>(handle_, field, std::uint64_t{0}, &child) == Status::ok ? child : 0;
  }
  template <class Decision>
  Result<Pending<Decision>> make_pending(std::chrono::milliseconds deadline) const {
    mortise_handle token = 0;
    const Status status =
        host<&mortise_token_v1::create>(handle_, static_cast<std::uint32_t>(deadline.count()), &token);
    if (status != Status::ok) return status;
    return Pending<Decision>(self_, token);
  }

  friend class Owned<V>;
  mortise_handle handle_;
  mortise_handle self_;
};

/// The view of a running call: it may also act in the call's name.
template <class V>
class CallView : public View<V>, public Actions {
 public:
  CallView(mortise_handle call, mortise_handle self) : View<V>(call, self), Actions(call) {}
  CallView(const CallView&) = delete;
  CallView& operator=(const CallView&) = delete;

 protected:
  ~CallView() = default;
};

}  // namespace detail

#define MORTISE_GETTER_u64(name, macro, child_kind) \
  Result<std::uint64_t> name() const { return this->number(macro); }
#define MORTISE_GETTER_bytes(name, macro, child_kind) \
  BytesField name() const { return BytesField(this->handle_, macro); }
#define MORTISE_GETTER_payload(name, macro, child_kind) \
  PayloadField name() const { return PayloadField(this->handle_, macro); }
#define MORTISE_GETTER_pairs(name, macro, child_kind) \
  PairsField name() const { return PairsField(this->handle_, macro); }
#define MORTISE_GETTER_child(name, macro, child_kind) MORTISE_CHILD_##child_kind(name, macro)
#define MORTISE_CHILD_principal(name, macro) \
  PrincipalView name() const { return PrincipalView(this->child(macro), this->self_); }
#define MORTISE_CHILD_event(name, macro) \
  ChildrenField<EventView> name() const { return ChildrenField<EventView>(this->handle_, macro, this->self_); }
#define MORTISE_GETTER(name, type, macro, child_kind) MORTISE_GETTER_##type(name, macro, child_kind)

/// Who a connected client is.
class PrincipalView : public detail::View<PrincipalView> {
 public:
  using View::View;
  MORTISE_FOR_EACH_FIELD_OF_PRINCIPAL(MORTISE_GETTER)
};

/// A CONNECT that is not authenticated yet: everything in it is what the client claims.
class ConnectRequestView : public detail::CallView<ConnectRequestView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_CONNECT_REQUEST(MORTISE_GETTER)
  /// Answers later. Errors: e_quota (too many at once), e_range (deadline).
  Result<AuthPending> defer(std::chrono::milliseconds deadline) const { return make_pending<AuthDecision>(deadline); }
};

/// May this client do this? Topics are the routed ones, after the affix.
class AccessRequestView : public detail::CallView<AccessRequestView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_ACCESS_REQUEST(MORTISE_GETTER)
  /// Answers later. Errors: e_quota, e_range.
  Result<AccessPending> defer(std::chrono::milliseconds deadline) const {
    return make_pending<AccessDecision>(deadline);
  }
};

/// Which affix does this client have?
class BindRequestView : public detail::CallView<BindRequestView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_BIND_REQUEST(MORTISE_GETTER)
  /// Answers later. Errors: e_quota, e_range.
  Result<BindPending> defer(std::chrono::milliseconds deadline) const { return make_pending<BindDecision>(deadline); }
};

/// One step of an enhanced authentication.
class ExchangeView : public detail::CallView<ExchangeView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_EXCHANGE(MORTISE_GETTER)
  /// Answers later. Errors: e_quota, e_range.
  Result<ExchangePending> defer(std::chrono::milliseconds deadline) const {
    return make_pending<ExchangeDecision>(deadline);
  }
};

/// An exchange that ended without a verdict of this plugin.
class ExchangeEndView : public detail::CallView<ExchangeEndView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_EXCHANGE_END(MORTISE_GETTER)
};

/// A timer that is due.
class TimerView : public detail::CallView<TimerView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_TIMER(MORTISE_GETTER)
};

/// One event.
class EventView : public detail::View<EventView> {
 public:
  using View::View;
  MORTISE_FOR_EACH_FIELD_OF_EVENT(MORTISE_GETTER)
};

/// Events in the order they happened on one event loop: `for (const auto& event : batch.event())`.
class EventBatchView : public detail::CallView<EventBatchView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_EVENT_BATCH(MORTISE_GETTER)
};

MORTISE_SDK_END
