#pragma once

#include <mortise/abi.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "tests/broker/witness.h"

namespace mortise::broker_tests {

/// Answers hooks in every way there is: at once, by a token that another thread completes at once, by one that it
/// completes when its connection has probably gone, by one that nobody ever completes; now and then it has a client
/// kicked or invalidated in the middle of it. Internally synchronised.
class TokenClerk {
 public:
  explicit TokenClerk(Witness& witness);
  ~TokenClerk();
  TokenClerk(const TokenClerk&) = delete;
  TokenClerk& operator=(const TokenClerk&) = delete;

  std::uint32_t authenticate(mortise_handle call, mortise_handle self);
  std::uint32_t authorize(mortise_handle call, mortise_handle self);
  std::uint32_t bind(mortise_handle call, mortise_handle self);

  /// Completes everything that was put off.
  void catch_up();
  /// How completions were received, by status.
  std::map<std::string, std::size_t> outcomes() const;

 private:
  enum class Kind : std::uint8_t { kAuthenticate, kAuthorize, kBind };
  enum class When : std::uint8_t { kInTheHook, kAtOnce, kLater, kNever };
  struct Errand {
    Kind kind;
    mortise_handle self, token, retained;
    std::string user, client_id;
  };

  When choose();
  /// True: the hook is answered by a token. False: it is to be decided there and then.
  bool put_off(Kind kind, mortise_handle call, mortise_handle self, const std::string& user,
               const std::string& client_id, mortise_handle& token);
  void work();
  /// Has the client disconnected, or asked everything again: from a thread of the plugin's own.
  void disturb(const Errand& errand);
  void run(const Errand& errand);

  Witness& witness_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937 random_{20240229};  // guarded by mutex_, like all below
  std::deque<Errand> due_, put_off_;
  std::map<std::string, std::size_t> outcomes_;
  bool is_busy_ = false;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace mortise::broker_tests
