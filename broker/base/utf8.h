#pragma once

#include <cstddef>
#include <string_view>

namespace mortise {

/// The length of the well-formed UTF-8 sequence that starts `rest`, 1 to 4, or 0 when there is none: no overlong forms,
/// no surrogates, nothing beyond U+10FFFF (Unicode table 3-7). Thread: any.
std::size_t utf8_sequence_length(std::string_view rest) noexcept;

}  // namespace mortise
