#include <mortise/plugin.hpp>
void use(const mortise::EventBatchView& batch) {
  std::vector<std::string> kept;
  for (const auto& event : batch.event()) kept.push_back(*event.client_id().copy());
#if BREAK == 1
  std::vector<mortise::EventView> views;
  // error: deleted (function|copy constructor).*EventView
  for (const auto& event : batch.event()) views.push_back(event);
#endif
}
