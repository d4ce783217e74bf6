#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace mortise::config {

/// A place in the file, both from 1; 0: nowhere in particular.
struct Place {
  int line = 0;
  int column = 0;
};

/// What is wrong in the file, and where. `text` names the key and the remedy; the file's name is added by who knows it.
struct Problem {
  Place place;
  std::string text;
};

enum class YamlKind : std::uint8_t { kNull, kScalar, kSequence, kMap };

struct YamlNode;
using YamlNodePtr = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  Place place;  // of the key
  std::string key;
  YamlNodePtr value;
};

/// One node of a YAML document, aliases resolved. Immutable once parsed.
struct YamlNode {
  YamlKind kind = YamlKind::kNull;
  Place place;
  bool is_quoted = false;          // quoted, a block scalar or tagged !!str: always text
  std::string text;                // of a scalar
  std::vector<YamlNodePtr> items;  // of a sequence
  std::vector<YamlEntry> entries;  // of a map, in the order of the file, no key twice
  std::size_t cost = 0;            // bytes of this node and all below it, aliases written out
  std::size_t depth = 1;           // levels from here down, aliases written out
};

/// What a document may cost: a file is refused before it is walked.
inline constexpr std::size_t kMaximumFileSize = std::size_t{1} << 20;
inline constexpr std::size_t kMaximumDepth = 32;
inline constexpr std::size_t kMaximumExpandedSize = std::size_t{8} << 20;

/// Parses one YAML document. Errors: not UTF-8, not YAML, a key twice, a key that is no scalar, a second document,
/// nothing in it, an unknown tag, too large, too deep, aliases that grow too large. yaml-cpp's exceptions stop here.
Result<YamlNodePtr, Problem> parse_document(std::string_view text);

}  // namespace mortise::config
