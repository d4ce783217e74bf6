#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/base/time.h"
#include "broker/session/limits.h"

namespace mortise::core {

/// So much a second, and at once what was not used for the time of a burst. Unsynchronised.
class Allowance {
 public:
  /// `per_second` 0: no limit.
  Allowance(std::uint64_t per_second, Millis burst) noexcept;

  bool is_limited() const noexcept { return per_second_ != 0; }
  /// How much may be spent now.
  std::uint64_t available(SteadyTime now) const noexcept;
  /// Also more than there is: then the debt is paid off first.
  void spend(std::uint64_t amount, SteadyTime now) noexcept;
  /// When `amount` may be spent; in the past: now.
  SteadyTime due(std::uint64_t amount) const noexcept;

 private:
  SteadyTime::rep time_for(std::uint64_t amount) const noexcept;

  std::uint64_t per_second_;
  SteadyTime::rep burst_;
  SteadyTime::rep used_up_;  // what came since then is still there
};

/// How fast one connection may send (`client_rate` of its listener), and what it has used of that. Messages beyond the
/// rate are left unconsumed; bytes that were read already are a debt. Either way nothing is read until `resumes_at`, so
/// the client feels it as a slow network, and loses nothing. Unsynchronised.
class ClientRate {
 public:
  /// Null: there is no limit.
  static std::unique_ptr<ClientRate> of(const session::ClientRate& settings);
  explicit ClientRate(const session::ClientRate& settings);

  /// The beginning of `bytes` (all that is unconsumed) up to the first PUBLISH for which nothing is left. What is new
  /// of them is counted.
  ByteView admit(ByteView bytes, std::size_t max_packet_size, SteadyTime now);
  /// So many of them were consumed.
  void spend(ByteView bytes, std::size_t consumed, SteadyTime now);
  /// Nothing is to be read before `resumes_at`. After `spend`.
  bool is_used_up(SteadyTime now);

  /// kNever: it is read.
  SteadyTime resumes_at() const noexcept { return resumes_at_; }
  void resumed() noexcept { resumes_at_ = kNever; }

 private:
  Allowance messages_;
  Allowance bytes_;
  std::size_t counted_ = 0;  // of what is offered next
  bool was_cut_ = false;     // by `admit`
  SteadyTime resumes_at_ = kNever;
};

}  // namespace mortise::core
