#include <mortise/plugin.hpp>
mortise::AuthDecision answer() {
#ifdef BREAK
  return {};
#else
  return mortise::AuthDecision::next();
#endif
}
