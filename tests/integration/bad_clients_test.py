"""Clients that are wrong, slow, many or strange, at every door: what broke other brokers (tests/README.md, classes D, E, G, H)."""

import os
import pathlib
import resource
import socket
import time

import channels
import support
import wire

ROUNDS = 10_000 if os.environ.get("MORTISE_SOAK") else 300  # of connecting and disconnecting, for all doors together
PINGREQ, PINGRESP = b"\xc0\0", b"\xd0\0"


def connect(client_id="bad", version=5, flags=2, properties=b"", payload=None, name="MQTT"):
    tail = wire.text(client_id) if payload is None else payload
    between = bytes([len(properties)]) + properties if version == 5 else b""
    return wire.packet(0x10, wire.text(name) + bytes([version, flags, 0, 0]) + between + tail)


def connack(code, version=5):
    return b"\x20\x03\0" + bytes([code, 0]) if version == 5 else b"\x20\x02\0" + bytes([code])


def disconnect(code):
    return b"\xe0\x01" + bytes([code])


def subscribe(body, properties=b"\0"):
    return wire.packet(0x82, b"\0\x01" + properties + body)


MALFORMED, PROTOCOL_ERROR, TOO_LARGE, NOT_AUTHORIZED = 0x81, 0x82, 0x95, 0x87

