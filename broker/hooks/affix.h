#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/hooks/decisions.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/topic.h"

namespace mortise::hooks {

/// R8: prefix and suffix of one connection's topics, as data: inward by concatenation, outward by the exact inverse,
/// with no call per message. Immutable; one per session, shared by what must undo it later.
class Affix {
 public:
  /// Checks what a plugin answered. Errors: an Error that names the part and what is wrong with it (UTF-8, NUL, `+`,
  /// `#`, a leading `$`, longer than 65,535 bytes together).
  static Result<std::shared_ptr<const Affix>> make(const BindDecision& decision);
  /// One from a stored session; the same checks.
  static Result<std::shared_ptr<const Affix>> make(std::string prefix, std::string suffix, std::uint8_t operations,
                                                   std::uint64_t rule_version);

  bool applies_to(AffixOperations operation) const noexcept { return (operations_ & operation) != 0; }
  /// What apply() makes of a topic for publishing, invert() turns back into it.
  bool is_undone() const noexcept { return applies_to(kAffixPublish) && applies_to(kAffixSubscribe); }

  /// The routed name of a Topic Name. Errors: Topic Name Invalid for a name that begins with `$` (only the broker
  /// publishes those), or becomes too long. `out` is overwritten; the result views into it.
  Result<std::string_view, mqtt::Refusal> apply(AffixOperations operation, std::string_view topic,
                                                std::string& out) const;
  /// The routed filter of a (not shared) Topic Filter; `$SYS` filters pass unaltered. Errors: Topic Filter Invalid when
  /// joining makes a filter that is not valid, or too long.
  Result<std::string_view, mqtt::Refusal> apply_to_filter(AffixOperations operation, std::string_view filter,
                                                          std::string& out) const;

  /// The client's name of a routed topic; nothing when it has none (the delivery is dropped and counted). `$SYS` passes
  /// unaltered.
  std::optional<std::string_view> invert(std::string_view routed) const noexcept;

  const std::string& prefix() const noexcept { return prefix_; }
  const std::string& suffix() const noexcept { return suffix_; }
  std::uint8_t operations() const noexcept { return operations_; }
  std::uint64_t rule_version() const noexcept { return rule_version_; }
  bool operator==(const Affix& other) const noexcept {
    return prefix_ == other.prefix_ && suffix_ == other.suffix_ && operations_ == other.operations_;
  }

 private:
  Affix(std::string prefix, std::string suffix, std::uint8_t operations, std::uint64_t rule_version)
      : prefix_(std::move(prefix)), suffix_(std::move(suffix)), operations_(operations), rule_version_(rule_version) {}

  const std::string prefix_;
  const std::string suffix_;
  const std::uint8_t operations_;
  const std::uint64_t rule_version_;
};

/// Null: topics pass as they are.
using AffixPtr = std::shared_ptr<const Affix>;

/// The affixes that were made last, so that clients with the same topics share one. Bounded. Unsynchronised.
class RecentAffixes {
 public:
  /// One that equals `made`, of the same version of its rule: an older one when it is still here.
  AffixPtr shared(AffixPtr made);

 private:
  static constexpr std::size_t kPlaces = 64;
  std::array<AffixPtr, kPlaces> places_;
};

}  // namespace mortise::hooks
