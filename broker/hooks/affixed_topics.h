#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/hooks/affix.h"

namespace mortise::hooks {

/// What the topics that come again are called with their clients' affixes: found by one comparison, where joining them
/// anew would cost every reader of the joined text a wait for what was just written. Bounded in entries and in the
/// length of a topic; a topic takes the place of another when it comes twice and the other did not in between, so
/// topics that do not come again cost next to nothing. Unsynchronised (loop-owned).
class AffixedTopics {
 public:
  static constexpr std::size_t kPlaces = 256;   // a power of two
  static constexpr std::size_t kLongest = 256;  // bytes; longer topics are joined each time

  /// As Affix::apply of a publish. `affix` is not null. Borrowed until the next call.
  Result<std::string_view, mqtt::Refusal> apply(const AffixPtr& affix, std::string_view topic);

 private:
  struct Place {
    AffixPtr affix;
    std::string topic;
    std::string routed;
    std::uint64_t candidate = 0;  // the hash of what was asked for last and is not here
  };

  std::vector<Place> places_;  // none before the first topic
  std::string scratch_;
};

}  // namespace mortise::hooks
