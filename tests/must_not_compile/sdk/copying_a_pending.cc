#include <mortise/plugin.hpp>
void use(mortise::AuthPending pending) {
#if BREAK == 1
  // error: deleted (function|constructor).*Pending
  mortise::AuthPending twice = pending;
#endif
  mortise::AuthPending moved = std::move(pending);
}
