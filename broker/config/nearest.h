#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mortise::config {

/// The word of `known` that somebody who wrote `written` probably meant; empty: none is near.
std::string nearest(std::string_view written, const std::vector<std::string>& known);

/// "a, b, c"; "none" for nothing.
std::string joined(const std::vector<std::string>& words);

}  // namespace mortise::config
