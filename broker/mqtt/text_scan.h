#pragma once

#include <string_view>

namespace mortise::mqtt {

/// What one pass over a string found. Internal to broker/mqtt.
struct TextScan {
  bool is_utf8 = true;        // well-formed: no surrogates, no overlong forms, nothing beyond U+10FFFF
  bool has_nul = false;       // meaningful when is_utf8
  bool has_control = false;   // U+0000..U+001F or U+007F..U+009F; meaningful when is_utf8
  bool has_wildcard = false;  // '+' or '#'; meaningful when is_utf8
};

/// Cost: eight ASCII characters at a time. Thread: any.
TextScan scan_text(std::string_view text) noexcept;

}  // namespace mortise::mqtt
