#include <mortise/plugin.hpp>
class Plugin : public mortise::Plugin {
 public:
#ifdef BREAK
  mortise::AuthDecision authorize(const mortise::AccessRequestView&) override { return mortise::AuthDecision::allow(); }
#else
  mortise::AccessDecision authorize(const mortise::AccessRequestView&) override {
    return mortise::AccessDecision::allow();
  }
#endif
};
