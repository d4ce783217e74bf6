#include "broker/hooks/requests.h"

using mortise::hooks::ConnectRequest;
using mortise::hooks::Secret;

void use(const ConnectRequest& request, Secret secret) {
#if BREAK == 1
  // error: deleted (function|constructor|copy constructor).*Secret
  Secret copy = secret;
#elif BREAK == 2
  // error: deleted (function|constructor|copy constructor).*ConnectRequest
  ConnectRequest copy = request;
#endif
  Secret moved = std::move(secret);
}
