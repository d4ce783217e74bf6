#include "tests/broker/witness.h"

#include "broker/plugin_host/services.h"

namespace mortise::broker_tests {

namespace {

const mortise_view_v1& kView = plugin_host::kViewService;
constexpr std::size_t kComplaintsKept = 20;

std::string text_of(mortise_handle handle, std::uint32_t field) {
  mortise_bytes bytes{};
  if (kView.get_bytes(handle, field, &bytes) != MORTISE_OK) return "(none)";
  return std::string(bytes.data, bytes.size);
}

std::string number_of(mortise_handle handle, std::uint32_t field) {
  std::uint64_t number = 0;
  if (kView.get_u64(handle, field, &number) != MORTISE_OK) return "(none)";
  return std::to_string(number);
}

std::string tag_of(mortise_handle handle, std::uint32_t field) {
  mortise_bytes key{}, value{};
  if (kView.get_pair(handle, field, 0, &key, &value) != MORTISE_OK) return "(none)";
  return std::string(value.data, value.size);
}

std::string payload_of(mortise_handle handle) {
  char buffer[256];
  std::uint64_t copied = 0;
  if (kView.copy(handle, MORTISE_FIELD_ACCESS_PAYLOAD, 0, buffer, sizeof buffer, &copied) != MORTISE_OK)
    return "(none)";
  return std::string(buffer, copied);
}

}  // namespace

bool is_helper(std::string_view client_id) { return client_id.starts_with("helper-"); }

void Witness::expect(const std::string& user, Identity identity) {
  const std::lock_guard lock(mutex_);
  identities_.emplace(user, std::move(identity));
}

const Identity* Witness::find(const std::string& user, const char* where) {
  const auto found = identities_.find(user);
  if (found != identities_.end()) return &found->second;
  ++complaint_count_;
  if (complaints_.size() < kComplaintsKept) complaints_.push_back(std::string(where) + ": nobody is called " + user);
  return nullptr;
}

void Witness::expect_equal(const std::string& seen, const std::string& expected, const char* what,
                           const std::string& user) {
  if (seen == expected) return;
  ++complaint_count_;
  if (complaints_.size() >= kComplaintsKept) return;
  complaints_.push_back(std::string(what) + " of " + user + " is " + seen + " instead of " + expected);
}

void Witness::complain(const std::string& what) {
  const std::lock_guard lock(mutex_);
  ++complaint_count_;
  if (complaints_.size() < kComplaintsKept) complaints_.push_back(what);
}

void Witness::check_connect(mortise_handle call, const char* where, const std::string& user) {
  const Identity* identity = find(user, where);
  if (identity == nullptr) return;
  expect_equal(text_of(call, MORTISE_FIELD_CONNECT_USER_NAME), user, "user name", user);
  expect_equal(text_of(call, MORTISE_FIELD_CONNECT_CLIENT_ID), identity->client_id, "client id", user);
  expect_equal(text_of(call, MORTISE_FIELD_CONNECT_PASSWORD), "password of " + user, "password", user);
  expect_equal(number_of(call, MORTISE_FIELD_CONNECT_PEER_PORT), std::to_string(identity->peer_port), "port", user);
  expect_equal(number_of(call, MORTISE_FIELD_CONNECT_PROTOCOL_VERSION), std::to_string(identity->protocol_version),
               "version", user);
  if (identity->has_tag) expect_equal(tag_of(call, MORTISE_FIELD_CONNECT_USER_PROPERTIES), user, "tag", user);
  if (identity->has_will)
    expect_equal(text_of(call, MORTISE_FIELD_CONNECT_WILL_TOPIC), "will/" + user, "will topic", user);
}

std::string Witness::see_connect(mortise_handle call) {
  const std::lock_guard lock(mutex_);
  const std::string user = text_of(call, MORTISE_FIELD_CONNECT_USER_NAME);
  check_connect(call, "authenticate", user);
  return user;
}

void Witness::see_retained_connect(mortise_handle owned, const std::string& user) {
  const std::lock_guard lock(mutex_);
  check_connect(owned, "a retained CONNECT", user);
}

void Witness::check_principal(mortise_handle principal, const char* where, std::string& user) {
  user = text_of(principal, MORTISE_FIELD_PRINCIPAL_USER_NAME);
  const Identity* identity = find(user, where);
  if (identity == nullptr) return;
  ++principals_seen_;
  expect_equal(text_of(principal, MORTISE_FIELD_PRINCIPAL_CLIENT_ID), identity->client_id, "client id", user);
  expect_equal(number_of(principal, MORTISE_FIELD_PRINCIPAL_PEER_PORT), std::to_string(identity->peer_port), "port",
               user);
  expect_equal(text_of(principal, MORTISE_FIELD_PRINCIPAL_PEER_ADDRESS), "127.0.0.1", "address", user);
  expect_equal(number_of(principal, MORTISE_FIELD_PRINCIPAL_PROTOCOL_VERSION),
               std::to_string(identity->protocol_version), "version", user);
  if (identity->has_tag) expect_equal(tag_of(principal, MORTISE_FIELD_PRINCIPAL_USER_PROPERTIES), user, "tag", user);
  std::uint64_t epoch = 0;
  kView.get_u64(principal, MORTISE_FIELD_PRINCIPAL_SESSION_EPOCH, &epoch);
  // One epoch for each connection, and no two connections with the same.
  expect_equal(std::to_string(epoch_of_user_.emplace(user, epoch).first->second), std::to_string(epoch), "epoch", user);
  expect_equal(user_of_epoch_.emplace(epoch, user).first->second, user, "whose epoch", user);
}

std::string Witness::see_access(mortise_handle call) {
  const std::lock_guard lock(mutex_);
  std::string user;
  mortise_handle principal = 0;
  kView.get_child(call, MORTISE_FIELD_ACCESS_PRINCIPAL, 0, &principal);
  check_principal(principal, "authorize", user);
  const Identity* identity = find(user, "authorize");
  if (identity == nullptr || is_helper(identity->client_id)) return user;
  const std::string asked = text_of(call, MORTISE_FIELD_ACCESS_ORIGINAL_TOPIC);
  expect_equal(text_of(call, MORTISE_FIELD_ACCESS_TOPIC), identity->client_id + "/" + asked, "routed topic", user);
  const std::string action = number_of(call, MORTISE_FIELD_ACCESS_ACTION);
  if (action == std::to_string(MORTISE_ACTION_WILL)) {
    expect_equal(asked, "will/" + user, "will topic", user);
    expect_equal(payload_of(call), "last words of " + user, "will payload", user);
  } else if (action == std::to_string(MORTISE_ACTION_PUBLISH)) {
    expect_equal(asked, "pub/" + user, "topic", user);
    expect_equal(payload_of(call), "by " + user, "payload", user);
  } else {
    expect_equal(asked == "+" ? "flood" : asked, "flood", "filter", user);
  }
  return user;
}

std::string Witness::see_bind(mortise_handle call) {
  const std::lock_guard lock(mutex_);
  std::string user;
  mortise_handle principal = 0;
  kView.get_child(call, MORTISE_FIELD_BIND_PRINCIPAL, 0, &principal);
  check_principal(principal, "bind", user);
  return user;
}

void Witness::see_events(mortise_handle call) {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  kView.get_count(call, MORTISE_FIELD_EVENTS_EVENT, &count);
  for (std::uint64_t i = 0; i < count; ++i) {
    mortise_handle event = 0;
    if (kView.get_child(call, MORTISE_FIELD_EVENTS_EVENT, i, &event) != MORTISE_OK) continue;
    const std::string user = text_of(event, MORTISE_FIELD_EVENT_USER_NAME);
    const std::string client_id = text_of(event, MORTISE_FIELD_EVENT_CLIENT_ID);
    // Events are batched: those of an earlier phase may come when its connections are forgotten already.
    const auto found = identities_.find(user);
    if (found != identities_.end()) expect_equal(client_id, found->second.client_id, "client id in an event", user);
  }
}

void Witness::see_will(std::string_view client_id, const std::string& user, std::string_view payload) {
  const std::lock_guard lock(mutex_);
  const Identity* identity = find(user, "a Will");
  if (identity == nullptr) return;
  ++wills_seen_;
  expect_equal(std::string(client_id), identity->client_id, "client id in the Will's topic", user);
  expect_equal(std::string(payload), "last words of " + user, "Will", user);
  expect_equal(wills_.insert(user).second ? "first" : "second", "first", "Will", user);
  expect_equal(refused_.contains(user) ? "refused" : "accepted", "accepted", "CONNECT with a Will", user);
}

void Witness::see_published(std::string_view client_id, const std::string& user, std::string_view payload) {
  const std::lock_guard lock(mutex_);
  const Identity* identity = find(user, "a message");
  if (identity == nullptr) return;
  expect_equal(std::string(client_id), identity->client_id, "client id in the topic", user);
  expect_equal(std::string(payload), "by " + user, "message", user);
}

void Witness::see_refused(const std::string& user) {
  const std::lock_guard lock(mutex_);
  refused_.insert(user);
  expect_equal(wills_.contains(user) ? "published" : "unsaid", "unsaid", "Will of a refused CONNECT", user);
}

std::vector<std::string> Witness::complaints() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all = complaints_;
  if (complaint_count_ > all.size()) all.push_back("... " + std::to_string(complaint_count_) + " in all");
  return all;
}

std::size_t Witness::principals_seen() const {
  const std::lock_guard lock(mutex_);
  return principals_seen_;
}

std::size_t Witness::wills_seen() const {
  const std::lock_guard lock(mutex_);
  return wills_seen_;
}

void Witness::forget() {
  const std::lock_guard lock(mutex_);
  identities_.clear();
  user_of_epoch_.clear();
  epoch_of_user_.clear();
  wills_.clear();
  refused_.clear();
}

}  // namespace mortise::broker_tests
