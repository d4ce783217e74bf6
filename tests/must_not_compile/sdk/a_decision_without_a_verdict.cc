#include <mortise/plugin.hpp>
mortise::AuthDecision answer() {
#if BREAK == 1
  // error: could not convert .*AuthDecision|no matching constructor for initialization of 'mortise::AuthDecision'
  return {};
#endif
  return mortise::AuthDecision::next();
}
