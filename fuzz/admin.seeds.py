"""Writes corpus/admin/: requests of operators in the bytes that admin.cc reads. Run it after changing what the target reads."""
import pathlib


def ask(method, path, body="", **query):
    lines = "".join(f"{name}\n{value}\n" for name, value in query.items())
    return f"{method}{path}\n{lines}\n{body}".encode()


API = "/api/v1"
SEEDS = {
    "live": ask("G", "/health/live"),
    "ready": ask("G", "/health/ready"),
    "metrics": ask("G", "/metrics"),
    "description": ask("G", API + "/openapi.json"),
    "status": ask("G", API + "/status"),
    "clients": ask("G", API + "/clients", limit=1, client_id="one", namespace=""),
    "client": ask("G", API + "/clients/one%2F1"),
    "kick": ask("D", API + "/clients/one%2F1"),
    "sessions": ask("G", API + "/sessions", cursor="0-1", connected="false"),
    "end": ask("D", API + "/sessions/two", namespace="n"),
    "subscriptions": ask("G", API + "/sessions/two/subscriptions", cursor="a%2F%23"),
    "bans": ask("G", API + "/bans"),
    "ban": ask("P", API + "/bans", '{"kind": "client_id", "what": "x", "seconds": 60, "reason": "r"}'),
    "ban-network": ask("P", API + "/bans", '{"kind": "peer_address", "what": "10.0.0.0/8"}'),
    "unban": ask("D", API + "/bans/client_id/x"),
    "topics": ask("G", API + "/topics", of="subscriptions", under="a%2Fb", limit=3),
    "retained": ask("G", API + "/retained", filter="a%2F%2B", cursor="0:/a/b"),
    "get-retained": ask("G", API + "/retained/a%2Fb"),
    "delete-retained": ask("D", API + "/retained/a%2Fb"),
    "publish": ask("P", API + "/publish", '{"topic": "t", "payload": "p", "qos": 1, "retain": true, "properties": {"content_type": "x", '
                   '"user_properties": [["k", "v"]], "correlation_data_base64": "AP8=", "message_expiry_interval_seconds": 6}}'),
    "publish-binary": ask("P", API + "/publish", '{"topic": "t", "payload_base64": "/w==", "properties": {"user_properties": {"k": "v"}}}'),
    "publish-twice": ask("P", API + "/publish", '{"topic": "t", "topic": "u"}'),
    "plugins": ask("G", API + "/plugins"),
    "plugin": ask("G", API + "/plugins/p%221"),
    "listeners": ask("G", API + "/listeners"),
    "configuration": ask("G", API + "/configuration"),
    "reload": ask("P", API + "/reload"),
    "another-method": ask("X", API + "/reload"),
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "admin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in SEEDS.items():
        (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
