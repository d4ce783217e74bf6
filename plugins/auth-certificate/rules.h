#pragma once

#include <array>
#include <mortise/grants.hpp>
#include <mortise/placeholders.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace auth_certificate {

/// The fields of a certificate that rules speak of, which are placeholders too, and two more of the client.
enum Field : std::size_t { kSubject, kCommonName, kDns, kEmail, kUri, kIp, kFingerprint, kFields };
enum MoreNames : std::size_t { kClientId = kFields, kUserName };
/// subject, cn, dns, email, uri, ip, fingerprint, then c and u.
const std::vector<std::string>& names();

/// A verified certificate: each field's values, of which the subject, common name and fingerprint have one at most.
struct Certificate {
  std::array<std::vector<std::string>, kFields> values;
};

/// Who asks. Lifetime: for the call.
struct ClientView {
  std::string_view client_id;
  std::optional<std::string_view> user_name;  // of CONNECT
};

/// One rule, as it stands in the configuration. Immutable.
struct Rule {
  bool allows = false;
  /// For each field the patterns of which one must fit one value; none: whatever it is.
  std::array<std::vector<std::string>, kFields> patterns;
  mortise::TextTemplate user_name;
  std::optional<mortise::TextTemplate> name_space;
  bool has_opinion = false;                    // on what clients may do
  std::vector<mortise::TextTemplate> publish;  // made by filter_template()
  std::vector<mortise::TextTemplate> subscribe;

  bool fits(const Certificate& certificate) const;
};

/// A Topic Filter with placeholders, for Rule. Errors: throws mortise::Error that says what is wrong with it.
mortise::TextTemplate filter_template(const std::string& text);

/// What follows for a client.
struct Verdict {
  enum class Kind { kAllow, kDeny, kNothing } kind = Kind::kNothing;
  std::string why;  // for the log
  std::string user_name;
  std::optional<std::string> name_space;
  std::optional<std::string> note;  // of Grants
};

/// The rules of a configuration. Immutable. Thread: any.
struct Rules {
  std::set<std::string, std::less<>> revoked;                      // fingerprints
  std::optional<std::set<std::string, std::less<>>> fingerprints;  // only these; nothing: all
  std::vector<Rule> rules;                                         // the first that fits decides

  Verdict judge(const Certificate& certificate, const ClientView& client) const;
  bool is_revoked(std::string_view fingerprint) const { return revoked.find(fingerprint) != revoked.end(); }
};

/// 64 lower-case digits of what may have colons and capitals, as OpenSSL prints it. Nothing when it is no SHA-256.
std::optional<std::string> fingerprint_of(std::string_view text);

}  // namespace auth_certificate
