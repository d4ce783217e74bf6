#pragma once

#include <cstdint>
#include <mortise/grants.hpp>
#include <mortise/placeholders.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth_jwt {

/// Where in the claims something stands: a name, or a JSON Pointer when it begins with a slash. Immutable.
class ClaimPath {
 public:
  ClaimPath() = default;
  /// Errors: throws mortise::Error when it begins with a slash and is no JSON Pointer.
  explicit ClaimPath(const std::string& text);
  const std::string& text() const { return text_; }
  /// Null when it is not there.
  const nlohmann::json* find(const nlohmann::json& claims) const;

 private:
  std::string text_;
  nlohmann::json::json_pointer pointer_;
};

/// What must be so of a token whose signature is right, and what follows from it. Immutable.
struct ClaimRules {
  std::int64_t leeway_s = 30;
  bool needs_expiry = true;
  std::optional<std::string> issuer;
  std::vector<std::string> audiences;  // one of them; empty: whatever it is
  struct Required {
    ClaimPath claim;
    mortise::TextTemplate value;  // with kPlaceholders
  };
  std::vector<Required> required;
  std::optional<ClaimPath> user_name;  // none: the client's own
  std::optional<ClaimPath> name_space;
  std::optional<ClaimPath> publish;
  std::optional<ClaimPath> subscribe;
  std::size_t most_filters = 64;
  std::vector<std::string> granted_publish;  // to everybody who has a token
  std::vector<std::string> granted_subscribe;

  /// Whether anything is said about what clients may do.
  bool has_opinion() const;
};

/// What may stand in `required`.
enum Placeholder : std::size_t { kClientId, kUserName };
const std::vector<std::string>& placeholder_names();

/// Who asks. Lifetime: for the call.
struct ClientView {
  std::string_view client_id;
  std::optional<std::string_view> user_name;  // of CONNECT; none when it holds the token
};

/// What a token grants.
struct Granted {
  std::optional<std::string> user_name;
  std::optional<std::string> name_space;
  std::optional<std::string> note;      // of Grants; nothing: no opinion
  std::optional<std::int64_t> until_s;  // since 1970: exp and the leeway
};

/// Errors: nothing, and `why` says which claim and what is wrong, and never what stands in the token.
std::optional<Granted> judge(const nlohmann::json& claims, const ClaimRules& rules, const ClientView& client,
                             std::int64_t now_s, std::string& why);

}  // namespace auth_jwt
