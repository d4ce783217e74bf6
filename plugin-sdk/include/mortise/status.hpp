#pragma once

/// Statuses, results and the one exception of the C++ SDK. C++17.

#include <mortise/abi.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mortise/detail/hooks.inc.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// The inline namespace keeps the SDK's names apart from those of other libraries of the project. What has state is
/// hidden one by one: two plugins in one process must never share a variable, whatever they are compiled with
/// (GNU_UNIQUE symbols bind across RTLD_LOCAL).
#define MORTISE_SDK_BEGIN \
  namespace mortise {     \
  inline namespace sdk {
#define MORTISE_SDK_END \
  }                     \
  }

MORTISE_SDK_BEGIN

/// What every call of the host answers; the names are those of abi.h in lower case (`Status::e_expired`).
enum class Status : std::uint32_t {
#define MORTISE_STATUS_ENUMERATOR(name, macro) name = macro,
  MORTISE_FOR_EACH_STATUS(MORTISE_STATUS_ENUMERATOR)
#undef MORTISE_STATUS_ENUMERATOR
};

/// The status' name, as in "e_expired"; "unknown" for a number that is none. Thread: any.
inline const char* name_of(Status status) {
  switch (status) {
#define MORTISE_STATUS_NAME(name, macro) \
  case Status::name:                     \
    return #name;
    MORTISE_FOR_EACH_STATUS(MORTISE_STATUS_NAME)
#undef MORTISE_STATUS_NAME
  }
  return "unknown";
}

/// A value, or the status that says why there is none. The value is there in any case: empty (default) on failure, so
/// that reading it unchecked is never undefined.
template <class T>
struct [[nodiscard]] Result {
  Status status = Status::e_failed;
  T value{};

  Result() = default;
  /*implicit*/ Result(Status why) : status(why) {}
  /*implicit*/ Result(T is) : status(Status::ok), value(std::move(is)) {}

  explicit operator bool() const { return status == Status::ok; }
  /// The value; empty on failure.
  T& operator*() { return value; }
  const T& operator*() const { return value; }
  T* operator->() { return &value; }
  const T* operator->() const { return &value; }
  T value_or(T other) const { return status == Status::ok ? value : std::move(other); }
};

/// Thrown by a plugin to fail a hook or its start; the text is one line for the operator: what, which thing, what to
/// do. Never passes into the host: from a hook it becomes the status and a line in the log, from start() and
/// configure() the reason the operator is shown.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text, Status status = Status::e_failed)
      : std::runtime_error(text), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

namespace detail {

/// Seconds as the ABI has them.
inline std::uint32_t seconds_of(std::chrono::seconds time) {
  return static_cast<std::uint32_t>(std::min<std::int64_t>(std::max<std::int64_t>(time.count(), 0), UINT32_MAX));
}

inline mortise_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

inline std::string_view text_of(mortise_bytes bytes) {
  return bytes.data == nullptr ? std::string_view{} : std::string_view(bytes.data, bytes.size);
}

}  // namespace detail

/// Reason Codes of MQTT 5.0 that plugins refuse with.
namespace reason {
inline constexpr std::uint32_t kDefault = 0;  // what the broker uses for this refusal
inline constexpr std::uint32_t kUnspecifiedError = 0x80;
inline constexpr std::uint32_t kImplementationSpecificError = 0x83;
inline constexpr std::uint32_t kClientIdentifierNotValid = 0x85;
inline constexpr std::uint32_t kBadUserNameOrPassword = 0x86;
inline constexpr std::uint32_t kNotAuthorized = 0x87;
inline constexpr std::uint32_t kServerUnavailable = 0x88;
inline constexpr std::uint32_t kServerBusy = 0x89;
inline constexpr std::uint32_t kBanned = 0x8A;
inline constexpr std::uint32_t kBadAuthenticationMethod = 0x8C;
inline constexpr std::uint32_t kTopicFilterInvalid = 0x8F;
inline constexpr std::uint32_t kTopicNameInvalid = 0x90;
inline constexpr std::uint32_t kQuotaExceeded = 0x97;
inline constexpr std::uint32_t kAdministrativeAction = 0x98;
}  // namespace reason

MORTISE_SDK_END
