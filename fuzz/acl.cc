// ACL files of auth-file, arbitrary and almost right: a text is rules or one line that says why not, and what the rules
// say of a part agrees with what they say of the whole. Layout: the file, 0xFF, a client id, 0xFF, a user name, 0xFF,
// then topics and filters with 0xFF between them.
#include "plugins/auth-file/acl.h"

#include <cstdint>
#include <cstdlib>
#include <mortise/topics.hpp>

namespace auth_file {
namespace {

constexpr std::size_t kMostTopics = 8;

void must(bool holds) {
  if (!holds) std::abort();
}

std::string_view take(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\xFF'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool is_topic_name(std::string_view topic) { return topic.find_first_of("+#") == std::string_view::npos; }

/// Whether a subscription that was answered like this is sent this topic.
bool delivers(const Verdict& subscribed, std::string_view topic) {
  for (const Verdict::Part& part : subscribed.parts) {
    if (mortise::covers(part.filter, topic)) return part.allows;
  }
  return true;
}

void check_error(const std::string& error) {
  must(error.rfind("acl.yaml:", 0) == 0 && error.find('\n') == std::string::npos);
}

/// What may be cached of the answer to `topic` is right of `other`.
void check_cache(const Acl& acl, const ClientView& client, std::string_view topic, std::string_view other) {
  const Verdict verdict = acl.publish(topic, client);
  if (verdict.cache_filter.empty()) return;
  must(mortise::covers(verdict.cache_filter, topic));
  if (mortise::covers(verdict.cache_filter, other)) must(acl.publish(other, client).is_allowed == verdict.is_allowed);
}

/// Nobody reads through a wildcard what is denied, or is denied what is not.
void check_subscribe(const Acl& acl, const ClientView& client, std::string_view filter, std::string_view topic) {
  const Verdict whole = acl.subscribe(filter, client);
  if (!whole.is_allowed) {
    must(whole.parts.empty());
  } else if (mortise::covers(filter, topic)) {
    must(delivers(whole, topic) == acl.subscribe(topic, client).is_allowed);
  }
}

}  // namespace

void run_input(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(bytes), size);
  const std::string text(take(rest));
  ClientView client;
  client.client_id = take(rest);
  const std::string_view user = take(rest);
  if (!user.empty()) client.user_name = user;
  std::vector<std::string_view> topics;
  while (!rest.empty() && topics.size() < kMostTopics) {
    const std::string_view topic = take(rest);
    if (mortise::is_filter(topic)) topics.push_back(topic);
  }
  std::string error;
  const auto acl = Acl::parse(text, "acl.yaml", error);
  if (!acl) return check_error(error);
  (void)acl->warnings();
  for (const std::string_view filter : topics) {
    for (const std::string_view topic : topics) {
      if (!is_topic_name(topic)) continue;
      check_subscribe(*acl, client, filter, topic);
      if (is_topic_name(filter)) check_cache(*acl, client, filter, topic);
    }
  }
}

}  // namespace auth_file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  auth_file::run_input(bytes, size);
  return 0;
}
