#include <mortise/plugin.hpp>
void use(mortise::AuthPending pending) {
#ifdef BREAK
  mortise::AuthPending twice = pending;
#else
  mortise::AuthPending moved = std::move(pending);
#endif
}
