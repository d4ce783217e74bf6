#pragma once

#include <mortise/placeholders.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace auth_http {

/// What a request is about: a value for each placeholder. Those of one client go with it, and are wiped with it.
class Values {
 public:
  explicit Values(std::size_t names) : values_(names) {}
  Values(Values&&) noexcept = default;
  Values& operator=(Values&&) = delete;
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  ~Values();

  void set(std::size_t name, std::string_view value) { values_[name].emplace(value); }
  /// Nothing when the client has no such thing.
  const std::optional<std::string>& operator[](std::size_t name) const { return values_[name]; }

 private:
  std::vector<std::optional<std::string>> values_;
};

/// A request with everything in it, as it is sent. Wiped when it goes.
struct Rendered {
  std::string target;  // path and query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  Rendered() = default;
  Rendered(Rendered&&) noexcept = default;
  Rendered& operator=(Rendered&&) = delete;
  Rendered(const Rendered&) = delete;
  Rendered& operator=(const Rendered&) = delete;
  ~Rendered();
  std::size_t size() const;
};

/// How requests to one endpoint are made. Immutable.
struct RequestTemplate {
  enum class Format { kJson, kForm };
  using Named = std::pair<std::string, mortise::TextTemplate>;

  mortise::TextTemplate target;  // values are percent-encoded; an absent one is nothing
  std::vector<Named> headers;    // one with an absent value is left out
  Format format = Format::kJson;
  std::vector<Named> fields;  // likewise

  /// Errors: nothing, and `why` (a literal) for the log: a value that cannot stand where it should.
  std::optional<Rendered> render(const Values& values, const char*& why) const;
};

/// RFC 3986 section 2: everything but letters, digits and -._~ as %XX.
std::string percent_encoded(std::string_view text);
/// Whether a header may have this value: no control characters.
bool is_header_value(std::string_view text);
/// RFC 7617: user and password joined, in base64.
std::string basic_credentials(std::string_view user, std::string_view password);

}  // namespace auth_http
