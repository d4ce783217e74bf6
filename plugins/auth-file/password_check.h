#pragma once

#include <memory>
#include <mortise/password_file.hpp>
#include <mortise/plugin.hpp>
#include <mortise/workers.hpp>
#include <optional>
#include <vector>

namespace auth_file {

/// What the answers for unknown users follow from, so that a name gets the same each time.
using DecoySecret = mortise::password::Sha256;
/// Errors: throws mortise::Error when the system has no random numbers.
DecoySecret random_secret();
/// The secret that a file stands for. Errors: nothing, and `error` is one line with the file and the remedy.
std::optional<DecoySecret> read_secret(const std::string& path, std::string& error);

/// The users of a password file, for checks by several threads. Immutable.
class Passwords {
 public:
  /// Errors: null, and `error` is one line with the file, the line and the remedy.
  static std::shared_ptr<const Passwords> read(const std::string& path, const DecoySecret& secret, std::string& error);

  /// Whether this is the user's password. An unknown user costs what a known one costs: which of the iteration counts
  /// of the file it is follows from a secret and the name, so that neither time nor its spread says who exists.
  bool check(std::string_view user, std::string_view password) const;
  /// What SCRAM challenges this user with. An unknown one gets a salt and iterations like another's, made of the secret
  /// and the name, and keys that no password has.
  struct Challenge {
    mortise::password::Verifier verifier;
    bool is_known = false;
  };
  Challenge challenge(std::string_view user) const;
  std::size_t size() const { return file_.size(); }

 private:
  Passwords(mortise::password::File file, const DecoySecret& secret);
  const mortise::password::Verifier& decoy(std::string_view user) const;
  mortise::password::Verifier made_up(std::string_view user) const;

  mortise::password::File file_;
  std::vector<mortise::password::Verifier> decoys_;  // one for each user of the file, at least one
  const DecoySecret secret_;
};

struct PasswordJob {
  mortise::AuthPending pending;
  std::string user;
  mortise::Secret password;
  std::shared_ptr<const Passwords> passwords;
};

/// Threads that check passwords, with a bounded queue before them; what still waits when they end is answered with
/// Server unavailable. Internally synchronised.
class PasswordCheck : public mortise::Workers<PasswordJob> {
 public:
  /// Errors: std::system_error when there are no threads to be had.
  PasswordCheck(std::size_t threads, std::size_t capacity);
};

}  // namespace auth_file
