#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mortise/password_file.hpp>
#include <mortise/plugin.hpp>
#include <mutex>
#include <optional>
#include <thread>
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

/// Threads that check passwords, with a bounded queue before them. Internally synchronised.
class PasswordCheck {
 public:
  struct Job {
    mortise::AuthPending pending;
    std::string user;
    mortise::Secret password;
    std::shared_ptr<const Passwords> passwords;
  };

  /// Starts the threads. Errors: std::system_error when there are none to be had.
  PasswordCheck(std::size_t threads, std::size_t capacity);
  /// Ends the threads; what waits is answered with Server unavailable.
  ~PasswordCheck();
  PasswordCheck(const PasswordCheck&) = delete;
  PasswordCheck& operator=(const PasswordCheck&) = delete;

  /// Takes a place in the queue, to be used by submit() or given back. False: it is full.
  bool reserve();
  void give_back();
  /// Queues a job in a place that was reserved.
  void submit(Job job);

 private:
  void run();
  void end();

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;
  std::size_t reserved_ = 0;  // places taken: reserved, queued or being worked on
  bool is_ending_ = false;
  // Constant after construction.
  std::vector<std::thread> threads_;
};

}  // namespace auth_file
