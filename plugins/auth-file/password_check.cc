#include "password_check.h"

#include <sys/random.h>

#include <fstream>

namespace auth_file {

using mortise::AuthDecision;
namespace password = mortise::password;
namespace reason = mortise::reason;

// ---- Passwords ----

DecoySecret random_secret() {
  DecoySecret secret{};
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    throw mortise::Error("no random numbers from the system");
  return secret;
}

std::optional<DecoySecret> read_secret(const std::string& path, std::string& error) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return error = path + ": cannot be opened: " + std::strerror(errno), std::nullopt;
  std::array<char, 4096> bytes{};
  file.read(bytes.data(), bytes.size());
  const auto size = static_cast<std::size_t>(file.gcount());
  DecoySecret secret{};
  if (size < secret.size()) {
    error = path + ": less than 32 bytes; make it with `head -c 32 /dev/urandom`";
    return std::nullopt;
  }
  const bool done = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                               reinterpret_cast<const unsigned char*>(bytes.data()), size, secret.data()) == 0;
  password::detail::wipe(bytes.data(), bytes.size());
  if (!done) return error = path + ": SHA-256 failed", std::nullopt;
  return secret;
}

Passwords::Passwords(password::File file, const DecoySecret& secret) : file_(std::move(file)), secret_(secret) {
  for (const std::string& user : file_.users()) decoys_.push_back(*file_.find(user));
  if (decoys_.empty()) decoys_.emplace_back();
  for (password::Verifier& decoy : decoys_) {
    if (decoy.salt.empty()) decoy.salt.assign(password::kSaltSize, '\0');
  }
}

std::shared_ptr<const Passwords> Passwords::read(const std::string& path, const DecoySecret& secret,
                                                 std::string& error) {
  auto file = password::File::read(path, error);
  if (!file) return nullptr;
  return std::shared_ptr<const Passwords>(new Passwords(*std::move(file), secret));
}

const password::Verifier& Passwords::decoy(std::string_view user) const {
  password::Sha256 digest{};
  (void)password::detail::hmac_sha256(secret_, user, digest);
  std::uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return decoys_[number % decoys_.size()];
}

password::Verifier Passwords::made_up(std::string_view user) const {
  const password::Verifier& like = decoy(user);
  password::Verifier made;
  made.iterations = like.iterations;
  const auto derive = [&](std::string_view what, password::Sha256& out) {
    (void)password::detail::hmac_sha256(secret_, std::string(what).append(user), out);
  };
  for (char part = '0'; made.salt.size() < like.salt.size(); ++part) {
    password::Sha256 bytes{};
    derive(std::string("salt ") + part, bytes);
    made.salt.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  made.salt.resize(like.salt.size());
  derive("stored ", made.stored_key);
  derive("server ", made.server_key);
  return made;
}

Passwords::Challenge Passwords::challenge(std::string_view user) const {
  const password::Verifier* const known = file_.find(user);
  password::Verifier stranger = made_up(user);  // in any case: the same work
  if (known == nullptr) return {std::move(stranger), false};
  return {*known, true};
}

bool Passwords::check(std::string_view user, std::string_view password) const {
  const password::Verifier* const known = file_.find(user);
  const password::Verifier& stranger = decoy(user);  // asked in any case: the same work
  const bool is_right = password::check(password, known != nullptr ? *known : stranger);
  return is_right && known != nullptr;
}

// ---- Threads ----

namespace {

/// A client that has left in the meantime is no error, so nobody asks what complete() says.
void answer(PasswordJob& job) {
  try {
    const bool is_right = job.passwords->check(job.user, job.password.view());
    (void)job.pending.complete(is_right ? AuthDecision::allow() : AuthDecision::deny(reason::kBadUserNameOrPassword));
  } catch (const std::bad_alloc&) {
    (void)job.pending.complete(AuthDecision::deny(reason::kServerBusy));
  }
}

}  // namespace

PasswordCheck::PasswordCheck(std::size_t threads, std::size_t capacity)
    : Workers(threads, capacity, answer,
              [](PasswordJob& job) { (void)job.pending.complete(AuthDecision::deny(reason::kServerUnavailable)); }) {}

}  // namespace auth_file
