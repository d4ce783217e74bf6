#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace auth_http {

/// What an endpoint says, besides that it cannot say.
struct Answer {
  enum class Kind { kAllow, kDeny, kIgnore } kind = Kind::kDeny;
  // Of an allow of authenticate:
  std::optional<std::string> user_name;
  std::optional<std::string> name_space;
  std::optional<std::string> note;  // of Grants
  std::optional<std::uint32_t> valid_for_s;
};

/// By the status, and the body of a 200. Errors: nothing, and `why` for the log; never what stands in the body.
std::optional<Answer> read_answer(unsigned status, const std::string& body, std::string& why);

}  // namespace auth_http
