"""The API of operators over HTTP, `mortise ctl`, metrics, bans and reload, with a real broker and real clients."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

import jsonschema

import support
from admin_api import Api
from wire import Stream, Wire, packet, text

ADMIN = {"url": "http://127.0.0.1:0"}


class AdminTest(support.BrokerTest):
    def start(self, **config):
        self.start_broker(**{"admin": ADMIN, **config})
        self.api = Api(self.broker)
        return self.api

    def until(self, holds):
        end = time.monotonic() + support.DEADLINE
        while not (found := holds()):
            self.assertLess(time.monotonic(), end, "it did not happen")
            time.sleep(0.01)
        return found

    def ctl(self, *arguments, status=0):
        done = support.run(support.MORTISE, "ctl", "-c", self.broker.file, *arguments)
        self.assertEqual(done.returncode, status, (arguments, done.stdout, done.stderr))
        return done.stdout if status == 0 else done.stderr

    def persistent(self, client_id):
        """A 3.1.1 client that keeps its session."""
        return self.keep(Wire(self.broker.port, client_id, clean=False))

    def keep(self, client):
        self.addCleanup(client.socket.close)
        return client

    def certificate(self, name):
        """a.pem and a.key, for localhost; the text of the first."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "a.key",
                        "-out", "a.pem", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"],
                       cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "a.pem").read_text()

    def subscribe(self, client, filter_text, qos=1):
        client.socket.sendall(packet(0x82, b"\x00\x01" + text(filter_text) + bytes([qos])))
        first_byte, body = client.receive()
        self.assertEqual((first_byte, body[2]), (0x90, qos))


class Access(AdminTest):
    def test_nothing_is_told_without_the_token(self):
        api = self.start()
        self.assertEqual(os.stat(self.broker.folder / "data" / "admin.token").st_mode & 0o777, 0o600)
        for path, operations in api.description["paths"].items():
            for method, operation in operations.items():
                is_open = operation.get("security") == []
                for token in (None, "wrong", api.token[:-1], api.token + "x"):
                    status, answer = api.raw(method.upper(), path.replace("{", "").replace("}", ""), token=token)
                    self.assertEqual(status == 401, not is_open, (method, path, token, answer))
        for header in ("Basic " + api.token, api.token, "Bearer", "Bearer  " + api.token):
            self.assertEqual(api.raw("GET", "/api/v1/status", token=None, headers={"Authorization": header})[0], 401, header)
        self.assertEqual(api.raw("GET", "/api/v1/status", token=None, headers={"Authorization": "bearer " + api.token})[0], 200)
        self.assertEqual(api.raw("GET", "/metrics", token=None)[0], 401)

    def test_metrics_may_be_open_and_the_token_is_kept(self):
        self.start(admin={**ADMIN, "open_metrics": True})
        self.assertEqual(self.api.raw("GET", "/metrics", token=None)[0], 200)
        self.assertEqual(self.api.raw("GET", "/api/v1/status", token=None)[0], 401)
        first = self.api.token
        self.assertEqual(self.broker.stop(), 0)
        self.broker.start()
        self.assertEqual(Api(self.broker).token, first)

    def test_tls_needs_a_certificate_that_is_trusted(self):
        self.certificate("localhost")
        self.start_broker(admin={"url": "https://localhost:0", "tls": {"certificate": "a.pem", "key": "a.key"}})
        api = Api(self.broker, ca=self.folder / "a.pem")
        self.assertEqual(api.get("/health/ready"), {"status": "ready"})
        self.assertIn("version: ", self.ctl("status"))
        with self.assertRaises(ssl.SSLError):
            Api(self.broker, ca="/etc/ssl/certs/ca-certificates.crt" if os.path.exists("/etc/ssl/certs/ca-certificates.crt") else None)
        (self.folder / "other.pem").write_text((self.folder / "a.pem").read_text())
        refused = support.run(support.MORTISE, "ctl", "--url", f"http://localhost:{api.port}", "--token-file",
                              self.folder / "data" / "admin.token", "status")
        self.assertEqual(refused.returncode, 1, refused.stdout)

    def test_what_is_no_http_and_who_says_nothing_costs_nothing(self):
        api = self.start(admin={**ADMIN, "max_body": "1KiB"})
        for junk in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 4096, b"POST /api/v1/publish HTTP/1.1\r\n",
                     b"GET /" + b"%41" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a%4 HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", api.port), 60) as stranger:
                stranger.sendall(junk)
        status, answer = api.raw("POST", "/api/v1/publish", json.dumps({"topic": "t", "payload": "x" * 2000}))
        self.assertEqual(status, 413, answer)
        self.assertIn("admin.max_body", answer)
        self.assertEqual(api.get("/health/live"), {"status": "live"})

    def test_strangers_who_say_nothing_make_room_for_operators(self):
        self.start_broker(admin={**ADMIN, "max_connections": 2})
        self.api = api = Api(self.broker)
        operator = api.connect()
        self.addCleanup(operator.close)
        def ask():
            operator.request("GET", "/api/v1/status", headers={"Authorization": f"Bearer {api.token}"})
            return operator.getresponse().read()
        ask()
        strangers = [socket.create_connection(("127.0.0.1", api.port), 60) for _ in range(4)]
        for stranger in strangers:
            self.addCleanup(stranger.close)
            stranger.sendall(b"GET /health")
        self.assertEqual(api.get("/health/live"), {"status": "live"})
        for stranger in strangers:
            self.assertEqual(stranger.recv(1), b"", "it is sent away by who comes after it")
        self.assertIn(b"uptime", ask(), "who has shown the token stays")

    def test_paths_and_queries_are_decoded_once(self):
        api = self.start()
        self.assertEqual(api.raw("GET", "/api/v1/clients/%")[0], 400)
        self.assertEqual(api.raw("GET", "/api/v1/clients?limit=%zz")[0], 400)
        self.assertEqual(api.raw("GET", "/api/v1/clients?limit=1&limit=2")[0], 400)
        self.assertEqual(api.raw("HEAD", "/api/v1/status"), (200, ""))
        client = self.persistent("a/b %2F\"#")
        self.assertEqual(api.get("/api/v1/clients/" + urllib.parse.quote("a/b %2F\"#", safe=""))["client_id"], "a/b %2F\"#")
        client.socket.close()


