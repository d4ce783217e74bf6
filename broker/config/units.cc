#include "broker/config/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "broker/base/bytes.h"

namespace mortise::config {

namespace {

struct Unit {
  const char* name;
  std::uint64_t factor;
};

/// Smallest first.
constexpr std::array<Unit, 4> kSizes{{{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}};
constexpr std::array<Unit, 5> kDurations{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

std::string names(std::span<const Unit> units) {
  std::string text;
  for (const Unit& unit : units) {
    if (!text.empty()) text += ", ";
    text += unit.name;
  }
  return text;
}

/// What somebody who wrote `unit` probably meant; empty: no idea.
std::string meant(std::string_view unit, std::span<const Unit> units) {
  if (unit.empty()) return {};
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const Unit& known : units) {
    if (lower(unit.front()) != lower(known.name[0])) continue;
    if (units.size() == kDurations.size() && unit.size() > 1 && (unit.starts_with("mo") || unit.starts_with("mic")))
      return {};
    if (unit.starts_with("min")) return "m";
    return known.name;
  }
  return {};
}

Result<std::uint64_t> parse(std::string_view text, std::span<const Unit> units, const char* kind) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::string digits(text.substr(0, text.size() - unit.size()));
  if (error == std::errc::result_out_of_range) return failure(quoted(text, 64) + " is too large");
  if (error != std::errc{})
    return failure(quoted(text, 64) + " is not " + kind + "; write a whole number and a unit (" + names(units) + ")");
  if (unit.empty())
    return failure("the unit is missing; write " + digits + units[0].name + " or another of " + names(units));
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (count > std::numeric_limits<std::uint64_t>::max() / known.factor)
      return failure(quoted(text, 64) + " is too large");
    return count * known.factor;
  }
  std::string message = "the unit " + quoted(unit, 32) + " is not known";
  if (const std::string likely = meant(unit, units); !likely.empty()) message += ", write " + digits + likely;
  return failure(message + "; units are " + names(units));
}

std::string render(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + best->name;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) { return parse(text, kSizes, "a size"); }
Result<std::uint64_t> parse_duration(std::string_view text) { return parse(text, kDurations, "a duration"); }
std::string render_size(std::uint64_t bytes) { return render(bytes, kSizes); }
std::string render_duration(std::uint64_t milliseconds) { return render(milliseconds, kDurations); }

}  // namespace mortise::config
