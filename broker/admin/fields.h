#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/admin/request.h"

namespace mortise::admin {

using Json = nlohmann::ordered_json;

/// The JSON object in a request's body, read field by field. The first thing that is wrong is remembered and said by
/// `wrong`; what was read then is not to be used. Unsynchronised.
class Fields {
 public:
  /// `body` must be an object; an empty one stands for {}.
  explicit Fields(const std::string& body);
  /// The same for an object inside, called `place`.
  Fields(const Json& object, std::string place);

  std::optional<std::string> text(const char* name);
  std::string required_text(const char* name);
  std::optional<std::uint64_t> number(const char* name, std::uint64_t lowest, std::uint64_t highest);
  bool flag(const char* name, bool otherwise);
  /// An object of texts, or a list of pairs of them.
  std::vector<std::pair<std::string, std::string>> pairs(const char* name);
  /// An object; null when it is not there.
  const Json* object(const char* name);

  /// To be asked last: also where a field was not read because there is none of that name. Empty: nothing is wrong.
  std::string wrong();
  void refuse(const std::string& what);

 private:
  const Json* find(const char* name);
  std::string called(const char* name) const { return "the field \"" + place_ + name + "\""; }

  Json object_ = Json::object();
  std::string place_;  // "properties."
  std::vector<std::string> known_;
  std::string wrong_;
};

/// JSON as it is answered: text that is not UTF-8 is mended, so that it never fails.
Response json_response(const Json& body, unsigned status = 200);

/// A page of a list; `next` is null at its end.
Response page_response(Json items, Json next);

/// Bytes as base64 (RFC 4648 section 4), and back; nothing for what is none.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace mortise::admin
