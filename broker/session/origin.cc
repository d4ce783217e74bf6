#include "broker/session/origin.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/base/keyed_hash.h"

namespace mortise::session {

std::uint64_t origin_of(const mqtt::Principal& principal) {
  // The size keeps ("a", "bc") and ("ab", "c") apart.
  std::string name = std::to_string(std::string_view(principal.name_space).size());
  name.append(":").append(principal.name_space).append(principal.client_id);
  return std::max<std::uint64_t>(KeyedHash()(name), 1);
}

std::uint64_t share_tag_of(std::string_view group_key) { return std::max<std::uint64_t>(KeyedHash()(group_key), 1); }

}  // namespace mortise::session
