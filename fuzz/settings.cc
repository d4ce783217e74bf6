// Any text is a configuration or one line that says why not. What was accepted is accepted again, and has what
// everybody relies on.

#include "broker/config/settings.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/base/check.h"

namespace {

constexpr std::size_t kLargestInput = 64u << 10;

void check_error(const std::string& message) {
  CHECK(message.starts_with("fuzz.yaml:"));
  CHECK(message.size() < 4096);
  CHECK(std::all_of(message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; }));
}

void check_settings(const mortise::config::Settings& settings) {
  CHECK(!settings.listeners.empty());
  CHECK(mortise::config::check_exposure(settings, [&](const mortise::config::ListenerSettings& listener) {
    return !mortise::config::auth_chain(settings, listener).empty();
  }));
  CHECK(settings.data_dir.is_absolute());
  CHECK(settings.mqtt.receive_maximum > 0);
  CHECK(settings.mqtt.max_packet_size > 0);
  CHECK(settings.session.queue.max_messages > 0);
  CHECK(settings.session.expiry_interval_max.count() <= 0xFFFFFFFF);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kLargestInput) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto settings = mortise::config::parse(text, "fuzz.yaml", "/nonexistent/plugins");
  if (!settings) {
    check_error(settings.error().message);
  } else {
    check_settings(**settings);
  }
  return 0;
}
