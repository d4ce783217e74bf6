#include <mortise/plugin.hpp>
void use(const mortise::AccessRequestView& request) {
  mortise::PrincipalView principal = request.principal();
#if BREAK == 1
  // error: deleted (function|copy constructor).*PrincipalView
  mortise::PrincipalView kept = std::move(principal);
#endif
  (void)principal.client_id().copy();
}
