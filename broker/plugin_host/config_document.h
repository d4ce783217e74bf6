#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace mortise::plugin_host {

/// The `config:` block of an instance, for look-ups by JSON Pointer (RFC 6901). Immutable. Statuses: those of
/// view.config_*.
class ConfigDocument {
 public:
  static Result<std::unique_ptr<ConfigDocument>> parse(const std::string& json);
  ~ConfigDocument();
  ConfigDocument(const ConfigDocument&) = delete;
  ConfigDocument& operator=(const ConfigDocument&) = delete;

  /// A scalar as text; `out` is overwritten. Errors: E_INVALID, E_ABSENT, E_WRONG_TYPE.
  std::uint32_t get(std::string_view pointer, std::string& out) const;
  /// How many entries. Errors: E_INVALID, E_ABSENT, E_WRONG_TYPE.
  std::uint32_t count(std::string_view pointer, std::uint64_t& out) const;
  /// The name of an entry of a mapping. Errors: E_INVALID, E_ABSENT, E_WRONG_TYPE, E_RANGE.
  std::uint32_t key(std::string_view pointer, std::uint64_t index, std::string& out) const;

 private:
  struct Node;
  explicit ConfigDocument(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace mortise::plugin_host
