#include <mortise/plugin.hpp>
class Plugin : public mortise::Plugin {
 public:
#if BREAK == 1
  // error: invalid covariant return type|has a different return type
  mortise::AuthDecision authorize(const mortise::AccessRequestView&) override { return mortise::AuthDecision::allow(); }
#else
  mortise::AccessDecision authorize(const mortise::AccessRequestView&) override {
    return mortise::AccessDecision::allow();
  }
#endif
};
