// Requests of operators, arbitrary: whatever is in them, each is answered with one of the statuses that its route has,
// and JSON; and what is published is a message that MQTT allows. Layout: a letter for the method; the path up to a line
// feed; names and values of the query, each up to a line feed, up to an empty line; the body.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/admin/routes.h"
#include "broker/mqtt/topic.h"
#include "tests/unit/admin/fake_broker.h"

namespace {

using namespace mortise;

void must(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

const char* method_of(char letter) {
  switch (letter) {
    case 'D':
      return "DELETE";
    case 'P':
      return "POST";
    case 'X':
      return "PATCH";
    default:
      return "GET";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest = as_text(ByteView(bytes, size));
  if (rest.empty()) return 0;
  admin::Request request;
  request.method = method_of(rest.front());
  rest.remove_prefix(1);
  auto path = admin::split_path(take_line(rest));
  if (!path) return 0;
  request.path = std::move(*path);
  for (std::string_view name = take_line(rest); !name.empty(); name = take_line(rest)) {
    const auto value = admin::percent_decoded(take_line(rest));
    if (!value) return 0;
    request.query.emplace(name, *value);
  }
  request.body = rest;

  admin::testing::FakeBroker broker;
  const admin::Response response = admin::answer(request, broker);
  static const std::set<unsigned> kStatuses = {200, 202, 400, 404, 405, 409, 503};
  must(kStatuses.contains(response.status));
  if (response.content_type == "application/json") {
    const auto parsed = nlohmann::json::parse(response.body, nullptr, false);
    must(parsed.is_object() && parsed.contains("error") == (response.status >= 400));
  }
  for (const mqtt::MessagePtr& message : broker.published)
    must(mqtt::check_topic_name(message->topic(), {0, mqtt::kMaximumStringSize}).ok() &&
         !message->topic().starts_with('$'));
  must(broker.bans()->bans().size() <= 1);
  return 0;
}
