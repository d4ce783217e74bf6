#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

/// What operators ask over HTTP and what they are told, without HTTP itself.
namespace mortise::admin {

/// One request, decoded. Everything in it is a stranger's, but for the token, which was right.
struct Request {
  std::string method;                        // "GET"
  std::vector<std::string> path;             // its segments, percent-decoded: "/api/v1/clients/a%2Fb" ends with "a/b"
  std::map<std::string, std::string> query;  // percent-decoded
  std::string body;
};

/// What is answered.
struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allowed_methods;  // of a 405
};

/// "%41" is A; nothing where a percent sign is not followed by two hexadecimal digits. A plus is a plus.
std::optional<std::string> percent_decoded(std::string_view text);

/// The segments of "/a/b%2Fc". Errors: what is wrong with it; at most 16 segments.
Result<std::vector<std::string>> split_path(std::string_view path);

/// What is wrong with a request, as its body says it: {"error": {"status": 400, "message": "..."}}.
Response error_response(unsigned status, std::string_view message);

}  // namespace mortise::admin
