"""The doors beside plain TCP: WebSocket, Unix socket, behind a proxy."""

import os
import socket
import stat

import support
import wire

UPGRADE = ("GET {path} HTTP/1.1\r\nHost: broker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n{more}\r\n")
CONNECT = wire.packet(0x10, wire.text("MQTT") + bytes([4, 2, 0, 0]) + wire.text("door"))
CONNACK = b"\x20\x02\x00\x00"
PINGREQ = b"\xc0\x00"


def masked(head, payload):
    """A frame of a client, with a mask that changes nothing."""
    return bytes([head, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Doors(support.BrokerTest):
    def connected(self, number=0):
        client = socket.create_connection(("127.0.0.1", self.broker.ports[number]), support.DEADLINE)
        self.addCleanup(client.close)
        return client

    def received(self, client, size):
        got = b""
        while len(got) < size and (more := client.recv(size - len(got))):
            got += more
        return got

    def answered(self, request):
        """What a request for a WebSocket is answered, up to the end of the head."""
        client = self.connected()
        client.sendall(request.encode())
        got = b""
        while b"\r\n\r\n" not in got and (more := client.recv(1)):
            got += more
        return client, got.decode()

    # ---- WebSocket ----

    @support.proves("3.1.1 MQTT-6.0.0-4", "5.0 MQTT-6.0.0-4")
    def test_a_websocket_is_opened_where_and_for_whom_the_listener_says(self):
        self.start_broker(listeners=[{"url": "ws://127.0.0.1:0/door", "websocket": {"origins": ["https://our.example"]}}])
        ours, theirs = "Origin: https://our.example\r\n", "Origin: https://their.example\r\n"
        for path, more, status in (("/door", ours, "101"), ("/door", "", "101"), ("/door", theirs, "403"), ("/mqtt", ours, "404")):
            with self.subTest(path=path, more=more):
                _, answer = self.answered(UPGRADE.format(path=path, more=more))
                self.assertEqual(answer.split()[1], status)
                self.assertEqual("\r\nSec-WebSocket-Protocol: mqtt\r\n" in answer, status == "101")

    @support.proves("3.1.1 MQTT-6.0.0-2", "5.0 MQTT-6.0.0-2")
    def test_packets_need_not_be_frames(self):
        self.start_broker(listeners=[{"url": "ws://127.0.0.1:0"}])
        client, _ = self.answered(UPGRADE.format(path="/mqtt", more=""))
        both = CONNECT + PINGREQ + PINGREQ
        client.sendall(masked(0x82, both[:5]) + masked(0x82, both[5:-1]) + masked(0x82, both[-1:]))
        payloads = b""
        while len(payloads) < 8:
            head, size = self.received(client, 2)
            self.assertEqual(head, 0x82)
            payloads += self.received(client, size)
        self.assertEqual(payloads, CONNACK + b"\xd0\x00" * 2)

    @support.proves("3.1.1 MQTT-6.0.0-1", "5.0 MQTT-6.0.0-1")
    def test_a_frame_of_text_ends_the_connection(self):
        self.start_broker(listeners=[{"url": "ws://127.0.0.1:0"}])
        client, _ = self.answered(UPGRADE.format(path="/mqtt", more=""))
        client.sendall(masked(0x81, CONNECT))
        self.assertEqual(self.received(client, 100), b"\x88\x02\x03\xeb")

    # ---- Unix ----

    def test_mosquitto_clients_meet_on_a_unix_socket(self):
        path = self.folder / "broker.sock"
        self.start_broker(listeners=[{"url": f"unix://{path}", "socket_mode": "0600"}, {"url": "tcp://127.0.0.1:0"}])
        self.assertEqual(self.broker.open_urls[0], f"unix://{path}")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        for version in ("31", "311", "5"):
            with self.subTest(version=version):
                subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", "--unix", path, "-d", "-F", "got %p", "-V", version, "-t", "t",
                                          "-q", "1", "-C", "2")
                subscriber.wait_for("Subscribed (mid:")
                self.succeed("mosquitto_pub", "--unix", path, "-V", version, "-t", "t", "-q", "1", "-m", "unix")
                self.succeed("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.ports[1], "-V", version, "-t", "t", "-q", "1", "-m", "tcp")
                self.assertEqual(subscriber.wait(), 0)
                self.assertEqual([line for line in subscriber.lines if line.startswith("got ")], ["got unix", "got tcp"])
        self.broker.stop()
        self.assertFalse(path.exists())

    def test_the_file_of_a_broker_that_was_killed_is_replaced(self):
        path = self.folder / "broker.sock"
        self.start_broker(listeners=[{"url": f"unix://{path}"}])
        self.broker.kill()
        self.assertTrue(path.exists())
        self.broker.start()
        self.succeed("mosquitto_pub", "--unix", path, "-t", "t", "-q", "1", "-m", "again")

    def test_the_log_names_the_process_on_a_unix_socket(self):
        path = self.folder / "broker.sock"
        self.start_broker(listeners=[{"url": f"unix://{path}"}])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(PINGREQ)
            self.broker.program.wait_for(f"client on a Unix socket (uid {os.getuid()}, pid {os.getpid()}): ")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(CONNECT)
            self.assertEqual(self.received(client, 4), CONNACK)
            client.sendall(CONNECT)
            self.broker.program.wait_for('client "door" (on a Unix socket): ')

    # ---- Hooks of its own ----

    def test_a_listener_with_hooks_of_its_own_asks_them_and_nobody_else(self):
        self.mortise("passwd", "--iterations", "100", self.folder / "passwd", "alice", stdin="secret\nsecret\n")
        (self.folder / "acl.yaml").write_text('rules: [{users: [alice], allow: all, topics: ["tenant/open"]}]\n')
        self.start_broker(
            listeners=[{"url": "tcp://127.0.0.1:0"}, {"url": "tcp://localhost:0", "hooks": {"auth": [], "topic": ["tenants"]}}],
            plugins=[{"name": "passwords", "library": "auth-file.so", "config": {"passwords": "passwd", "acl": "acl.yaml"}},
                     {"name": "tenants", "library": "topic-affix.so", "config": {"prefix": "tenant/"}}],
            hooks={"auth": ["passwords"]})
        pub = ("mosquitto_pub", "-V", "5", "-q", "1", "-r")
        outside, inside = (("-h", host, "-p", self.broker.ports[number]) for number, host in enumerate(("127.0.0.1", "localhost")))
        alice = ("-u", "alice", "-P", "secret")
        self.assertIn("not authorized", support.run(*pub, *outside, "-t", "tenant/open", "-m", "no").stderr.lower())
        self.succeed(*pub, *outside, *alice, "-t", "tenant/open", "-m", "by alice")
        self.succeed(*pub, *outside, *alice, "-t", "tenant/closed", "-m", "no")  # its answer is Not authorized
        self.succeed(*pub, *inside, "-t", "closed", "-m", "by anybody")
        seen = self.succeed("mosquitto_sub", *inside, "-v", "-t", "#", "-C", "2")
        self.assertEqual(sorted(seen.stdout.splitlines()), ["closed by anybody", "open by alice"])

    # ---- How fast ----

    def test_who_sends_faster_than_its_listener_allows_is_read_more_slowly_and_loses_nothing(self):
        rate = {"messages_per_second": 200, "burst": "100ms"}
        self.start_broker(listeners=[{"url": "tcp://127.0.0.1:0", "client_rate": rate}, {"url": "tcp://127.0.0.1:0"}],
                          sys={"interval": "1s"})
        watcher = wire.Wire(self.broker.ports[1], "watcher")
        watcher.subscribe("t", 0)
        sender = wire.Wire(self.broker.ports[0], "sender")
        numbers = range(150)
        sender.socket.sendall(b"".join(wire.packet(0x30, wire.text("t") + b"%d" % number) for number in numbers))
        sender.disconnect()
        got = [watcher.receive()[1] for _ in numbers]
        self.assertEqual(got, [wire.text("t") + b"%d" % number for number in numbers])
        watcher.subscribe("$SYS/broker/clients/slowed", 0)
        slowed = b"0"
        while slowed == b"0":
            slowed = watcher.receive()[1].removeprefix(wire.text("$SYS/broker/clients/slowed"))
        self.assertGreater(int(slowed), 0)

    # ---- Behind a proxy ----

    def behind_proxy(self, network):
        self.start_broker(listeners=[{"url": "tcp://127.0.0.1:0", "allow_anonymous": True, "proxy_protocol": {"from": [network]}}])

    def test_a_client_behind_a_proxy_has_its_own_address(self):
        self.behind_proxy("127.0.0.0/8")
        client = self.connected()
        client.sendall(b"PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n" + CONNECT)
        self.assertEqual(self.received(client, 4), CONNACK)
        client.sendall(CONNECT)
        self.broker.program.wait_for('client "door" (192.0.2.1:51234): ')
        binary = bytes.fromhex("0d0a0d0a000d0a515549540a 2111 000c c0000202 c6336402 c823 075b")
        other = self.connected()
        other.sendall(binary + PINGREQ)
        self.broker.program.wait_for("client at 192.0.2.2:51235: ")

    def test_who_comes_without_the_header_or_is_no_proxy_is_not_heard(self):
        self.behind_proxy("127.0.0.0/8")
        client = self.connected()
        client.sendall(CONNECT)
        self.assertEqual(self.received(client, 4), b"")
        self.broker.program.wait_for("a connection of the proxy 127.0.0.1 is closed: its PROXY header is wrong")
        self.broker.stop()
        self.behind_proxy("192.0.2.1")
        stranger = self.connected()
        # It may be closed before this is sent.
        try:
            stranger.sendall(b"PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n" + CONNECT)
            self.assertEqual(self.received(stranger, 4), b"")
        except ConnectionError:
            pass


if __name__ == "__main__":
    support.main()