# What is sent first, and all that comes before the connection is closed.
BEFORE_CONNACK = {
    "a protocol name of two letters": (connect(name="MQ"), None),
    "no protocol name": (wire.packet(0x10, b"\0\0"), None),
    "a Will that is flagged and absent": (connect(flags=0x06), connack(MALFORMED)),
    "a Will that is flagged and absent, 3.1.1": (connect(version=4, flags=0x06), b""),
    "a user name that is flagged and absent": (connect(flags=0x82), b""),
    "a user name that is flagged and absent, 3.1.1": (connect(version=4, flags=0x82), b""),
    "a password that is flagged and absent": (connect(flags=0x42), b""),
    "a client id longer than the packet": (connect(payload=b"\xff\xffbad"), b""),
    "properties longer than the packet": (wire.packet(0x10, wire.text("MQTT") + b"\x05\x02\0\0\x7f" + wire.text("bad")), connack(MALFORMED)),
    "a property length of five bytes": (wire.packet(0x10, wire.text("MQTT") + b"\x05\x02\0\0\xff\xff\xff\xff\x7f" + wire.text("bad")), connack(MALFORMED)),
    "a Remaining Length of five bytes": (b"\x10\xff\xff\xff\xff\x01", b""),
    "256 MiB before it is known": (b"\x10\xff\xff\xff\x7f" + connect()[2:], b""),
    "UNSUBSCRIBE without a session": (wire.packet(0xA2, b"\0\x01\0" + wire.text("t")), b""),
    "PUBLISH without a session": (wire.packet(0x30, wire.text("t") + b"\0"), b""),
    "a request of HTTP": (b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n", b""),
    "zeros": (b"\0" * 64, b""),
}

# The same, said by a connected 5.0 client.
AFTER_CONNACK = {
    "a second CONNECT": (connect(), disconnect(PROTOCOL_ERROR)),
    "PUBLISH at QoS 1 without a packet id": (wire.packet(0x32, wire.text("t")), disconnect(MALFORMED)),
    "PUBLISH at QoS 1 with packet id 0": (wire.packet(0x32, wire.text("t") + b"\0\0\0"), disconnect(PROTOCOL_ERROR)),
    "PUBLISH at QoS 3": (wire.packet(0x36, wire.text("t") + b"\0\x01\0"), disconnect(MALFORMED)),
    "a topic longer than its packet": (wire.packet(0x30, b"\xff\xfft\0"), disconnect(MALFORMED)),
    "a topic with a wildcard": (wire.packet(0x30, wire.text("a/#") + b"\0"), disconnect(MALFORMED)),
    "a topic with a NUL": (wire.packet(0x30, wire.text("a\0b") + b"\0"), None),
    "properties longer than the packet": (wire.packet(0x30, wire.text("t") + b"\x7f"), disconnect(MALFORMED)),
    "a property length of five bytes": (wire.packet(0x30, wire.text("t") + b"\xff\xff\xff\xff\x7f"), disconnect(MALFORMED)),
    "SUBSCRIBE cut at the end of its filter": (subscribe(wire.text("t")), disconnect(MALFORMED)),
    "SUBSCRIBE without a filter": (subscribe(b""), disconnect(MALFORMED)),
    "SUBSCRIBE with an overlong subscription id": (subscribe(wire.text("t") + b"\0", b"\x06\x0b\xff\xff\xff\xff\x7f"), disconnect(MALFORMED)),
    "SUBSCRIBE with subscription id 0": (subscribe(wire.text("t") + b"\0", b"\x02\x0b\0"), disconnect(PROTOCOL_ERROR)),
    "a packet above the maximum": (b"\x30\xff\xff\xff\x7f", disconnect(TOO_LARGE)),
    "a packet that only a Server sends": (b"\x20\x03\0\0\0", disconnect(PROTOCOL_ERROR)),
    "packet type 0": (b"\0\0", disconnect(PROTOCOL_ERROR)),
}


class BadClients(support.BrokerTest):
    def open_all_doors(self, **config):
        channels.certify(self.folder)
        config.setdefault("mqtt", {})["connect_timeout"] = "60s"
        self.start_broker(listeners=channels.listeners(self.folder), **config)

    def channel(self, door):
        made = channels.Channel(self.broker, door)
        self.addCleanup(made.close)
        return made

    def connected(self, door, client_id="good", version=5):
        """A client that has its CONNACK."""
        made = self.channel(door)
        made.send(connect(client_id, version))
        head = made.packet()
        self.assertEqual((head[0], head[3]), (0x20, 0), head)
        return made

    def serves(self, door):
        """A client that behaves is served by this door."""
        client = self.connected(door)
        client.send(PINGREQ)
        self.assertEqual(client.packet(), PINGRESP)
        client.send(b"\xe0\0")
        client.close()

    def sockets(self):
        def is_socket(entry):
            try:
                return os.readlink(entry).startswith("socket:")
            except FileNotFoundError:  # closed just now
                return False
        return sum(map(is_socket, self.descriptors()))

    def descriptors(self):
        return [f"/proc/{self.broker.program.process.pid}/fd/{name}" for name in os.listdir(f"/proc/{self.broker.program.process.pid}/fd")]

    def wait_until(self, holds, what):
        deadline = time.monotonic() + support.DEADLINE
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def nothing_is_left(self, before):
        """No socket more than there were."""
        self.wait_until(lambda: self.sockets() <= before, "sockets are left behind")

    # ---- D: parser bounds ----

    def outcomes(self, triggers, begin):
        self.open_all_doors()
        before = self.sockets()
        for door in channels.DOORS:
            for trigger, (sent, told) in triggers.items():
                with self.subTest(door=door, trigger=trigger):
                    client = begin(door)
                    client.send(sent)
                    rest = client.rest()
                    if told is None:  # closed, with whatever words
                        self.assertIn(rest[:1], (b"", b"\x20", b"\xe0"))
                    else:
                        self.assertEqual(rest, told)
                    client.close()
            self.serves(door)
        self.nothing_is_left(before)

    def test_what_is_no_connect_ends_the_connection(self):
        self.outcomes(BEFORE_CONNACK, self.channel)

    def test_what_a_connected_client_must_not_say_ends_the_connection_with_its_reason(self):
        self.outcomes(AFTER_CONNACK, self.connected)

    def test_a_filter_that_shares_wrongly_is_refused(self):
        self.open_all_doors()
        for door in channels.DOORS:
            for filter_ in ("$share/ab", "$share//a", "$share/+/a", "$share/a#/b", "$share/a/"):
                with self.subTest(door=door, filter=filter_):
                    client = self.connected(door)
                    client.send(subscribe(wire.text(filter_) + b"\0"))
                    self.assertIn(client.packet(), (b"\x90\x04\0\x01\0\x8f", disconnect(0x8f), disconnect(MALFORMED), disconnect(PROTOCOL_ERROR)))
                    client.close()
            self.serves(door)

    def test_less_follows_than_the_length_says(self):
        self.open_all_doors()
        before = self.sockets()
        for door in channels.DOORS:
            for piece in (connect()[:1], connect()[:2], connect()[:-1], b"\x10\xff\xff\x03" + connect()[2:]):
                client = self.channel(door)
                client.send(piece)
                client.close()
            self.serves(door)
        self.nothing_is_left(before)

    def test_packets_come_byte_by_byte_and_a_thousand_at_once(self):
        self.open_all_doors()
        said = connect() + subscribe(wire.text("t") + b"\0") + wire.packet(0x30, wire.text("t") + b"\0hello") + PINGREQ
        heard = b"\x90\x04\0\x01\0\0" + wire.packet(0x30, wire.text("t") + b"\0hello") + PINGRESP
        for door in channels.DOORS:
            with self.subTest(door=door):
                client = self.channel(door)
                for byte in said:
                    client.send(bytes([byte]))
                self.assertEqual(client.packet()[0], 0x20)
                self.assertEqual(client.take(len(heard)), heard)
                client.send(PINGREQ * 1000)
                self.assertEqual(client.take(2000), PINGRESP * 1000)
                client.close()

    def test_one_message_matches_many_subscriptions_of_one_client(self):
        self.open_all_doors()
        filters = [b"a/b", b"a/+", b"a/#", b"+/b", b"#", b"$share/g/a/b", b"$share/g/a/#", b"$share/h/+/b"]
        for door in channels.DOORS:
            with self.subTest(door=door):
                client = self.connected(door)
                for number, filter_ in enumerate(filters, 1):
                    client.send(subscribe(wire.text(filter_.decode()) + b"\0", bytes([2, 0x0b, number])))
                    self.assertEqual(client.packet(), b"\x90\x04\0\x01\0\0")
                # One for the plain ones together, and one for each share, in whatever order; twice, so that none is left over.
                for payload in (b"1", b"2"):
                    client.send(wire.packet(0x30, wire.text("a/b") + b"\0" + payload))
                    copies = [client.packet() for _ in range(4)]
                    self.assertTrue(all(copy.endswith(payload) for copy in copies), copies)
                    identifiers = [set(copy[9:-1:2]) for copy in copies]
                    self.assertEqual(sorted(map(sorted, identifiers)), [[1, 2, 3, 4, 5], [6], [7], [8]])
                client.close()

    # ---- E: absent values ----

    def test_what_is_absent_is_not_assumed(self):
        self.mortise("passwd", "--iterations", "100", self.folder / "passwd", "alice", stdin="secret\nsecret\n")
        self.open_all_doors(
            plugins=[{"name": "passwords", "library": "auth-file.so", "config": {"passwords": "passwd"}},
                     {"name": "tenants", "library": "topic-affix.so", "config": {"prefix": "tenant/%u/"}}],
            hooks={"auth": ["passwords"], "topic": ["tenants"]})
        name, secret = wire.text("alice"), wire.text("secret")
        cases = {"nothing": (2, b"\0\0", NOT_AUTHORIZED), "no password": (0x82, b"\0\x01a" + name, 0x86),
                 "an empty user name": (0xC2, b"\0\x01a" + b"\0\0" + secret, 0x86),
                 "an empty password": (0xC2, b"\0\x01a" + name + b"\0\0", 0x86), "a password alone": (0x42, b"\0\x01a" + secret, NOT_AUTHORIZED),
                 "no client id": (0xC2, b"\0\0" + name + secret, 0)}
        for door in channels.DOORS:
            for case, (flags, payload, code) in cases.items():
                with self.subTest(door=door, case=case):
                    client = self.channel(door)
                    client.send(connect(flags=flags, payload=payload))
                    self.assertEqual(client.packet()[3], code)
                    client.close()

    # ---- G: resources ----

    def test_who_says_connect_slowly_or_nothing_is_closed_in_the_end(self):
        channels.certify(self.folder)
        self.start_broker(listeners=channels.listeners(self.folder), mqtt={"connect_timeout": "1s"})
        before = self.sockets()
        waiting = []
        for door in channels.DOORS:
            for said in (b"", connect()[:5]):
                for _ in range(20):
                    waiting.append(self.channel(door))
                    if said:
                        waiting[-1].send(said)
        drip = self.channel("tcp")  # a byte now and then does not help
        for byte in connect("x" * 5000):
            drip.send(bytes([byte]))
            drip.socket.settimeout(0.01)
            try:
                if drip.socket.recv(1) == b"":
                    break
            except (TimeoutError, ConnectionError):
                pass
        for client in waiting:
            self.assertEqual(client.rest(), b"")
            client.close()
        drip.close()
        self.nothing_is_left(before)
        self.serves("tcp")

    def test_a_flood_of_handshakes_does_not_keep_others_out(self):
        self.open_all_doors()
        before = self.sockets()
        established = self.connected("tls", "established")
        flood = []
        for door in ("tls", "wss"):
            for said in (b"", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\x16\x03\x01\xff\xff" + b"\0" * 100, os.urandom(512)):
                for _ in range(25):
                    flood.append(socket.create_connection(("127.0.0.1", self.broker.ports[channels.DOORS.index(door)]), support.DEADLINE))
                    flood[-1].sendall(said)
        for door in channels.DOORS:
            self.serves(door)
        established.send(PINGREQ)
        self.assertEqual(established.packet(), PINGRESP)
        established.close()
        for client in flood:
            client.close()
        self.nothing_is_left(before)

    def test_a_subscriber_that_does_not_read_holds_nobody_up(self):
        self.open_all_doors(session={"outbox_max_bytes": "256KiB"}, sys={"interval": "1s"})
        for door in channels.DOORS:
            with self.subTest(door=door):
                deaf = self.connected(door, "deaf")
                deaf.send(subscribe(wire.text("flood") + b"\0"))
                self.assertEqual(deaf.packet(), b"\x90\x04\0\x01\0\0")
                sender = self.connected(door, "sender")
                message = wire.packet(0x30, wire.text("flood") + b"\0" + b"x" * 60_000)
                for _ in range(300):  # 18 MB: more than sockets and its outbox hold
                    sender.send(message)
                sender.send(PINGREQ)
                self.assertEqual(sender.packet(), PINGRESP)
                sender.close()
                deaf.close()
        watch = wire.Wire(self.broker.port, "watch")
        self.addCleanup(watch.socket.close)
        watch.subscribe("$SYS/broker/publish/messages/dropped", 0)
        dropped = b"0"
        while int(dropped) < len(channels.DOORS):
            dropped = watch.receive()[1].removeprefix(wire.text("$SYS/broker/publish/messages/dropped"))

    def resident(self):
        return int(pathlib.Path(f"/proc/{self.broker.program.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def test_connecting_and_disconnecting_leaves_nothing_behind(self):
        self.open_all_doors(log={"level": "warning"})

        def rounds(count):
            for number in range(count):
                door = channels.DOORS[number % len(channels.DOORS)]
                client = channels.Channel(self.broker, door)
                client.send(connect(f"client-{number}"))
                self.assertEqual(client.packet()[:1], b"\x20")
                if number % 3:
                    client.send(subscribe(wire.text("t") + b"\0"))
                if number % 2:
                    client.send(b"\xe0\0")
                client.close()

        before = self.sockets()
        rounds(ROUNDS)
        self.nothing_is_left(before)
        descriptors, memory = len(self.descriptors()), self.resident()
        rounds(ROUNDS)
        self.nothing_is_left(before)
        self.assertLessEqual(len(self.descriptors()), descriptors)
        # Each connection that left something would show: there were as many again.
        if "asan" not in support.MORTISE:
            self.assertLess(self.resident() - memory, 4 << 20)
        self.serves("tcp")

    def test_out_of_descriptors_who_is_connected_is_served_and_others_come_in_later(self):
        self.broker = support.Broker(self.folder, {"node": {"data_dir": "data", "loops": 2}})
        self.broker.command = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", support.MORTISE]
        self.addCleanup(self.end_broker)
        self.broker.start()
        first = wire.Wire(self.broker.port, "first")
        crowd = [socket.create_connection(("127.0.0.1", self.broker.port), support.DEADLINE) for _ in range(100)]
        self.broker.program.wait_for("pauses until a connection ends")
        first.socket.sendall(PINGREQ)
        self.assertEqual(first.receive(), (0xD0, b""))
        for client in crowd:
            client.close()
        wire.Wire(self.broker.port, "second").disconnect()
        first.disconnect()

    # ---- H: identity and authorization ----

    def guarded(self):
        for user in ("alice", "#"):
            self.mortise("passwd", "--iterations", "100", self.folder / "passwd", user, stdin="secret\nsecret\n")
        (self.folder / "acl.yaml").write_text('rules: [{allow: all, topics: ["users/%u/#", "open", "will"]}]\n')
        self.open_all_doors(plugins=[{"name": "passwords", "library": "auth-file.so", "config": {"passwords": "passwd", "acl": "acl.yaml"}}],
                            hooks={"auth": ["passwords"]})

    def logged_in(self, door, client_id, user="alice", password="secret", will=False, version=5):
        client = self.channel(door)
        will_payload = (b"\0" if version == 5 else b"") + wire.text("will") + wire.text("gone") if will else b""
        flags = 0xC2 | (0x04 if will else 0)
        client.send(connect(flags=flags, version=version, payload=wire.text(client_id) + will_payload + wire.text(user) + wire.text(password)))
        return client, client.packet()[3]

    def test_a_session_is_taken_over_only_by_who_is_authenticated_and_a_refused_will_is_not_published(self):
        self.guarded()
        for door in channels.DOORS:
            with self.subTest(door=door):
                owner, code = self.logged_in(door, "owner")
                self.assertEqual(code, 0)
                owner.send(subscribe(wire.text("will") + b"\0"))
                self.assertEqual(owner.packet(), b"\x90\x04\0\x01\0\0")
                for user, password in (("alice", "wrong"), ("mallory", "secret")):
                    thief, code = self.logged_in(door, "owner", user, password, will=True)
                    self.assertEqual(code, 0x86)
                    self.assertEqual(thief.rest(), b"")
                thief, code = self.logged_in(door, "owner", "#", will=True)
                self.assertEqual(code, 0x85, "another user's client id")
                owner.send(PINGREQ)
                self.assertEqual(owner.packet(), PINGRESP, "nothing else came before it")
                successor, code = self.logged_in(door, "owner")
                self.assertEqual((code, owner.rest()), (0, disconnect(0x8E)))
                successor.close()

    def test_the_whole_client_id_is_the_key(self):
        self.open_all_doors()
        for door in channels.DOORS:
            with self.subTest(door=door):
                ids = ["x" * 200 + end for end in "abcdefgh"] + ["x" * 200, "X" * 200, " " + "x" * 200]
                clients = [self.connected(door, client_id) for client_id in ids]
                for client in clients:
                    client.send(PINGREQ)
                for client in clients:
                    self.assertEqual(client.packet(), PINGRESP)
                    client.close()

    def test_a_user_named_like_a_wildcard_gets_none_and_denials_are_told_as_the_version_allows(self):
        self.guarded()
        for door in channels.DOORS:
            with self.subTest(door=door):
                client, code = self.logged_in(door, "c", "#")
                self.assertEqual(code, 0)
                for topic in ("users/alice/x", "users/#/x", "closed"):
                    if "#" not in topic:
                        client.send(wire.packet(0x32, wire.text(topic) + b"\0\x07\0"))
                        self.assertEqual(client.packet()[:5], b"\x40\x03\0\x07\x87"[:5])
                    client.send(subscribe(wire.text(topic.replace("/#/x", "/#")) + b"\0"))
                    self.assertEqual(client.packet(), b"\x90\x04\0\x01\0\x87")
                client.close()
                older, code = self.logged_in(door, "older", version=4)
                self.assertEqual(code, 0)
                older.send(wire.packet(0x32, wire.text("closed") + b"\0\x07") + wire.packet(0x82, b"\0\x01" + wire.text("closed") + b"\0"))
                self.assertEqual((older.packet(), older.packet()), (b"\x40\x02\0\x07", b"\x90\x03\0\x01\x80"))
                older.close()
                self.broker.program.wait_for("not authorized")


if __name__ == "__main__":
    support.main()