class Clients(AdminTest):
    def test_who_is_connected_is_listed_in_pages_kicked_and_ended(self):
        api = self.start()
        clients = [self.persistent(f"client-{number}") for number in range(25)]
        self.subscribe(clients[3], "a/#")
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get("/api/v1/clients?limit=10" + (f"&cursor={cursor}" if cursor else ""))
            seen += [client["client_id"] for client in page["items"]]
            cursor = page["next"]
        self.assertEqual(sorted(seen), sorted(f"client-{number}" for number in range(25)))
        self.assertEqual([client["client_id"] for client in api.get("/api/v1/clients?client_id=-3")["items"]], ["client-3"])
        self.assertEqual(api.get("/api/v1/clients?user_name=nobody")["items"], [])
        self.assertEqual(api.get("/api/v1/clients/client-3/subscriptions")["items"][0]["filter"], "a/#")

        self.assertEqual(api.ask("DELETE", "/api/v1/clients/client-3"), (200, {"disconnected": True, "session_ended": False}))
        with self.assertRaises(ConnectionError):
            clients[3].receive()
        self.assertFalse(api.get("/api/v1/sessions/client-3")["connected"])
        self.assertEqual(api.ask("GET", "/api/v1/clients/client-3")[0], 404)
        self.assertTrue(self.persistent("client-3").session_present)
        self.assertEqual(api.ask("DELETE", "/api/v1/sessions/client-3")[0], 200)
        self.assertFalse(self.persistent("client-3").session_present)
        self.assertEqual(api.ask("DELETE", "/api/v1/sessions/nobody")[0], 404)

    def test_a_ban_ends_the_connection_keeps_out_and_outlives_the_broker(self):
        api = self.start()
        client = self.persistent("bad")
        status, ban = api.ask("POST", "/api/v1/bans", {"kind": "client_id", "what": "bad", "seconds": 3600, "reason": "abuse"})
        self.assertEqual((status, ban["reason"]), (200, "abuse"))
        with self.assertRaises(ConnectionError):
            client.receive()
        for _ in range(2):
            stream = self.keep(Stream(self.broker.port))
            stream.socket.sendall(packet(0x10, text("MQTT") + bytes([5, 2, 0, 0, 0]) + text("bad")))
            self.assertEqual(stream.receive()[1][1], 0x8A)
            self.persistent("good").socket.close()
            self.assertEqual(self.broker.stop(), 0)
            self.broker.start()
        api = Api(self.broker)
        self.assertEqual(api.ask("DELETE", "/api/v1/bans/client_id/bad")[0], 200)
        self.persistent("bad").socket.close()
        self.assertEqual(api.ask("POST", "/api/v1/bans", {"kind": "peer_address", "what": "127.0.0.0/8"})[0], 200)
        stream = self.keep(Stream(self.broker.port))
        stream.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text("good")))
        self.assertEqual(stream.receive(), (0x20, b"\0\5"))

    def test_json_of_the_wrong_type_changes_nothing(self):
        api = self.start()
        for body in ("", "[]", "null", "1", "\"x\"", "{", "{}", '{"kind": 1, "what": 2}', '{"kind": "client_id", "what": null}',
                     '{"kind": "client_id", "what": "x", "seconds": "1"}', '{"kind": "client_id", "what": "x", "seconds": -1}',
                     '{"kind": "client_id", "what": {}}', "[" * 100000, '{"kind": "client_id", "what": "x", "what": "y"}'):
            status, answer = api.ask("POST", "/api/v1/bans", body)
            self.assertEqual(status, 400, (body[:50], answer))
            self.assertEqual(api.ask("POST", "/api/v1/publish", body)[0], 400, body[:50])
        self.assertEqual(api.get("/api/v1/bans"), {"items": []})


