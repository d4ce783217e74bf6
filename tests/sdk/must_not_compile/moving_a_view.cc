#include <mortise/plugin.hpp>
void use(const mortise::AccessRequestView& request) {
  mortise::PrincipalView principal = request.principal();
#ifdef BREAK
  mortise::PrincipalView kept = std::move(principal);
#else
  (void)principal.client_id().copy();
#endif
}
