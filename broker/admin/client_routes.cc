#include <charconv>

#include "broker/admin/reports.h"
#include "broker/admin/routes.h"
#include "broker/base/bytes.h"

namespace mortise::admin {

namespace {

constexpr Parameter kLimit{"limit", ParameterType::kNumber, "Most items of a page, 1 to 1000; 100 without it."};
constexpr Parameter kCursor{"cursor", ParameterType::kText, "Where to go on: `next` of the page before."};
constexpr Parameter kNamespace{"namespace", ParameterType::kText, "The namespace of the client; empty without it."};

constexpr Parameter kListParameters[] = {
    kLimit,
    kCursor,
    {"client_id", ParameterType::kText, "Only whose client id has this in it."},
    {"user_name", ParameterType::kText, "Only whose user name has this in it."},
    {"namespace", ParameterType::kText, "Only who is in this namespace."},
    {"listener", ParameterType::kText, "Only who came by the listener with this url."},
    {"peer_address", ParameterType::kText, "Only who has this address."},
};
constexpr Parameter kSessionListParameters[] = {
    kListParameters[0], kListParameters[1],
    kListParameters[2], kListParameters[3],
    kListParameters[4], kListParameters[5],
    kListParameters[6], {"connected", ParameterType::kFlag, "Only who is connected, or who is not."},
};
constexpr Parameter kOneParameters[] = {kNamespace};
constexpr Parameter kSubscriptionParameters[] = {kNamespace, kLimit, kCursor};

Response no_session(const Call& call) {
  const std::string name_space = call.in_query("namespace");
  return error_response(404, "there is no session of client " + quoted(call.in_path("client_id"), 128) +
                                 (name_space.empty() ? "" : " in namespace " + quoted(name_space, 64)));
}

/// "2-517": a loop and a slot.
std::optional<SessionCursor> parse_cursor(const std::string& text, std::size_t loops) {
  SessionCursor cursor;
  const char* end = text.data() + text.size();
  const auto loop = std::from_chars(text.data(), end, cursor.loop);
  if (loop.ec != std::errc{} || loop.ptr == end || *loop.ptr != '-' || cursor.loop >= loops) return std::nullopt;
  const auto slot = std::from_chars(loop.ptr + 1, end, cursor.slot);
  if (slot.ec != std::errc{} || slot.ptr != end) return std::nullopt;
  return cursor;
}

core::SessionQuery query_of(const Call& call) {
  core::SessionQuery query;
  query.client_id = call.in_query("client_id");
  query.user_name = call.in_query("user_name");
  query.name_space = call.if_given("namespace");
  query.listener = call.in_query("listener");
  query.peer_address = call.in_query("peer_address");
  if (call.request.query.contains("connected")) query.is_connected = call.in_query("connected") == "true";
  return query;
}

Response list(const Call& call, const core::SessionQuery& query) {
  const auto most = page_size(call);
  if (!most) return error_response(400, most.error().message);
  SessionCursor from;
  if (const std::string text = call.in_query("cursor"); !text.empty()) {
    const auto parsed = parse_cursor(text, call.broker.loops());
    if (!parsed) return error_response(400, "the cursor " + quoted(text, 32) + " is none; use next of the page before");
    from = *parsed;
  }
  const Result<SessionList> found = call.broker.sessions(query, from, *most);
  if (!found) return unavailable(found.error());
  Json items = Json::array();
  for (const core::SessionReport& session : found->sessions) items.push_back(session_json(session));
  Json next;
  if (found->next) next = std::to_string(found->next->loop) + "-" + std::to_string(found->next->slot);
  return page_response(std::move(items), std::move(next));
}

Response list_clients(const Call& call) {
  core::SessionQuery query = query_of(call);
  query.is_connected = true;
  return list(call, query);
}

Response list_sessions(const Call& call) { return list(call, query_of(call)); }

Response one(const Call& call, bool is_client) {
  const auto found = call.broker.session(call.in_query("namespace"), call.in_path("client_id"));
  if (!found) return unavailable(found.error());
  if (!*found || (is_client && !(*found)->is_connected)) return no_session(call);
  return json_response(session_json(**found));
}

Response get_client(const Call& call) { return one(call, true); }
Response get_session(const Call& call) { return one(call, false); }

Response dismiss(const Call& call, bool ends_session) {
  core::Dismissal dismissal;
  dismissal.why = ends_session ? "session ended by an operator" : "disconnected by an operator";
  dismissal.ends_session = ends_session;
  const auto done = call.broker.dismiss(call.in_query("namespace"), call.in_path("client_id"), dismissal);
  if (!done) return unavailable(done.error());
  if (!done->was_connected && !done->ended_session) return no_session(call);
  return json_response({{"disconnected", done->was_connected}, {"session_ended", done->ended_session}});
}

Response kick_client(const Call& call) { return dismiss(call, false); }
Response end_session(const Call& call) { return dismiss(call, true); }

Response list_subscriptions(const Call& call) {
  const auto most = page_size(call);
  if (!most) return error_response(400, most.error().message);
  const auto found =
      call.broker.subscriptions(call.in_query("namespace"), call.in_path("client_id"), call.if_given("cursor"), *most);
  if (!found) return unavailable(found.error());
  if (!*found) return no_session(call);
  Json items = Json::array();
  for (const auto& subscription : (*found)->subscriptions) items.push_back(subscription_json(subscription));
  Json next;
  if (!(*found)->is_last) next = (*found)->subscriptions.back().filter;
  return page_response(std::move(items), std::move(next));
}

// ---- Bans -----------------------------------------------------------------------------------------------------------

bool is_same(const core::Ban& one, core::BanKind kind, const std::string& what) {
  return one.kind == kind && one.what == what;
}

Response list_bans(const Call& call) {
  Json items = Json::array();
  for (const core::Ban& ban : call.broker.bans()->bans()) items.push_back(ban_json(ban));
  return json_response({{"items", std::move(items)}});
}

/// Reads a ban from a body. Errors: what is wrong with it.
Result<core::Ban> read_ban(const std::string& body) {
  constexpr std::uint64_t kLongest = 10ULL * 366 * 86'400;
  Fields fields(body);
  core::Ban ban;
  const std::string kind = fields.required_text("kind");
  ban.what = fields.required_text("what");
  ban.reason = fields.text("reason").value_or("");
  const auto seconds = fields.number("seconds", 1, kLongest);
  if (const std::string wrong = fields.wrong(); !wrong.empty()) return failure(wrong);
  const auto known = kind_of(kind);
  if (!known)
    return failure("the field \"kind\" is " + quoted(kind, 32) + "; allowed: client_id, user_name, peer_address");
  ban.kind = *known;
  if (ban.what.empty() || ban.what.size() > 4096)
    return failure("the field \"what\" names nobody; allowed: 1 to 4096 bytes");
  if (ban.kind == core::BanKind::kPeerAddress && !IpNetwork::parse(ban.what))
    return failure("the field \"what\" is " + quoted(ban.what, 64) +
                   "; allowed: an address or a network like 10.0.0.0/8");
  if (ban.reason.size() > 1024) return failure("the field \"reason\" has more than 1024 bytes");
  if (seconds) ban.until = wall_now() + Seconds(static_cast<std::int64_t>(*seconds));
  return ban;
}

/// Those whose time is over leave with the next change.
std::vector<core::Ban> current_bans(const Call& call) {
  std::vector<core::Ban> bans = call.broker.bans()->bans();
  const WallTime now = wall_now();
  std::erase_if(bans, [now](const core::Ban& ban) { return ban.until <= now; });
  return bans;
}

Response add_ban(const Call& call) {
  const Result<core::Ban> ban = read_ban(call.request.body);
  if (!ban) return error_response(400, ban.error().message);
  std::vector<core::Ban> bans = current_bans(call);
  std::erase_if(bans, [&](const core::Ban& other) { return is_same(other, ban->kind, ban->what); });
  if (bans.size() >= core::BanList::kMost)
    return error_response(
        409, "there are " + std::to_string(core::BanList::kMost) + " bans already; lift some, or ban a network");
  bans.push_back(*ban);
  if (const Result<void> done = call.broker.set_bans(std::move(bans)); !done) return unavailable(done.error());
  return json_response(ban_json(*ban));
}

Response lift_ban(const Call& call) {
  const auto kind = kind_of(call.in_path("kind"));
  std::vector<core::Ban> bans = call.broker.bans()->bans();
  const bool is_there =
      kind && std::erase_if(bans, [&](const core::Ban& ban) { return is_same(ban, *kind, call.in_path("what")); }) > 0;
  if (!is_there)
    return error_response(
        404, "there is no ban of " + quoted(call.in_path("kind"), 32) + " " + quoted(call.in_path("what"), 128));
  if (const Result<void> done = call.broker.set_bans(std::move(bans)); !done) return unavailable(done.error());
  return json_response({{"lifted", true}});
}

constexpr unsigned kBanErrors[] = {400, 401, 409, 503};

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/clients", "Who is connected.", list_clients, kListParameters, nullptr, "SessionList", kListErrors},
    {"GET", "/api/v1/clients/{client_id}", "One client that is connected.", get_client, kOneParameters, nullptr,
     "Session", kOneErrors},
    {"DELETE", "/api/v1/clients/{client_id}",
     "Disconnects a client (Administrative action). It may come back, and finds its session.", kick_client,
     kOneParameters, nullptr, "Dismissed", kOneErrors},
    {"GET", "/api/v1/clients/{client_id}/subscriptions", "What a client subscribed to, by filter.", list_subscriptions,
     kSubscriptionParameters, nullptr, "SubscriptionList", kOneErrors},
    {"GET", "/api/v1/sessions", "Sessions, whether their clients are connected or not.", list_sessions,
     kSessionListParameters, nullptr, "SessionList", kListErrors},
    {"GET", "/api/v1/sessions/{client_id}", "One session.", get_session, kOneParameters, nullptr, "Session",
     kOneErrors},
    {"DELETE", "/api/v1/sessions/{client_id}",
     "Ends a session with its subscriptions and everything queued in it; its client is disconnected.", end_session,
     kOneParameters, nullptr, "Dismissed", kOneErrors},
    {"GET", "/api/v1/sessions/{client_id}/subscriptions", "The subscriptions of a session, by filter.",
     list_subscriptions, kSubscriptionParameters, nullptr, "SubscriptionList", kOneErrors},
    {"GET", "/api/v1/bans", "Who may not connect.", list_bans, {}, nullptr, "BanList", kListErrors},
    {"POST",
     "/api/v1/bans",
     "Bans a client id, a user name, or an address or network, in every namespace, and disconnects whom it is about.",
     add_ban,
     {},
     "NewBan",
     "Ban",
     kBanErrors},
    {"DELETE", "/api/v1/bans/{kind}/{what}", "Lifts a ban.", lift_ban, {}, nullptr, "Lifted", kOneErrors},
};

}  // namespace

Result<std::size_t> page_size(const Call& call) {
  constexpr std::size_t kMost = 1000, kUsual = 100;
  const std::string text = call.in_query("limit");
  if (text.empty()) return kUsual;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit < 1 || limit > kMost)
    return failure("the parameter limit is " + quoted(text, 32) + "; allowed: 1 to 1000");
  return limit;
}

StaticList<Route> client_routes() { return kRoutes; }

}  // namespace mortise::admin