class Bodies(AdminTest):
    OF_EVERY_TYPE = (None, True, 1, -1, 1.5, 10**30, "x", [], {}, [1], [["x"]], [["x", 1]], [["x", "y", "z"]], {"x": 1}, {"x": None}, {"x": ["y"]})

    def resolved(self, schema):
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.api.description["components"]["schemas"][name] if name else schema

    def is_valid(self, value, schema):
        try:
            self.api.check(value, schema)
            return True
        except jsonschema.ValidationError:
            return False

    def least(self, schema):
        """The smallest body that this schema describes."""
        properties = schema.get("properties", {})
        return {name: self.resolved(properties[name]).get("enum", ["x"])[0] for name in schema.get("required", [])}

    def wrong_bodies(self, schema, around=lambda inner: inner, place=""):
        """Bodies with one field that is wrong, whichever that is, and the field's name."""
        schema = self.resolved(schema)
        for name, of_field in schema.get("properties", {}).items():
            for value in self.OF_EVERY_TYPE:
                if not self.is_valid(value, of_field):
                    yield around({**self.least(schema), name: value}), place + name
            inside = lambda inner, name=name: around({**self.least(schema), name: inner})
            yield from self.wrong_bodies(of_field, inside, f"{place}{name}.")
        if schema.get("additionalProperties") is False:
            yield around({**self.least(schema), "unheard_of": 1}), place + "unheard_of"

    def test_each_field_of_each_body_refuses_each_wrong_type_by_its_name(self):
        api = self.start()
        watch = self.persistent("watch")
        self.subscribe(watch, "#")
        asked = set()
        for path, operations in api.description["paths"].items():
            for method, operation in operations.items():
                if "requestBody" not in operation:
                    continue
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                for body in self.OF_EVERY_TYPE:
                    if not isinstance(body, dict):
                        self.assertEqual(api.ask(method.upper(), path, json.dumps(body))[0], 400, body)
                for body, field in self.wrong_bodies(schema):
                    with self.subTest(path=path, body=body):
                        status, answer = api.ask(method.upper(), path, body)
                        self.assertEqual(status, 400, answer)
                        self.assertRegex(answer["error"]["message"], f'"{re.escape(field)}["."]')
                    asked.add((path, field))
        self.assertLessEqual({("/api/v1/bans", "seconds"), ("/api/v1/publish", "retain"), ("/api/v1/publish", "properties.user_properties")}, asked)
        self.assertEqual(api.get("/api/v1/bans"), {"items": []})
        self.assertEqual(api.get("/api/v1/retained")["items"], [])
        watch.socket.sendall(packet(0xC0, b""))
        self.assertEqual(watch.receive()[0], 0xD0, "nothing was published")


