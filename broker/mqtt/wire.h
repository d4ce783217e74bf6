#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/mqtt/packets.h"
#include "broker/mqtt/rules.h"
#include "broker/mqtt/text_scan.h"

/// The data representations of 5.0 section 1.5. Internal to broker/mqtt.
namespace mortise::mqtt {

inline constexpr std::uint32_t kMaximumVariableByteInteger = 268'435'455;

inline constexpr std::size_t variable_byte_integer_size(std::size_t value) noexcept {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

/// A Variable Byte Integer found in bytes.
struct VariableByteInteger {
  enum class State : std::uint8_t { kComplete, kNeedsMore, kTooLong };
  State state = State::kComplete;
  std::uint8_t size = 0;  // bytes taken
  std::uint32_t value = 0;

  /// 5.0 asks for the shortest form (MQTT-1.5.5-1).
  bool is_shortest() const noexcept { return size == variable_byte_integer_size(value); }
};

inline VariableByteInteger find_variable_byte_integer(ByteView bytes) noexcept {
  VariableByteInteger found;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 4))) {
    found.value |= static_cast<std::uint32_t>(byte & 0x7F) << (7 * found.size++);
    if (byte < 0x80) return found;
  }
  found.state = found.size == 4 ? VariableByteInteger::State::kTooLong : VariableByteInteger::State::kNeedsMore;
  return found;
}

/// Takes fields off the front of a packet's body. The first failure sticks: from then on every read answers zero or
/// empty, and the caller asks once, at the end. Unsynchronised; for the call only.
class ReaderView {
 public:
  /// `cut` is what a body that ends too early is refused with.
  ReaderView(ByteView body, ProtocolVersion version, const Rule& cut = rule::kCut) noexcept
      : rest_(body), version_(version), cut_(&cut) {}

  ProtocolVersion version() const noexcept { return version_; }
  void set_version(ProtocolVersion version) noexcept { version_ = version; }
  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return rest_.empty(); }
  std::size_t size() const noexcept { return rest_.size(); }
  Failure<Refusal> as_failure() const noexcept { return {refusal_}; }

  /// What a body that ends too early is refused with from here on.
  void set_cut(const Rule& cut) noexcept { cut_ = &cut; }
  void fail(const Rule& rule) noexcept { fail(refusal(rule, version_)); }
  void fail(const Refusal& reason) noexcept {
    if (!failed_) refusal_ = reason;
    failed_ = true;
    rest_ = {};
  }

  /// What was refused so far is answered otherwise.
  void answer(ReasonCode reason) noexcept {
    if (failed_ && refusal_.is_said) refusal_.reason = reason;
  }
  void answer_nothing() noexcept { refusal_.is_said = false; }

  std::uint8_t byte() noexcept {
    const ByteView field = take(1);
    return field.empty() ? std::uint8_t{0} : field[0];
  }
  std::uint16_t two_bytes() noexcept {
    const ByteView field = take(2);
    return field.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>((field[0] << 8) | field[1]);
  }
  std::uint32_t four_bytes() noexcept {
    const std::uint32_t high = two_bytes();
    return (high << 16) | two_bytes();
  }
  std::uint32_t variable_byte_integer() noexcept {
    const VariableByteInteger found = find_variable_byte_integer(rest_);
    if (found.state == VariableByteInteger::State::kNeedsMore) return fail(*cut_), 0;
    if (found.state == VariableByteInteger::State::kTooLong || !found.is_shortest()) return fail(rule::kLongInteger), 0;
    rest_ = rest_.subspan(found.size);
    return found.value;
  }
  ByteView binary() noexcept { return take(two_bytes()); }
  /// A UTF-8 Encoded String.
  std::string_view text() noexcept {
    TextScan scan;
    return text(scan);
  }
  std::string_view text(TextScan& scan) noexcept {
    const std::string_view text = as_text(binary());
    scan = scan_text(text);
    if (!scan.is_utf8) return fail(rule::kUtf8), std::string_view();
    if (scan.has_nul) return fail(rule::kNul), std::string_view();
    return text;
  }
  /// The same for what names something: a Topic Name, a Topic Filter, a Client Identifier, a User Name. Control
  /// characters, which 5.0 section 1.5.4 and 3.1.1 section 1.5.3 let a receiver refuse, do not belong there.
  std::string_view name() noexcept {
    TextScan scan;
    return name(scan);
  }
  std::string_view name(TextScan& scan) noexcept {
    const std::string_view name = text(scan);
    if (scan.has_control) return fail(rule::kControl), std::string_view();
    return name;
  }
  /// Property Length and Properties; nothing before 5.0.
  PropertiesView properties(PropertyPlaces where) noexcept {
    if (version_ != ProtocolVersion::k5) return {};
    if (!rest_.empty() && rest_[0] == 0) [[likely]] {
      rest_ = rest_.subspan(1);
      return {};
    }
    return some_properties(where);
  }
  PacketId packet_id(const Rule& when_zero) noexcept {
    const PacketId id = two_bytes();
    if (id == 0 && !failed_) fail(when_zero);
    return id;
  }
  ByteView rest() noexcept { return take(rest_.size()); }
  void expect_end(const Rule& left_over = rule::kLeftOver) noexcept {
    if (!rest_.empty()) fail(left_over);
  }

 private:
  PropertiesView some_properties(PropertyPlaces where) noexcept {
    const std::uint32_t length = variable_byte_integer();
    if (length == 0) return {};
    if (length > rest_.size()) {
      Refusal cut = refusal(*cut_, version_);
      cut.is_said = true;
      return fail(cut), PropertiesView();
    }
    const ByteView encoded = take(length);
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(encoded, where);
    if (!properties) return fail(properties.error()), PropertiesView();
    return *properties;
  }
  ByteView take(std::size_t size) noexcept {
    if (size > rest_.size()) [[unlikely]] {
      fail(*cut_);
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  ByteView rest_;
  ProtocolVersion version_;
  bool failed_ = false;
  const Rule* cut_;
  Refusal refusal_;
};

// Appending. All integers are big-endian (5.0 section 1.5.2).
inline void append_byte(ByteBuffer& out, unsigned value) { out.push_back(static_cast<char>(value)); }
inline void append_two_bytes(ByteBuffer& out, std::uint16_t value) {
  const char bytes[] = {static_cast<char>(value >> 8), static_cast<char>(value & 0xFF)};
  out.append(bytes, sizeof bytes);
}
inline void append_four_bytes(ByteBuffer& out, std::uint32_t value) {
  append_two_bytes(out, static_cast<std::uint16_t>(value >> 16));
  append_two_bytes(out, static_cast<std::uint16_t>(value & 0xFFFF));
}
inline void append_variable_byte_integer(ByteBuffer& out, std::size_t value) {
  for (; value >= 128; value >>= 7) append_byte(out, static_cast<unsigned>(value & 0x7F) | 0x80u);
  append_byte(out, static_cast<unsigned>(value));
}
inline void append_text(ByteBuffer& out, std::string_view text) {
  append_two_bytes(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

}  // namespace mortise::mqtt
