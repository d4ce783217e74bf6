#include "broker/admin/fields.h"

#include <sodium.h>

#include <algorithm>

#include "broker/base/bytes.h"
#include "broker/config/nearest.h"

namespace mortise::admin {

namespace {

/// Looks at a body while it is parsed: of two fields of one name nobody can tell which is meant, and nothing that is
/// asked for is deep or has many fields.
struct BodyWatch {
  static constexpr int kDeepest = 8;
  static constexpr std::size_t kMostFields = 64;

  const char* wrong = nullptr;
  std::vector<std::vector<std::string>> names = {};  // of the objects around

  bool passes(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kDeepest) wrong = "the body is nested too deep; allowed: 8 levels";
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end && !names.empty()) names.pop_back();
    if (event == Event::key && !names.empty()) note(parsed.get_ref<const std::string&>());
    return wrong == nullptr;
  }

 private:
  void note(const std::string& name) {
    std::vector<std::string>& seen = names.back();
    if (std::ranges::find(seen, name) != seen.end()) wrong = "the body has two fields of one name in an object";
    if (seen.size() == kMostFields) wrong = "the body has more than 64 fields in an object";
    seen.push_back(name);
  }
};

}  // namespace

Fields::Fields(const std::string& body) {
  if (body.empty()) return;
  BodyWatch watch;
  object_ = Json::parse(
      body,
      [&](int depth, Json::parse_event_t event, const Json& parsed) { return watch.passes(depth, event, parsed); },
      false);
  if (watch.wrong != nullptr) {
    refuse(watch.wrong);
  } else if (object_.is_discarded()) {
    refuse("the body is not JSON");
  } else if (!object_.is_object()) {
    refuse(std::string("the body is of the type ") + object_.type_name() + "; allowed: a JSON object");
  }
  if (!wrong_.empty()) object_ = Json::object();
}

Fields::Fields(const Json& object, std::string place) : object_(object), place_(std::move(place)) {}

void Fields::refuse(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

const Json* Fields::find(const char* name) {
  known_.emplace_back(name);
  const auto at = object_.find(name);
  return at == object_.end() ? nullptr : &*at;
}

std::optional<std::string> Fields::text(const char* name) {
  const Json* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  refuse(called(name) + " is of the type " + found->type_name() + "; allowed: a string");
  return std::nullopt;
}

std::string Fields::required_text(const char* name) {
  const bool is_there = object_.contains(name);
  if (!is_there) refuse(called(name) + " is missing");
  return text(name).value_or("");
}

std::optional<std::uint64_t> Fields::number(const char* name, std::uint64_t lowest, std::uint64_t highest) {
  const Json* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    if (value >= lowest && value <= highest) return value;
  }
  refuse(called(name) + " is no whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return std::nullopt;
}

bool Fields::flag(const char* name, bool otherwise) {
  const Json* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_boolean()) return found->get<bool>();
  refuse(called(name) + " is of the type " + found->type_name() + "; allowed: true, false");
  return otherwise;
}

std::vector<std::pair<std::string, std::string>> Fields::pairs(const char* name) {
  std::vector<std::pair<std::string, std::string>> found;
  const Json* given = find(name);
  if (given == nullptr) return found;
  const auto is_pair = [](const Json& pair) {
    return pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
  };
  if (given->is_object()) {
    for (const auto& [key, value] : given->items()) {
      if (!value.is_string()) refuse(called(name) + " has a value that is no string");
      if (value.is_string()) found.emplace_back(key, value.get<std::string>());
    }
  } else if (given->is_array() && std::ranges::all_of(*given, is_pair)) {
    for (const Json& pair : *given) found.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  } else {
    refuse(called(name) + " is neither an object of strings nor a list of pairs of strings");
  }
  return found;
}

const Json* Fields::object(const char* name) {
  const Json* found = find(name);
  if (found == nullptr || found->is_object()) return found;
  refuse(called(name) + " is of the type " + found->type_name() + "; allowed: an object");
  return nullptr;
}

std::string Fields::wrong() {
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    refuse("there is no field " + quoted(place_ + name, 64) + "; allowed: " + config::joined(known_));
  }
  return wrong_;
}

Response json_response(const Json& body, unsigned status) {
  return {status, "application/json", body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", ""};
}

Response page_response(Json items, Json next) {
  return json_response({{"items", std::move(items)}, {"next", std::move(next)}});
}

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), as_bytes(bytes).data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the zero behind it
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  bytes.resize(size);
  return bytes;
}

}  // namespace mortise::admin
