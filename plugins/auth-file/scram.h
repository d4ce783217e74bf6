#pragma once

#include <cstddef>
#include <mortise/password.hpp>
#include <optional>
#include <string>
#include <string_view>

/// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: messages taken apart, and the one
/// exchange of two steps. Knows nothing of plugins; takes no time to speak of: the iterations are the client's work.
namespace auth_file::scram {

inline constexpr std::string_view kMethod = "SCRAM-SHA-256";
inline constexpr std::size_t kMaximumMessage = 4096;
inline constexpr std::size_t kMaximumUser = 1024;
inline constexpr std::size_t kMaximumNonce = 256;  // the client's

/// client-first-message. Views into it.
struct ClientFirstView {
  std::string_view gs2_header;  // "n,,": what the client's last message repeats
  std::string_view bare;        // behind it
  std::string user;             // =2C and =3D undone; UTF-8 without NUL, not empty
  std::string_view nonce;
};
/// Errors: nothing, and `why` (a literal) for the log. Channel binding ("p=..."), an authorization identity that is not
/// the user, and mandatory extensions are refused; other extensions mean nothing.
std::optional<ClientFirstView> parse_client_first(std::string_view message, const char*& why);

/// client-final-message. Views into it.
struct ClientFinalView {
  std::string channel_binding;     // base64 undone
  std::string_view nonce;          // the client's and the server's
  std::string_view without_proof;  // what is before ",p="
  mortise::password::Sha256 proof{};
};
/// Errors: as parse_client_first().
std::optional<ClientFinalView> parse_client_final(std::string_view message, const char*& why);

/// A nonce of the server: 144 random bits as text. Empty when the system has none.
std::string make_nonce();

/// What is kept between the two steps. Immutable.
class Exchange {
 public:
  /// `verifier`: the user's, or a made-up one when there is no such user (`is_known` is false), which answers like
  /// another and never accepts.
  Exchange(const ClientFirstView& first, const mortise::password::Verifier& verifier, bool is_known,
           const std::string& server_nonce);

  const std::string& user() const { return user_; }
  /// server-first-message.
  const std::string& challenge() const { return server_first_; }
  /// server-final-message when the client knows the password. Errors: nothing, and `why` for the log.
  std::optional<std::string> finish(std::string_view client_final, const char*& why) const;

 private:
  std::string user_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string nonce_;
  mortise::password::Sha256 stored_key_;
  mortise::password::Sha256 server_key_;
  bool is_known_;
};

}  // namespace auth_file::scram
