#include "broker/config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace mortise::config {

namespace {

/// Lower case without separators, so that maxPacketSize and max-packet-size are max_packet_size.
std::string plain(std::string_view word) {
  std::string result;
  for (const char c : word.substr(0, 64)) {
    if (c == '_' || c == '-' || c == '.') continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

/// How many letters must be added, removed, changed or swapped with their neighbour (optimal string alignment).
std::size_t edit_distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before_last(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= one.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t changed = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[other.size()];
}

}  // namespace

std::string nearest(std::string_view written, const std::vector<std::string>& known) {
  const std::string plain_written = plain(written);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, plain_written.size() / 3) + 1;
  for (const std::string& word : known) {
    const std::size_t distance = edit_distance(plain_written, plain(word));
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = word;
  }
  return best;
}

std::string joined(const std::vector<std::string>& words) {
  if (words.empty()) return "none";
  std::string result;
  for (const std::string& word : words) {
    if (!result.empty()) result += ", ";
    result += word;
  }
  return result;
}

}  // namespace mortise::config
