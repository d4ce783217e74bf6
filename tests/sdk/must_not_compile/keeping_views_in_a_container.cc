#include <mortise/plugin.hpp>
void use(const mortise::EventBatchView& batch) {
  std::vector<std::string> kept;
  for (const auto& event : batch.event()) kept.push_back(*event.client_id().copy());
#ifdef BREAK
  std::vector<mortise::EventView> views;
  for (const auto& event : batch.event()) views.push_back(event);
#endif
}
