#include "broker/plugin_host/call_frame.h"

#include "broker/hooks/requests.h"

namespace mortise::plugin_host {

void CallFrame::end_views() noexcept {
  if (const std::size_t overruns = lane_.scratch.give_back(*arena_); overruns != 0) [[unlikely]] {
    instance_.violated(Violations::kOverrun, point_,
                       "wrote outside of " + std::to_string(overruns) + " field(s) it was shown", overruns);
  }
}

std::string_view CallFrame::client() const noexcept {
  const auto client_of = [](const mqtt::PrincipalPtr& principal) {
    return principal ? std::string_view(principal->client_id) : std::string_view();
  };
  switch (kCallPoints[point_].kind) {
    case MORTISE_KIND_CONNECT_REQUEST:
      return static_cast<const hooks::ConnectRequest*>(object_)->client_id;
    case MORTISE_KIND_ACCESS_REQUEST:
      return client_of(static_cast<const hooks::AccessRequest*>(object_)->principal);
    case MORTISE_KIND_EXCHANGE: {
      const auto* request = static_cast<const hooks::ExchangeRequest*>(object_);
      return request->connect ? std::string_view(request->connect->client_id) : client_of(request->principal);
    }
    case MORTISE_KIND_EXCHANGE_END:
      return static_cast<const ExchangeEndSubject*>(object_)->client_id;
    case MORTISE_KIND_BIND_REQUEST:
      return client_of(static_cast<const hooks::BindRequest*>(object_)->principal);
    default:
      return {};
  }
}

std::uint8_t CallFrame::hops() const noexcept {
  if (kCallPoints[point_].kind != MORTISE_KIND_ACCESS_REQUEST) return 0;
  const auto& message = static_cast<const hooks::AccessRequest*>(object_)->message;
  return message ? message->hops() : std::uint8_t{0};
}

}  // namespace mortise::plugin_host
