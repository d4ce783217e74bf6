#include "broker/cli/ctl_commands.h"

namespace mortise::cli {

namespace {

using enum CtlPlace;

constexpr CtlOption kNamespace{"--namespace", "namespace", kQuery, "The client's namespace"};
constexpr CtlOption kWhose[] = {kNamespace};
constexpr CtlOption kList[] = {
    {"--client-id", "client_id", kQuery, "Only whose client id has this in it"},
    {"--user", "user_name", kQuery, "Only whose user name has this in it"},
    {"--namespace", "namespace", kQuery, "Only who is in this namespace"},
    {"--listener", "listener", kQuery, "Only who came by the listener with this url"},
    {"--address", "peer_address", kQuery, "Only who has this address"},
};
constexpr CtlOption kSessions[] = {
    kList[0], kList[1], kList[2],
    kList[3], kList[4], {"--connected", "connected", kQuery, "true: only who is connected; false: who is not"},
};
constexpr CtlOption kTopics[] = {
    {"--under", "under", kQuery, "The levels above, as in a/b"},
    {"--of", "of", kQuery, "retained (the default) or subscriptions"},
};
constexpr CtlOption kRetained[] = {{"--filter", "filter", kQuery, "A Topic Filter; # without it"}};
constexpr CtlOption kBan[] = {
    {"--kind", "kind", kField, "client_id, user_name or peer_address", true},
    {"--what", "what", kField, "The client id, user name, address or network", true},
    {"--for", "seconds", kSeconds, "How long, as in 90s, 10m, 24h, 7d; for ever without it"},
    {"--reason", "reason", kField, "For the list"},
};
constexpr CtlOption kPublish[] = {
    {"-t,--topic", "topic", kField, "The Topic Name", true},
    {"-m,--message", "payload", kField, "The payload; nothing without it"},
    {"-q,--qos", "qos", kNumber, "0, 1 or 2"},
    {"-r,--retain", "retain", kFlag, "Retain it"},
};

constexpr const char* kClientColumns =
    "client_id user_name namespace protocol_version peer_address subscriptions queued_messages";
constexpr const char* kSessionColumns =
    "client_id user_name namespace connected session_expires_at subscriptions queued_messages";
constexpr const char* kSubscriptionColumns = "filter maximum_qos no_local routed_filter";

constexpr CtlCommand kCommands[] = {
    {"status", "What the broker is and holds", "GET", "/api/v1/status", {}, nullptr},
    {"clients", "Who is connected", "GET", "/api/v1/clients", kList, kClientColumns, true},
    {"client", "One client that is connected", "GET", "/api/v1/clients/{client-id}", kWhose, nullptr},
    {"kick", "Disconnects a client; it may come back", "DELETE", "/api/v1/clients/{client-id}", kWhose, nullptr},
    {"sessions", "Sessions, whether their clients are connected or not", "GET", "/api/v1/sessions", kSessions,
     kSessionColumns, true},
    {"session", "One session", "GET", "/api/v1/sessions/{client-id}", kWhose, nullptr},
    {"end-session", "Ends a session with everything in it", "DELETE", "/api/v1/sessions/{client-id}", kWhose, nullptr},
    {"subscriptions", "What a client subscribed to", "GET", "/api/v1/sessions/{client-id}/subscriptions", kWhose,
     kSubscriptionColumns, true},
    {"bans", "Who may not connect", "GET", "/api/v1/bans", {}, "kind what until reason"},
    {"ban", "Bans a client id, a user name, an address or a network", "POST", "/api/v1/bans", kBan, nullptr},
    {"unban", "Lifts a ban", "DELETE", "/api/v1/bans/{kind}/{what}", {}, nullptr},
    {"topics", "The topic levels right below one place", "GET", "/api/v1/topics", kTopics, "level here has_more_below",
     true},
    {"retained", "Retained messages that a filter matches", "GET", "/api/v1/retained", kRetained,
     "topic qos payload_bytes received_at", true},
    {"get-retained", "One retained message", "GET", "/api/v1/retained/{topic}", {}, nullptr},
    {"delete-retained", "Deletes a retained message", "DELETE", "/api/v1/retained/{topic}", {}, nullptr},
    {"publish", "Publishes a message", "POST", "/api/v1/publish", kPublish, nullptr},
    {"plugins", "Plugins and their hooks", "GET", "/api/v1/plugins", {}, "name plugin version run hooks"},
    {"plugin", "One plugin with what was counted", "GET", "/api/v1/plugins/{name}", {}, nullptr},
    {"listeners", "Where Clients connect", "GET", "/api/v1/listeners", {}, "url connections"},
    {"configuration", "The configuration that runs", "GET", "/api/v1/configuration", {}, nullptr},
    {"reload", "Reads configuration, certificates and plugins' files again", "POST", "/api/v1/reload", {}, nullptr},
    {"ready", "Whether Clients are served", "GET", "/health/ready", {}, nullptr},
    {"metrics", "What Prometheus is told", "GET", "/metrics", {}, nullptr},
};

}  // namespace

StaticList<CtlCommand> ctl_commands() { return kCommands; }

}  // namespace mortise::cli
