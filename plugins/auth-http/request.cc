#include "request.h"

#include <mbedtls/base64.h>
#include <strings.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace auth_http {

namespace {

void wipe(std::string& text) { explicit_bzero(text.data(), text.size()); }

/// The text with the values put in as they are; nothing when one is absent.
std::optional<std::string> filled(const mortise::TextTemplate& text, const Values& values) {
  std::string out;
  const bool is_whole = text.fill(out, [&values](std::size_t name, std::string& to) {
    if (values[name]) to += *values[name];
    return values[name].has_value();
  });
  if (is_whole) return out;
  wipe(out);
  return std::nullopt;
}

std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += body.empty() ? "" : "&";
    body += percent_encoded(name) + "=" + percent_encoded(value);
  }
  return body;
}

/// Nothing when a value is no UTF-8.
std::optional<std::string> json_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body = "{";
  try {
    for (const auto& [name, value] : fields) {
      body += body.size() == 1 ? "" : ",";
      body += nlohmann::json(name).dump() + ":" + nlohmann::json(value).dump();
    }
  } catch (const nlohmann::json::type_error&) {
    wipe(body);
    return std::nullopt;
  }
  return body + "}";
}

}  // namespace

Values::~Values() {
  for (std::optional<std::string>& value : values_) {
    if (value) wipe(*value);
  }
}

Rendered::~Rendered() {
  wipe(target);
  wipe(body);
  for (auto& header : headers) wipe(header.second);
}

std::size_t Rendered::size() const {
  std::size_t size = target.size() + body.size();
  for (const auto& [name, value] : headers) size += name.size() + value.size();
  return size;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char one : text) {
    const bool is_plain = (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
                          one == '-' || one == '.' || one == '_' || one == '~';
    const auto byte = static_cast<unsigned char>(one);
    if (is_plain)
      encoded += one;
    else
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char one) { return static_cast<unsigned char>(one) < 0x20 || one == 0x7F; });
}

std::string basic_credentials(std::string_view user, std::string_view password) {
  std::string joined = std::string(user) + ":" + std::string(password);
  std::string text(4 * ((joined.size() + 2) / 3) + 1, '\0');
  std::size_t written = 0;
  mbedtls_base64_encode(reinterpret_cast<unsigned char*>(text.data()), text.size(), &written,
                        reinterpret_cast<const unsigned char*>(joined.data()), joined.size());
  wipe(joined);
  text.resize(written);
  return text;
}

std::optional<Rendered> RequestTemplate::render(const Values& values, const char*& why) const {
  Rendered made;
  (void)target.fill(made.target, [&values](std::size_t name, std::string& out) {
    if (values[name]) out += percent_encoded(*values[name]);
    return true;
  });
  for (const auto& [name, text] : headers) {
    auto value = filled(text, values);
    if (!value) continue;
    if (!is_header_value(*value)) {
      wipe(*value);
      return why = "a value has a control character, which no header may have", std::nullopt;
    }
    made.headers.emplace_back(name, std::move(*value));
  }
  std::vector<std::pair<std::string, std::string>> said;
  for (const auto& [name, text] : fields) {
    if (auto value = filled(text, values)) said.emplace_back(name, std::move(*value));
  }
  std::optional<std::string> body = format == Format::kForm ? form_of(said) : json_of(said);
  for (auto& field : said) wipe(field.second);
  if (!body) return why = "a value is no UTF-8, which JSON cannot carry; use body: form", std::nullopt;
  made.body = std::move(*body);
  return made;
}

}  // namespace auth_http