class Topics(AdminTest):
    def test_messages_are_published_retained_listed_and_deleted(self):
        api = self.start()
        subscriber = self.persistent("s")
        self.subscribe(subscriber, "#")
        self.assertEqual(api.ask("POST", "/api/v1/publish", {"topic": "a/b", "payload": "hé", "qos": 1, "retain": True,
                                                             "properties": {"content_type": "text/plain", "user_properties": {"k": "v"}}})[0], 202)
        first_byte, body = subscriber.receive()
        self.assertEqual((first_byte & 0xF6, body[2:5], body[7:]), (0x32, b"a/b", "hé".encode()))
        message = api.get("/api/v1/retained/a%2Fb")
        self.assertEqual((message["payload"], message["properties"]["user_properties"]), ("hé", [["k", "v"]]))
        for number in range(30):
            api.ask("POST", "/api/v1/publish", {"topic": f"many/{number}", "payload_base64": "/w==", "retain": True})
        self.until(lambda: len(api.get("/api/v1/retained?filter=many/%23&limit=1000")["items"]) == 30)
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get("/api/v1/retained?filter=many/%2B&limit=7" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
            seen += [message["topic"] for message in page["items"]]
            cursor = page["next"]
        self.assertEqual(sorted(seen), sorted(f"many/{number}" for number in range(30)))
        self.assertIn({"level": "many", "here": 0, "has_more_below": True}, api.get("/api/v1/topics")["items"])
        self.assertEqual(api.get("/api/v1/topics?of=subscriptions")["items"], [{"level": "#", "here": 1, "has_more_below": False}])
        self.assertEqual(len(api.get("/api/v1/topics?under=many&limit=1000")["items"]), 30)
        self.assertEqual(api.ask("DELETE", "/api/v1/retained/a%2Fb")[0], 202)
        self.until(lambda: api.ask("GET", "/api/v1/retained/a%2Fb")[0] == 404)


class Node(AdminTest):
    def test_metrics_count_what_happened(self):
        api = self.start()
        client = self.persistent("m")
        for _ in range(5):
            client.socket.sendall(packet(0x30, text("t") + b"x"))
        self.until(lambda: "mortise_publishes_received_total 5\n" in api.raw("GET", "/metrics")[1])
        metrics = api.raw("GET", "/metrics")[1]
        self.assertIn("mortise_clients_connected 1\n", metrics)
        self.assertIn(f'mortise_listener_connections{{url="tcp://127.0.0.1:{self.broker.port}"}} 1\n', metrics)
        self.assertEqual(api.get("/api/v1/status")["clients"], 1)
        self.assertEqual(api.get("/api/v1/listeners")["items"][0]["connections"], 1)
        self.assertEqual(api.get("/api/v1/configuration")["admin"]["max_connections"], 32)

    def test_the_dashboard_asks_only_for_metrics_that_there_are(self):
        api = self.start()
        names = {line.split("{")[0].split(" ")[0] for line in api.raw("GET", "/metrics")[1].splitlines() if not line.startswith("#")}
        folder = support.pathlib.Path(__file__).resolve().parents[2] / "conf"
        dashboard = (folder / "grafana-dashboard.json").read_text()
        json.loads(dashboard)
        asked = set(support.re.findall(r"mortise_[a-z_]+", dashboard))
        self.assertGreater(len(asked), 15)
        of_plugins = {name for name in asked if name.startswith("mortise_plugin_")}
        self.assertEqual(asked - names - of_plugins, set())

    def test_ctl_does_what_the_api_does(self):
        self.start()
        client = self.persistent("one/1")
        self.subscribe(client, "x")
        self.assertIn("clients: 1", self.ctl("status"))
        self.assertIn("one/1", self.ctl("clients"))
        self.assertEqual(json.loads(self.ctl("--json", "client", "one/1"))["client_id"], "one/1")
        self.assertIn("x ", self.ctl("subscriptions", "one/1"))
        self.ctl("publish", "-t", "x", "-m", "hello", "-q", "1", "-r")
        self.assertIn(b"hello", client.receive()[1])
        self.assertIn("payload: hello", self.ctl("get-retained", "x"))
        self.ctl("ban", "--kind", "user_name", "--what", "eve", "--for", "1h")
        self.assertIn("eve", self.ctl("bans"))
        self.ctl("unban", "user_name", "eve")
        self.assertIn("disconnected: true", self.ctl("kick", "one/1"))
        self.assertIn("session_ended: true", self.ctl("end-session", "one/1"))
        self.assertIn("there is no session of client", self.ctl("end-session", "one/1", status=1))
        self.assertIn("no whole number from 0 to 2", self.ctl("publish", "-t", "x", "-q", "7", status=1))
        self.assertIn("mortise_uptime_seconds", self.ctl("metrics"))
        refused = support.run(support.MORTISE, "ctl", "status")
        self.assertIn("which broker?", refused.stderr)
        self.broker.stop()
        self.assertIn("is the broker running", self.ctl("status", status=1))
        self.broker.start()


class Reload(AdminTest):
    def change(self, **config):
        self.broker.config = {**self.broker.config, **config}
        self.broker.file.write_text(json.dumps(self.broker.config))

    def test_what_changed_is_applied_and_what_needs_a_restart_named(self):
        api = self.start()
        client = self.persistent("stays")
        self.change(log={"level": "debug"}, node={**self.broker.config["node"], "loops": 3}, session={"queue": {"max_messages": 7}})
        status, report = api.ask("POST", "/api/v1/reload")
        self.assertEqual((status, sorted(report["applied"]), report["needs_restart"]), (200, ["log.level", "session.queue.max_messages"], ["node.loops"]))
        running = api.get("/api/v1/configuration")
        self.assertEqual((running["session"]["queue"]["max_messages"], running["node"]["loops"]), (7, 2))
        client.socket.sendall(packet(0xC0, b""))
        self.assertEqual(client.receive()[0], 0xD0)

    def test_a_new_limit_holds_for_who_is_connected(self):
        api = self.start()
        client = self.persistent("away")
        self.subscribe(client, "q")
        client.socket.close()
        self.until(lambda: not api.get("/api/v1/sessions/away")["connected"])
        self.change(session={"queue": {"max_messages": 3, "when_full": "drop_new"}})
        self.assertEqual(api.ask("POST", "/api/v1/reload")[0], 200)
        for number in range(10):
            api.ask("POST", "/api/v1/publish", {"topic": "q", "payload": str(number), "qos": 1})
        self.until(lambda: "reason=\"queue_full\"} 7\n" in api.raw("GET", "/metrics")[1])
        self.assertEqual(api.get("/api/v1/sessions/away")["queued_messages"], 3)

    def test_listeners_come_and_go_and_who_is_connected_stays(self):
        api = self.start()
        old = self.persistent("old")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.change(listeners=[{"url": f"tcp://127.0.0.1:{port}"}, {"url": f"unix://{self.folder}/mqtt.sock"}])
        self.assertEqual(api.ask("POST", "/api/v1/reload")[0], 200)
        self.assertEqual(len(api.get("/api/v1/listeners")["items"]), 2)
        Wire(port, "new").socket.close()
        with socket.socket(socket.AF_UNIX) as local:
            self.until(lambda: local.connect_ex(f"{self.folder}/mqtt.sock") == 0)
        def is_closed():
            try:
                socket.create_connection(("127.0.0.1", self.broker.port), 5).close()
            except ConnectionRefusedError:
                return True
            return False
        self.until(is_closed)
        old.socket.sendall(packet(0xC0, b""))
        self.assertEqual(old.receive()[0], 0xD0)
        self.change(listeners=[{"url": f"tcp://127.0.0.1:{port}", "versions": ["v5"]}])
        self.assertEqual(api.ask("POST", "/api/v1/reload")[0], 200)
        self.until(lambda: not os.path.exists(f"{self.folder}/mqtt.sock"))
        def refuses_old_versions():
            stream = self.keep(Stream(port))
            stream.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text("again")))
            return stream.receive() == (0x20, b"\0\1")
        self.until(refuses_old_versions)

    def hang_up(self, line):
        """Asks for a reload as the service manager does, and waits until the log says how it went."""
        self.broker.program.process.send_signal(signal.SIGHUP)
        self.broker.program.wait_for(line)

    def test_the_api_has_its_new_certificate_token_and_limits_at_the_same_address(self):
        self.certificate("first")
        admin = {"url": "https://localhost:0", "tls": {"certificate": "a.pem", "key": "a.key"}}
        self.start_broker(admin=admin)
        api = Api(self.broker, ca=self.folder / "a.pem")
        kept = api.connect()
        self.addCleanup(kept.close)
        def ask_kept():
            kept.request("GET", "/api/v1/status", headers={"Authorization": f"Bearer {api.token}"})
            answer = kept.getresponse()
            answer.read()
            return answer.status, answer.getheader("Connection")
        self.assertEqual(ask_kept()[0], 200)
        self.hang_up("reloaded; changed: nothing")
        self.assertEqual(ask_kept(), (200, None), "nothing is new: the server is the same")

        second = self.certificate("second")
        (self.folder / "data" / "admin.token").write_text("another-token-of-an-operator\n")
        self.change(admin={**admin, "max_body": "1KiB"})
        self.hang_up("reloaded; changed: admin.max_body, admin.token_file, admin.tls.certificate, admin.tls.key;")
        self.assertEqual(ask_kept(), (200, "close"), "who is connected has an answer yet, and no more")
        self.assertEqual(ssl.get_server_certificate(("localhost", api.port)).strip(), second.strip())
        old, renewed = api.token, Api(self.broker, ca=self.folder / "a.pem")
        self.assertEqual(renewed.port, api.port)
        self.assertEqual(renewed.get("/health/ready"), {"status": "ready"})
        self.assertEqual(renewed.raw("GET", "/api/v1/status", token=old)[0], 401)
        self.assertEqual(renewed.raw("GET", "/api/v1/status")[0], 200)
        self.assertEqual(renewed.raw("POST", "/api/v1/publish", json.dumps({"topic": "t", "payload": "x" * 2000}))[0], 413)

        (self.folder / "a.pem").write_text("no certificate")
        self.hang_up("nothing was reloaded")
        self.assertEqual(ssl.get_server_certificate(("localhost", api.port)).strip(), second.strip())

    def test_ctl_says_what_to_do_when_the_token_was_exchanged(self):
        self.start()
        (self.folder / "data" / "admin.token").write_text("another-token-of-an-operator\n")
        self.assertIn("send the broker SIGHUP", self.ctl("status", status=1))
        self.hang_up("reloaded; changed: admin.token_file;")
        self.assertIn("version: ", self.ctl("status"))

    def test_the_api_moves_goes_and_comes_back(self):
        api = self.start()
        def is_refused(port):
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
            except ConnectionRefusedError:
                return True
            return False
        kept = api.connect()
        self.addCleanup(kept.close)
        kept.request("GET", "/api/v1/status", headers={"Authorization": f"Bearer {api.token}"})
        kept.getresponse().read()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.change(admin={"url": f"http://127.0.0.1:{port}"})
        self.assertEqual(api.ask("POST", "/api/v1/reload")[1]["applied"], ["admin.url"])
        moved = Api(self.broker)
        self.assertEqual(moved.port, port)
        self.assertTrue(is_refused(api.port), "whoever is still connected there, nobody waits for an answer in vain")
        self.assertIn("version: ", self.ctl("status"))
        del self.broker.config["admin"]
        self.change()
        self.assertEqual(moved.ask("POST", "/api/v1/reload")[1]["applied"], ["admin.url"])
        self.assertFalse((self.folder / "data" / "admin.url").exists())
        self.until(lambda: is_refused(port))
        self.change(admin={"url": f"http://127.0.0.1:{api.port}"})
        self.broker.program.process.send_signal(signal.SIGHUP)
        self.until(lambda: (self.folder / "data" / "admin.url").exists())
        self.assertEqual(Api(self.broker).port, api.port)
        self.assertEqual(Api(self.broker).get("/health/live"), {"status": "live"})

    def test_all_or_nothing(self):
        api = self.start()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            good = self.broker.config["listeners"]
            for bad in ({"bogus": 1}, {"listeners": good + [{"url": f"tcp://127.0.0.1:{taken.getsockname()[1]}"}]},
                        {"listeners": good + [{"url": "tls://127.0.0.1:0", "tls": {"certificate": "none.pem", "key": "none.key"}}]},
                        {"listeners": good + [{"url": "tcp://0.0.0.0:0"}]},
                        {"plugins": [{"name": "p", "library": "auth-file.so", "config": {"passwords": "none"}}], "hooks": {"auth": ["p"]}}):
                self.change(**bad, log={"level": "debug"})
                status, answer = api.ask("POST", "/api/v1/reload")
                self.assertEqual(status, 409, (bad, answer))
                for key in (*bad, "log"):
                    del self.broker.config[key]
                self.broker.config["listeners"] = good
        self.assertEqual(api.get("/api/v1/configuration")["log"]["level"], "info")
        self.assertEqual(len(api.get("/api/v1/listeners")["items"]), 1)
        self.assertEqual(api.get("/api/v1/plugins")["items"], [])
        self.persistent("still").socket.close()

    def passwords(self, **users):
        for user, password in users.items():
            self.succeed(support.MORTISE, "passwd", "--iterations", "1000", self.folder / "passwd", user, stdin=password + "\n")

    def test_plugins_read_their_files_again_and_rights_are_asked_again(self):
        acl = self.folder / "acl.yaml"
        acl.write_text('rules:\n  - { allow: all, topics: ["#"] }\n')
        self.passwords(alice="one")
        plugin = {"name": "p", "library": "auth-file.so", "config": {"passwords": "passwd", "acl": "acl.yaml"}}
        api = self.start(plugins=[plugin], hooks={"auth": ["p"]})
        alice = self.keep(Wire(self.broker.port, "a", "alice", "one", clean=False))
        self.subscribe(alice, "secret")
        self.subscribe(alice, "public")
        acl.write_text('rules:\n  - { allow: all, topics: ["public"] }\n')
        self.passwords(bob="two")
        self.broker.program.process.send_signal(signal.SIGHUP)
        self.until(lambda: [one["filter"] for one in api.get("/api/v1/clients/a/subscriptions")["items"]] == ["public"])
        Wire(self.broker.port, "b", "bob", "two").socket.close()
        self.assertEqual(api.get("/api/v1/plugins")["items"][0]["calls"]["on_start"]["calls"], 1)
        api.ask("POST", "/api/v1/publish", {"topic": "secret", "payload": "no", "qos": 1})
        api.ask("POST", "/api/v1/publish", {"topic": "public", "payload": "yes", "qos": 1})
        self.assertIn(b"yes", alice.receive()[1])

    def test_reloads_under_load_lose_nobody(self):
        acl = self.folder / "acl.yaml"
        acl.write_text('rules:\n  - { allow: all, topics: ["#"] }\n')
        self.passwords(alice="one")
        plugin = {"name": "p", "library": "auth-file.so", "config": {"passwords": "passwd", "acl": "acl.yaml"}}
        affix = {"name": "t", "library": "topic-affix.so", "config": {"prefix": "%u/"}}
        api = self.start(plugins=[plugin, affix], hooks={"auth": ["p"], "topic": ["t"]})
        subscriber = self.keep(Wire(self.broker.port, "s", "alice", "one", clean=False))
        self.subscribe(subscriber, "n")
        publisher = self.keep(Wire(self.broker.port, "p", "alice", "one"))
        sent = 0
        for _ in range(20):
            for _ in range(50):
                sent += 1
                publisher.socket.sendall(packet(0x32, text("n") + sent.to_bytes(2, "big") + str(sent).encode()))
            self.assertEqual(api.ask("POST", "/api/v1/reload")[0], 200)
        got = []
        while len(got) < sent:
            first_byte, body = subscriber.receive()
            self.assertEqual(first_byte & 0xF0, 0x30)
            got.append(int(body[5:]))
            subscriber.socket.sendall(packet(0x40, body[3:5]))
        self.assertEqual(got, list(range(1, sent + 1)))
        self.until(lambda: api.get("/api/v1/status")["clients"] == 2)


if __name__ == "__main__":
    support.main()
