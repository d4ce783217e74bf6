#include <mortise/plugin.hpp>
void use(const mortise::ConnectRequestView& request) {
  (void)request.client_id().copy();
#if BREAK == 1
  // error: deleted (function|copy constructor).*ConnectRequestView
  auto kept = request;
#endif
}
