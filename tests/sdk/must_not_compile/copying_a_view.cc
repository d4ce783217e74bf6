#include <mortise/plugin.hpp>
void use(const mortise::ConnectRequestView& request) {
  (void)request.client_id().copy();
#ifdef BREAK
  auto kept = request;
#endif
}
