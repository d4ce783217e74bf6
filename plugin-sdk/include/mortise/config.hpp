#pragma once

/// The configuration of an instance, read scalar by scalar with JSON Pointers (RFC 6901): "/rules/0/topic".

#include <initializer_list>
#include <mortise/view.hpp>
#include <optional>

MORTISE_SDK_BEGIN

/// What start() and configure() are given. The readers throw Error with a line for the operator when a value is of the
/// wrong type, which is what a start should fail with. Thread: [init].
class ConfigView : public detail::CallView<ConfigView> {
 public:
  using CallView::CallView;
  MORTISE_FOR_EACH_FIELD_OF_CONFIG(MORTISE_GETTER)

  /// A scalar as text; nothing when there is no such key.
  std::optional<std::string> text(std::string_view pointer) const {
    mortise_bytes shown = {nullptr, 0};
    const Status status = detail::host<&mortise_view_v1::config_get>(handle_, detail::bytes_of(pointer), &shown);
    if (status == Status::e_absent) return std::nullopt;
    if (status == Status::e_wrong_type) throw wrong(pointer, "must be a single value");
    if (status != Status::ok) throw wrong(pointer, name_of(status));
    return std::string(detail::text_of(shown));
  }
  /// A scalar that must be there.
  std::string required_text(std::string_view pointer) const {
    std::optional<std::string> value = text(pointer);
    if (!value) throw wrong(pointer, "is missing");
    return *std::move(value);
  }
  /// A whole number within bounds; nothing when there is no such key.
  std::optional<std::uint64_t> number(std::string_view pointer, std::uint64_t least = 0,
                                      std::uint64_t most = UINT64_MAX) const {
    const std::optional<std::string> value = text(pointer);
    if (!value) return std::nullopt;
    std::uint64_t number = 0;
    bool is_number = !value->empty();
    for (const char digit : *value) {
      const auto next = static_cast<std::uint64_t>(digit - '0');
      is_number = is_number && digit >= '0' && digit <= '9' && number <= (UINT64_MAX - next) / 10;
      if (is_number) number = number * 10 + next;
    }
    if (!is_number || number < least || number > most) {
      throw wrong(pointer, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                               ", not " + *value);
    }
    return number;
  }
  /// true or false; nothing when there is no such key.
  std::optional<bool> flag(std::string_view pointer) const {
    const std::optional<std::string> value = text(pointer);
    if (!value) return std::nullopt;
    if (*value == "true" || *value == "false") return *value == "true";
    throw wrong(pointer, "must be true or false, not " + *value);
  }
  /// Entries of a sequence or mapping; 0 when there is no such key.
  std::uint64_t count(std::string_view pointer) const {
    std::uint64_t count = 0;
    const Status status = detail::host<&mortise_view_v1::config_count>(handle_, detail::bytes_of(pointer), &count);
    if (status == Status::e_absent) return 0;
    if (status == Status::e_wrong_type) throw wrong(pointer, "must be a list or a mapping");
    if (status != Status::ok) throw wrong(pointer, name_of(status));
    return count;
  }
  /// The name of one entry of a mapping.
  std::string key(std::string_view pointer, std::uint64_t index) const {
    mortise_bytes shown = {nullptr, 0};
    const Status status = detail::host<&mortise_view_v1::config_key>(handle_, detail::bytes_of(pointer), index, &shown);
    if (status == Status::e_wrong_type) throw wrong(pointer, "must be a mapping");
    if (status != Status::ok) throw wrong(pointer, name_of(status));
    return std::string(detail::text_of(shown));
  }
  /// Refuses a key of the mapping that is none of these; the mapping may be absent.
  void only_keys(std::string_view pointer, std::initializer_list<std::string_view> known) const {
    const std::uint64_t size = count(pointer);
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::string name = key(pointer, i);
      std::string names;
      bool is_known = false;
      for (const std::string_view one : known) {
        is_known = is_known || one == name;
        names += (names.empty() ? "" : ", ") + std::string(one);
      }
      if (!is_known) throw wrong(std::string(pointer) + "/" + name, "is not known; known are: " + names);
    }
  }
  /// The path as it is if absolute, else relative to the configuration file's folder.
  std::string resolve(const std::string& path) const {
    if (path.empty() || path.front() == '/') return path;
    const std::string folder = config_dir().copy().value_or(std::string());
    return folder.empty() ? path : folder + "/" + path;
  }
  /// An Error that names the key: "config: /rules/0: is missing".
  static Error wrong(std::string_view pointer, const std::string& what) {
    return Error("config: " + (pointer.empty() ? "/" : std::string(pointer)) + " " + what);
  }
};

MORTISE_SDK_END
