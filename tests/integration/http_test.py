"""auth-http with a real broker and a web service of the test's own: what it is asked, what it may answer, and what happens when it does not."""

import base64
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import support
from admin_api import Api
from wire import Stream, packet, text

HUGE = 8192


class Service(http.server.ThreadingHTTPServer):
    """Answers by `self.answer(request)`: a status, a status and a body, or a function that does what it likes with the connection."""
    daemon_threads = True

    def __init__(self, answer):
        self.answer, self.asked, self.released = answer, [], threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def close(self):
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):  # a connection that ended is not of interest
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_json = self.headers["Content-Type"] == "application/json"
        fields = json.loads(body) if is_json else dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        asked = {"path": self.path, "fields": fields, "headers": dict(self.headers)}
        self.server.asked.append(asked)
        answer = self.server.answer(asked)
        if callable(answer):
            return answer(self)
        status, body = answer if isinstance(answer, tuple) else (answer, "")
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return self.wfile.write(data)


def resets(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hangs(handler):
    handler.server.released.wait(support.DEADLINE)


def chunked(*pieces):
    def send(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
    return send


def until_the_end(handler):
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"result": "allow"}')
    handler.close_connection = True


class HttpTest(support.BrokerTest):
    def serve(self, answer, context=None):
        service = Service(answer)
        if context:
            service.socket = context.wrap_socket(service.socket, server_side=True)
        service.thread.start()
        self.addCleanup(service.close)
        return service

    def start(self, service, authenticate=None, **config):
        url = f"http://127.0.0.1:{service.server_port}/auth"
        config = {"authenticate": {"url": url, **(authenticate or {})}, "cache_entries": 0, **config}
        self.start_broker(plugins=[{"name": "web", "library": "auth-http.so", "config": config}], hooks={"auth": ["web"]},
                          mqtt={"connect_timeout": "60s"})

    def publish(self, *options, topic="t", version="5"):
        done = support.run("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.port, "-V", version, "-q", "1", "-t", topic, "-m", "hello", "-d", *options)
        return done.stdout + done.stderr

    def test_the_service_says_who_gets_in_as_whom_and_what_for(self):
        def answer(asked):
            return {"alice": (200, {"result": "allow", "user_name": "Alice", "acl": {"publish": ["up/%u/%c"], "subscribe": []}}), "bob": 403,
                    "carol": (200, {"result": "ignore"}), "dave": (200, {"result": "deny"})}[asked["fields"]["user_name"]]
        service = self.serve(answer)
        self.start(service)
        self.assertIn("RC:16", self.publish("-u", "alice", "-P", "x", "-i", "c", topic="up/Alice/c"))
        self.assertIn("RC:135", self.publish("-u", "alice", "-P", "x", "-i", "c", topic="up/alice/c"))
        for user, why in (("bob", "Bad User Name or Password"), ("carol", "Not authorized"), ("dave", "Bad User Name or Password")):
            self.assertIn(why, self.publish("-u", user, "-i", "c"))
        self.assertEqual([asked["fields"] for asked in service.asked[:1] + service.asked[-1:]],
                         [{"client_id": "c", "user_name": "alice", "password": "x", "peer": "127.0.0.1"},
                          {"client_id": "c", "user_name": "dave", "peer": "127.0.0.1"}])
        connections = {asked["headers"]["Host"] for asked in service.asked}
        self.assertEqual(connections, {f"127.0.0.1:{service.server_port}"})

    def test_odd_values_arrive_as_they_are_and_absent_ones_not_at_all(self):
        service = self.serve(lambda _: (200, {"result": "allow", "acl": {"publish": ["#"]}}))
        headers = {"Authorization": "Basic %basic", "X-Client": "is %c"}
        self.start(service, {"headers": headers, "url": f"http://127.0.0.1:{service.server_port}/a?u=%u&x=%c"})
        odd = "a\"b'c%u\\ &=+/#\U0001f600"
        self.assertIn("RC:16", self.publish("-u", odd, "-P", "p" * HUGE, "-i", "c"))
        asked = service.asked[-1]
        self.assertEqual((asked["fields"]["user_name"], asked["fields"]["password"]), (odd, "p" * HUGE))
        self.assertEqual(asked["path"], "/a?u=" + urllib.parse.quote(odd, safe="") + "&x=c")
        self.assertEqual(asked["headers"]["Authorization"], "Basic " + base64.b64encode(f"{odd}:{'p' * HUGE}".encode()).decode())
        self.assertEqual(asked["headers"]["X-Client"], "is c")
        self.assertIn("RC:16", self.publish(version="5"))  # neither client id nor user name nor password
        asked = service.asked[-1]
        self.assertEqual(asked["fields"], {"client_id": "", "peer": "127.0.0.1"})
        self.assertEqual(asked["path"], "/a?u=&x=")
        self.assertNotIn("Authorization", asked["headers"])

    def test_a_form_carries_the_same(self):
        service = self.serve(lambda _: 204)
        self.start(service, {"body": "form", "fields": {"user": "%u", "all": "%c/%u/%p"}})
        odd = "a&b=c%41 +\u00e4"
        self.assertIn("CONNACK (0)", self.publish("-u", odd, "-P", "p&q", "-i", "c"))
        self.assertEqual(service.asked[-1]["fields"], {"user": odd, "all": f"c/{odd}/p&q"})

    def test_every_way_to_send_an_answer_is_read(self):
        ways = {"chunks": chunked(b'{"result"', b': "allow"', b"}"), "end": until_the_end, "empty": 204}
        service = self.serve(lambda asked: ways[asked["fields"]["user_name"]])
        self.start(service)
        for user in (*ways, *ways):
            self.assertIn("CONNACK (0)", self.publish("-u", user), user)

    def test_nonsense_is_a_failure_and_nobody_gets_in_by_it(self):
        nonsense = {
            "wrong type": (200, {"result": True}), "no JSON": (200, "allow"), "wrong list": (200, {"result": "allow", "acl": []}),
            "status": 500, "huge": (200, " " * 100_000), "reset": resets, "endless": chunked(*[b" " * 10_000] * 10),
            "no chunks": lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            "no HTTP": lambda handler: handler.wfile.write(b"\0" * 100 + b"\r\n\r\n"),
            "length": lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        }
        service = self.serve(lambda asked: nonsense.get(asked["fields"]["user_name"], 204))
        self.start(service, timeout_ms=1000, breaker_failures=1000)
        programs = [self.program("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.port, "-V", "5", "-t", "t", "-m", "x", "-u", user, "-d")
                    for user in nonsense]
        for program in programs:
            self.assertNotEqual(program.wait(), 0)
            self.assertNotIn("CONNACK (0)", "\n".join(program.lines))
        self.assertIn("CONNACK (0)", self.publish("-u", "somebody else"))

    def test_a_service_that_does_not_answer_holds_up_nobody_else(self):
        service = self.serve(lambda asked: hangs if asked["fields"]["user_name"] == "slow" else 204)
        self.start(service, max_connections=4, timeout_ms=30_000)
        slow = [self.program("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.port, "-V", "5", "-t", "t", "-m", "x", "-u", "slow") for _ in range(3)]
        deadline = time.monotonic() + support.DEADLINE
        while sum(asked["fields"]["user_name"] == "slow" for asked in list(service.asked)) < 3:
            self.assertLess(time.monotonic(), deadline)
        for _ in range(3):
            self.assertIn("CONNACK (0)", self.publish("-u", "quick"))
        # The broker ends while they are being asked about.
        self.assertEqual(self.broker.stop(), 0)
        for program in slow:
            self.assertNotEqual(program.wait(), 0)

    # ---- A service that takes every connection and says nothing ----

    def black_hole(self, **limits):
        """Its broker has two doors: who comes by the first is asked about there, who comes by the second is nobody's business."""
        hole = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(hole.close)
        web = {"name": "web", "library": "auth-http.so", "config": {
            "authenticate": {"url": f"http://127.0.0.1:{hole.getsockname()[1]}/auth"}, "max_connections": 2, "cache_entries": 0,
            "breaker_failures": 1000, "timeout_ms": 600_000, **limits}}
        self.start_broker(plugins=[web], hooks={"auth": ["web"]}, plugin_limits={"token_deadline_max": "600s"}, admin={"url": "http://127.0.0.1:0"}, listeners=[
            {"url": "tcp://127.0.0.1:0"}, {"url": "tcp://127.0.0.2:0", "allow_anonymous": True, "hooks": {"auth": []}}])
        self.api = Api(self.broker)

    def connecting(self, door, name, secret=b""):
        """A client of 5.0 that waits for its CONNACK."""
        client = Stream(self.broker.ports[door], host=f"127.0.0.{door + 1}")
        self.addCleanup(client.socket.close)
        identity = text(name) + (text(name) + len(secret).to_bytes(2, "big") + secret if secret else b"")
        client.socket.sendall(packet(0x10, text("MQTT") + bytes([5, 0xC2 if secret else 2, 0, 0, 0]) + identity))
        return client

    def metric(self, name):
        lines = self.api.raw("GET", "/metrics")[1].splitlines()
        return next((int(line.split()[-1]) for line in lines if line.startswith(f"mortise_{name} ")), 0)

    def until_metric(self, name, value):
        deadline = time.monotonic() + support.DEADLINE
        while (found := self.metric(name)) != value:
            self.assertLess(time.monotonic(), deadline, (name, value, found))

    PENDING, SHED = 'plugin_pending_answers{plugin="web"}', 'plugin_counter_total{plugin="web",name="shed"}'

    def test_who_need_not_be_asked_about_does_not_wait_for_silence_nor_does_the_end(self):
        self.black_hole(queue=6)
        waiting = [self.connecting(0, f"waits-{number}") for number in range(6)]
        self.until_metric(self.PENDING, 6)
        for number in range(3):
            too_many = self.connecting(0, f"too-many-{number}")
            self.assertEqual(too_many.receive()[1][:2], b"\0\x89", "Server busy, at once")
            too_many.socket.close()
        self.until_metric(self.SHED, 3)
        for number in range(4):  # on every loop
            served = self.connecting(1, f"served-{number}")
            self.assertEqual(served.receive()[1][:2], b"\0\0")
            served.socket.sendall(packet(0x82, b"\0\x01\0" + text("t") + b"\0") + packet(0x32, text("t") + b"\0\x02\0hello"))
            self.assertEqual(sorted(served.receive()[0] for _ in range(3)), [0x30, 0x40, 0x90])
            served.socket.sendall(b"\xe0\0")
            served.socket.close()
        self.assertEqual(self.metric(self.PENDING), 6, "all that while nobody was answered")
        # Six clients wait still, and the threads of the plugin for longer than this test.
        self.broker.program.process.terminate()
        for client in waiting:
            with self.assertRaises(ConnectionError):
                while client.receive()[0] == 0x20:
                    pass
            client.socket.close()
        self.assertEqual(self.broker.program.wait(), 0)

    def test_what_is_asked_in_vain_ends_in_time_and_leaves_nothing_whether_its_client_left_or_not(self):
        self.black_hole(queue=6, timeout_ms=1000)
        for attempt in range(2):  # who comes later has the places of those before
            clients = [self.connecting(0, f"{attempt}-{number}") for number in range(6)]
            for client in clients[:3]:
                client.socket.close()
            for client in clients[3:]:
                self.assertEqual(client.receive()[1][:2], b"\0\x88", "Server unavailable")
                client.socket.close()
            self.until_metric(self.PENDING, 0)
            self.until_metric("connections_open", 0)
            self.until_metric('plugin_counter_total{plugin="web",name="failures"}', 6 * (attempt + 1))
        self.assertEqual(self.metric(self.SHED), 0)

    def test_what_waits_for_silence_is_bounded_in_bytes(self):
        self.black_hole(queue_bytes=16_384)
        for number in range(40):
            self.connecting(0, f"large-{number}", b"x" * 3000)
        deadline = time.monotonic() + support.DEADLINE
        while self.metric(self.SHED) + self.metric(self.PENDING) < 40:
            self.assertLess(time.monotonic(), deadline)
        # Two are being asked about, and of more than 3,000 bytes there are at most five in 16,384.
        pending = self.metric(self.PENDING)
        self.assertIn(pending, (5, 6, 7))
        self.assertEqual(self.metric(self.SHED), 40 - pending)

    def test_a_dead_service_fails_fast_and_is_asked_again_later(self):
        service = self.serve(lambda _: 204)
        port = service.server_port
        self.start(service, timeout_ms=500, breaker_failures=2, breaker_ms=500)
        self.assertIn("CONNACK (0)", self.publish())
        service.answer = lambda _: resets  # also where a connection was kept open
        service.close()
        for _ in range(3):
            self.assertNotIn("CONNACK (0)", self.publish())
        self.broker.program.wait_for("it is not asked for breaker_ms")
        again = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        again.answer, again.asked = lambda _: 204, []
        threading.Thread(target=again.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(again.server_close)
        self.addCleanup(again.shutdown)
        deadline = time.monotonic() + support.DEADLINE
        while "CONNACK (0)" not in self.publish():
            self.assertLess(time.monotonic(), deadline)

    def test_a_timeout_beyond_what_the_broker_waits_is_named(self):
        self.start(self.serve(lambda _: 204), timeout_ms=600_000)
        self.assertNotIn("CONNACK (0)", self.publish())
        self.broker.program.wait_for("timeout_ms is above plugin_limits.token_deadline_max: lower it, or raise that")

    def test_answers_are_remembered(self):
        service = self.serve(lambda asked: 204 if asked["fields"]["user_name"] == "alice" else 403)
        self.start(service, cache_entries=100, cache_ms=600_000, cache_denied_ms=600_000)
        for _ in range(3):
            self.assertIn("CONNACK (0)", self.publish("-u", "alice", "-P", "x", "-i", "c"))
            self.assertNotIn("CONNACK (0)", self.publish("-u", "bob", "-P", "x", "-i", "c"))
        self.assertEqual(len(service.asked), 2)
        self.assertIn("CONNACK (0)", self.publish("-u", "alice", "-P", "y", "-i", "c"))
        self.assertEqual(len(service.asked), 3, "another password is another question")

    def test_the_service_may_be_asked_what_clients_may_do(self):
        def answer(asked):
            if asked["path"] == "/auth":
                return 204
            fields = asked["fields"]
            return 204 if fields["topic"] == f"{fields['action']}/{fields['user_name']}" else 403
        service = self.serve(answer)
        self.start(service, authorize={"url": f"http://127.0.0.1:{service.server_port}/acl"})
        self.assertIn("RC:16", self.publish("-u", "alice", topic="publish/alice"))
        self.assertIn("RC:135", self.publish("-u", "alice", topic="publish/bob"))
        done = support.run("mosquitto_sub", "-h", "127.0.0.1", "-p", self.broker.port, "-V", "5", "-u", "alice", "-t", "#", "-d", "-W", "5")
        self.assertIn("Subscribed (mid: 1): 135", done.stdout)
        self.assertEqual(service.asked[-1]["fields"]["action"], "subscribe")

    def test_a_https_service_must_have_a_certificate_of_ours(self):
        for name in ("ours", "theirs"):
            self.succeed("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                         f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                         cwd=self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "ours.pem", self.folder / "ours.key")
        service = self.serve(lambda _: 204, context)
        for host, ca, gets_in in (("localhost", "ours.pem", True), ("localhost", "theirs.pem", False), ("127.0.0.1", "ours.pem", False)):
            self.start(service, {"url": f"https://{host}:{service.server_port}/"}, ca=ca, timeout_ms=2000)
            self.assertEqual("CONNACK (0)" in self.publish("-u", "alice"), gets_in, (host, ca))
            self.assertEqual(self.broker.stop(), 0)

    def test_the_example_is_a_configuration(self):
        shutil.copy(pathlib.Path(os.environ["PLUGINS"]) / "auth-http/example.yaml", self.folder)
        self.mortise("check", self.folder / "example.yaml")


if __name__ == "__main__":
    support.main()
