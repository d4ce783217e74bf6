#pragma once

#include <cstddef>
#include <list>

#include "broker/base/mutex.h"

namespace mortise::admin {

/// One connection to the API. Guarded by the Callers it is of.
struct Caller {
  int socket = -1;  // borrowed: open until left()
  bool has_shown_token = false;
  bool is_asking = false;  // waits for an answer
  bool is_sent_away = false;

  bool may_be_sent_away() const noexcept { return !has_shown_token && !is_asking && !is_sent_away; }
};

/// Who is connected to the API, so that strangers who say nothing do not keep operators out: who comes when all places
/// are taken has the place of the stranger who is there the longest. Internally synchronised.
class Callers {
 public:
  explicit Callers(std::size_t most) : most_(most) {}

  /// The connection is there until left(). When nobody makes room for it, it is itself sent away.
  Caller* arrived(int socket);
  void showed_token(Caller& caller);
  /// False: it was sent away, and does not ask any more.
  bool begin_request(Caller& caller);
  void end_request(Caller& caller);
  void left(Caller& caller);
  /// All but those who have shown the token, or wait for an answer.
  void send_strangers_away();
  std::size_t size();

 private:
  static void send_away(Caller& caller);

  const std::size_t most_;
  Mutex mutex_;
  std::list<Caller> callers_ MORTISE_GUARDED_BY(mutex_);  // in the order in which they came
  std::size_t staying_ MORTISE_GUARDED_BY(mutex_) = 0;    // of them, not sent away
};

}  // namespace mortise::admin
