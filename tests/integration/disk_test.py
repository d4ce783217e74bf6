"""A disk that gets full while store-sqlite keeps sessions on it: what each policy of on_store_failure tells clients, that nothing
acknowledged is lost, that others are served, and that it goes on by itself when there is room."""

import contextlib
import itertools
import json
import re
import struct
import threading
import time
import types

import small_disk
import support
import wire
from admin_api import Api

DISK, FREE = 3 << 20, 400_000  # bytes of the whole, and what is left of it when clients begin to publish
PAYLOAD = 4000
PINGREQ, PINGRESP = (0xC0, b""), (0xD0, b"")
SERVER_UNAVAILABLE, SERVER_BUSY = 0x88, 0x89
NO_SPACE = "no space is left on its disk: free some"


class Client(wire.Stream):
    """A client of 3.1.1 or 5.0; one that is kept has a session that waits for it."""

    def __init__(self, port, client_id, version, keep=False):
        super().__init__(port)
        self.version, self.ids = version, itertools.count(1)
        properties = b"" if version == 4 else b"\x05\x11\x00\x00\x0e\x10" if keep else b"\0"
        self.say(0x10, wire.text("MQTT") + bytes([version, 0 if keep else 2, 0, 0]) + properties + wire.text(client_id))

    def say(self, first_byte, body=b""):
        self.socket.sendall(wire.packet(first_byte, body))

    def connack(self):
        """Session Present and the code."""
        first_byte, body = self.receive()
        assert first_byte == 0x20, (first_byte, body)
        return body[0], body[1]

    def none(self):
        """No properties, where this version has them."""
        return b"" if self.version == 4 else b"\0"

    def subscribe(self, topic_filter, qos):
        self.say(0x82, b"\0\x01" + self.none() + wire.text(topic_filter) + bytes([qos]))
        assert self.receive()[0] == 0x90

    def publish(self, topic, payload, qos=1, retain=False):
        """Without waiting; the packet id."""
        packet_id = next(self.ids)
        head = wire.text(topic) + (struct.pack("!H", packet_id) if qos else b"") + self.none()
        self.say(0x30 | qos << 1 | retain, head + payload)
        return packet_id

    def delivered(self):
        """Topic and payload of the next message; it is acknowledged."""
        first_byte, body = self.receive()
        assert first_byte & 0xF0 == 0x30, (first_byte, body)
        end = 2 + struct.unpack("!H", body[:2])[0]
        topic, rest = body[2:end].decode(), body[end:]
        if first_byte & 0x06:
            self.say(0x40, rest[:2])
            rest = rest[2:]
        return topic, rest if self.version == 4 else rest[1 + rest[0]:]

    def rest(self):
        """All packets until the connection ends."""
        packets = []
        try:
            while True:
                packets.append(self.receive())
        except ConnectionError:
            return packets

    def ping(self):
        self.say(*PINGREQ)
        return self.receive() == PINGRESP

    def close(self):
        self.socket.close()


class DiskTest(support.BrokerTest):
    make_disk = staticmethod(small_disk.small_disk)

    def start(self, policy, size=DISK, **config):
        self.disk = self.make_disk(self.folder, size)
        self.addCleanup(self.disk.close)
        store = {"name": "queue", "library": "store-sqlite.so", "on_failure": {"store": policy}, "config": {"path": str(self.disk.name / "mortise.db")}}
        self.broker = support.Broker(self.folder, {
            "node": {"data_dir": str(self.disk.name / "data"), "loops": 2}, "admin": {"url": "http://127.0.0.1:0"}, "sys": {"interval": "1s"},
            "plugins": [store], "hooks": {"store": "queue"}, "session": {"queue": {"max_messages": 100_000}}, **config})
        self.addCleanup(self.end_broker)
        self.start_again()

    def start_again(self):
        self.disk.prepare(self.broker)
        self.broker.start()
        self.api = Api(types.SimpleNamespace(folder=self.disk.path))

    def client(self, client_id, version=5, keep=False):
        """Before its CONNACK."""
        made = Client(self.broker.port, client_id, version, keep)
        self.addCleanup(made.close)
        return made

    def connected(self, client_id, version=5, keep=False):
        made = self.client(client_id, version, keep)
        self.assertEqual(made.connack()[1], 0)
        return made

    def until(self, holds, what):
        end = time.monotonic() + support.DEADLINE
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.01)

    def metric(self, name):
        found = re.search(rf"^mortise_{re.escape(name)} (\d+)$", self.api.raw("GET", "/metrics")[1], re.MULTILINE)
        return int(found[1]) if found else 0

    def log(self):
        """What was logged until now."""
        program = self.broker.program
        while not program._arriving.empty():
            program.next_line(time.monotonic())
        return program.lines

    # ---- What every policy has in common ----

    def somebody_is_away(self):
        """A session of each version that wants what is published below kept/."""
        for version in (4, 5):
            client = self.connected(f"away-{version}", version, keep=True)
            client.subscribe("kept/#", 1)
            client.say(0xE0)
            client.close()

    def numbered(self):
        """Payloads that differ, each with a number that is unique in this test."""
        if not hasattr(self, "numbers"):
            self.numbers = itertools.count(1)
        return f"{next(self.numbers):06}".encode().ljust(PAYLOAD, b"x")

    def others_are_served(self):
        """QoS 0, clients whose sessions end with their connections, and every listener."""
        for version in (4, 5):
            subscriber, publisher = self.connected("passing-subscriber", version), self.connected("passing-publisher", version)
            subscriber.subscribe("live", 1)
            for qos in (0, 1):
                publisher.publish("live", b"news", qos)
                self.assertEqual(subscriber.delivered(), ("live", b"news"))
            self.assertEqual(publisher.receive()[0], 0x40, "nobody's session has to keep it: acknowledged as ever")
            self.assertTrue(publisher.ping() and subscriber.ping())
            subscriber.close()
            publisher.close()

    def it_is_told(self):
        """Metrics, $SYS and one line that names the thing and the remedy, however often it is tried."""
        failures = [f'plugin_failures_total{{plugin="queue",hook="store.{hook}",kind="error"}}' for hook in ("open", "commit")]
        self.until(lambda: sum(map(self.metric, failures)) >= 4, "it is tried again")
        self.assertEqual(self.metric("store_failing"), 1)
        self.sys_says(b"1")
        log = self.log()
        began = max((at for at, line in enumerate(log) if "works again" in line), default=0)
        lines = [line for line in log[began:] if "mortise.db" in line or "cannot make messages durable" in line]
        self.assertEqual(len(lines), 2, lines)
        self.assertIn(f"{self.disk.name}/mortise.db: {NO_SPACE}", lines[0])

    def sys_says(self, value):
        watch = self.connected("watch")
        watch.subscribe("$SYS/broker/store/failing", 0)
        while watch.delivered()[1] != value:
            pass
        watch.close()

    def it_goes_on_by_itself(self):
        self.disk.make_room(self.broker)
        self.broker.program.wait_for("works again")
        self.until(lambda: self.metric("store_failing") == 0, "the metric says so")
        self.sys_says(b"0")

    def nothing_acknowledged_is_lost(self, *acknowledged):
        """Whoever was away gets it, each list in its order, after SIGKILL too; what was not acknowledged may come as well."""
        self.broker.kill()
        self.start_again()
        for version in (4, 5):
            client = self.client(f"away-{version}", version, keep=True)
            self.assertEqual(client.connack(), (1, 0))
            got, missing = [], set().union(*acknowledged)
            while missing:
                got.append(client.delivered()[1])
                missing.discard(got[-1])
            order = {payload: at for at, payload in enumerate(got)}
            for payloads in acknowledged:
                self.assertEqual([payload[:6] for payload in payloads], [payload[:6] for payload in sorted(payloads, key=order.get)])

    def publish_until_refused(self, publishers):
        """In turn, each waiting for its PUBACK. What was acknowledged, and what each was told in the end."""
        acknowledged, ends = [], {}
        while len(ends) < len(publishers):
            for publisher in publishers:
                if publisher.version in ends:
                    continue
                payload = self.numbered()
                packet_id = publisher.publish("kept/a", payload)
                try:
                    first_byte, body = publisher.receive()
                except ConnectionError:
                    ends[publisher.version] = None
                    continue
                if first_byte == 0x40:
                    self.assertEqual(struct.unpack("!H", body[:2])[0], packet_id)
                    acknowledged.append(payload)
                else:
                    ends[publisher.version] = (first_byte, body[:1])
                    self.assertEqual(publisher.rest(), [])
        return acknowledged, ends


class RefusePersistent(DiskTest):
    def test_who_would_wait_is_refused_with_a_reason_and_nothing_acknowledged_is_lost(self):
        self.start("refuse_persistent")
        self.somebody_is_away()
        idle = self.connected("idle", keep=True)
        idle.subscribe("live", 0)
        self.disk.fill(self.broker, FREE)
        acknowledged, ends = self.publish_until_refused([self.connected("p4", 4), self.connected("p5", 5)])
        self.assertGreater(len(acknowledged), 4)
        self.assertEqual(ends, {4: None, 5: (0xE0, bytes([SERVER_BUSY]))})
        self.disk.fill(self.broker, 0)
        self.assertEqual(self.client("late-4", 4, keep=True).connack(), (0, 3))
        self.assertEqual(self.client("late-5", 5, keep=True).connack(), (0, SERVER_UNAVAILABLE))
        retaining = self.connected("retaining")
        retaining.publish("state", b"not kept", retain=True)
        self.assertEqual(retaining.rest()[0][:1], (0xE0,), "what is retained must be kept as well")
        self.others_are_served()
        self.it_is_told()
        self.assertEqual(self.metric("store_refusals_total"), 5)
        for _ in range(4):
            self.assertEqual(idle.delivered(), ("live", b"news"), "who was connected stays")

        self.it_goes_on_by_itself()
        publisher = self.connected("p5", 5)
        payload = self.numbered()
        for topic, retain in (("kept/a", False), ("state", True)):
            publisher.publish(topic, payload, retain=retain)
            self.assertEqual(publisher.receive()[0], 0x40)
        self.assertEqual(self.client("late-4", 4, keep=True).connack(), (0, 0))
        self.nothing_acknowledged_is_lost([*acknowledged, payload])
        reader = self.connected("reader")
        reader.subscribe("state", 0)
        self.assertEqual(reader.delivered(), ("state", payload))


class LimitedFiles(RefusePersistent):
    """The same where files may not grow, as with `ulimit -f`: another error than that of a full disk, and a signal."""
    make_disk = staticmethod(small_disk.LimitedDisk)


class StopAcks(DiskTest):
    def test_who_waits_is_answered_when_there_is_room(self):
        self.start("stop_acks")
        self.somebody_is_away()
        self.disk.fill(self.broker, FREE)
        publishers = [self.connected(f"p{version}", version) for version in (4, 5)]
        waiting = [[], []]

        def publish(which):
            waiting[which].append(self.numbered())
            publishers[which].publish("kept/a", waiting[which][-1])

        while not self.metric("store_failing"):
            publish(0)
        self.disk.fill(self.broker, 0)
        for which in (0, 1, 0, 1):
            publish(which)
        late = [self.client(f"late-{version}", version, keep=True) for version in (4, 5)]
        self.others_are_served()
        self.it_is_told()
        self.assertEqual(self.metric("store_refusals_total"), 0)
        self.assertGreater(self.metric("connections_parked"), 5, "PUBACK and CONNACK")

        self.it_goes_on_by_itself()
        for client in late:
            self.assertEqual(client.connack(), (0, 0))
        for publisher, payloads in zip(publishers, waiting):
            for packet_id in range(1, len(payloads) + 1):
                first_byte, body = publisher.receive()
                self.assertEqual((first_byte, struct.unpack("!H", body[:2])[0]), (0x40, packet_id))
        self.nothing_acknowledged_is_lost(*waiting)


    def test_what_a_failing_store_is_given_is_bounded_and_then_qos_0_and_subscribing_go_on(self):
        self.start("stop_acks", size=256 << 20)
        away = self.connected("away", 4, keep=True)
        away.subscribe("kept/#", 1)
        away.close()
        self.disk.fill(self.broker, 0)
        # By the loop of the session, and by the other: 16 MiB for each of them, and all four wait.
        publishers = [self.connected(f"p-{number}", 4) for number in range(4)]

        def publish(client):  # more than all of them may
            with contextlib.suppress(OSError):
                for _ in range(150):
                    client.publish("kept/a", b"x" * 250_000)

        for publisher in publishers:
            threading.Thread(target=publish, args=(publisher,), daemon=True).start()
        self.until(lambda: all(self.metric("publishers_stalled") == 4 for _ in range(20)), "publishers of every loop wait")
        self.assertLess(self.metric("connections_parked"), 160)
        for number in range(4):
            subscriber, other = self.connected(f"subscriber-{number}"), self.connected(f"other-{number}", 4)
            subscriber.subscribe("live", 0)
            other.publish("live", b"news", 0)
            self.assertEqual(subscriber.delivered(), ("live", b"news"))
            self.assertTrue(other.ping() and subscriber.ping())
            subscriber.close()
            other.close()
        self.assertEqual(self.metric("publishers_stalled"), 4, "all that while")
        self.it_goes_on_by_itself()
        for publisher in publishers:
            self.assertEqual(publisher.receive()[0], 0x40)


class MemoryOnly(DiskTest):
    def test_everything_goes_on_and_is_stored_when_there_is_room(self):
        self.start("memory_only")
        self.somebody_is_away()
        self.disk.fill(self.broker, FREE)
        publisher, acknowledged = self.connected("p"), []

        def publish():
            acknowledged.append(self.numbered())
            publisher.publish("kept/a", acknowledged[-1])
            self.assertEqual(publisher.receive()[0], 0x40)

        while not self.metric("store_failing"):
            publish()
        self.disk.fill(self.broker, 0)
        for _ in range(50):
            publish()
        late = self.connected("late", 4, keep=True)
        late.subscribe("kept/#", 1)
        publish()
        self.assertEqual(late.delivered(), ("kept/a", acknowledged[-1]))
        self.others_are_served()
        self.it_is_told()
        self.assertEqual(self.metric("store_refusals_total"), 0)

        self.it_goes_on_by_itself()
        publish()  # stored, and what was acknowledged before it
        self.nothing_acknowledged_is_lost(acknowledged)
        self.assertEqual(self.client("late", 4, keep=True).connack(), (1, 0))


class Ends(DiskTest):
    def test_a_full_disk_is_one_clear_error_at_start_and_holds_up_no_end(self):
        self.start("refuse_persistent")
        self.somebody_is_away()
        self.disk.fill(self.broker, FREE)
        acknowledged, _ = self.publish_until_refused([self.connected("p5", 5)])
        self.assertEqual(self.broker.stop(), 0)
        self.disk.fill(self.broker, 0)
        # The store can be read when the files that SQLite needs for that are still there; then it is the next file that is named.
        self.refuses_to_start(f'{self.disk.name}/mortise.db: {NO_SPACE}|data/admin.url" cannot be written: .*; free some space')
        self.disk.make_room(self.broker)
        self.start_again()
        self.nothing_acknowledged_is_lost(acknowledged)

    def ends_while_full(self, policy, answers):
        self.start(policy)
        self.somebody_is_away()
        publisher, kept = self.connected("p5", 5), self.numbered()
        publisher.publish("kept/a", kept)
        self.assertEqual(publisher.receive()[0], 0x40)
        self.disk.fill(self.broker, 0)
        while not self.metric("store_failing"):
            publisher.publish("kept/a", self.numbered())
        program = self.broker.program
        program.process.terminate()
        self.assertEqual({first_byte for first_byte, _ in publisher.rest()}, answers | {0xE0})
        publisher.close()
        self.assertEqual(program.wait(), 0)
        program.kill()  # it has ended: its pipe is closed
        self.assertEqual(sum("stopping although it fails: what it was given since is lost" in line for line in program.lines), 1)
        self.disk.make_room(self.broker)
        self.start_again()
        self.nothing_acknowledged_is_lost([kept])

    def test_stop_acks_ends_while_it_holds_answers_back(self):
        self.ends_while_full("stop_acks", set())

    def test_memory_only_ends_and_says_that_memory_is_lost(self):
        self.ends_while_full("memory_only", {0x40})

    def test_the_first_start_on_a_full_disk_is_one_clear_error(self):
        self.start("refuse_persistent")
        self.assertEqual(self.broker.stop(), 0)
        for file in self.disk.path.rglob("*"):
            if file.is_file():
                file.unlink()
        self.disk.fill(self.broker, 0)
        self.refuses_to_start(f"plugin queue (.*): {self.disk.name}/mortise.db: {NO_SPACE}")
        (self.disk.path / "mortise.db").unlink()
        del self.broker.config["plugins"], self.broker.config["hooks"]
        self.refuses_to_start(f'admin.token_file "{self.disk.name}/data/admin.token" cannot be made: .*; ')
        self.assertEqual(list((self.disk.path / "data").iterdir()), [], "nothing half written")
        self.disk.make_room(self.broker)
        self.start_again()

    def refuses_to_start(self, pattern):
        self.disk.prepare(self.broker)
        self.broker.file.write_text(json.dumps(self.broker.config))
        done = support.run(*self.broker.command, "run", "--config", self.broker.file)
        self.assertNotEqual(done.returncode, 0)
        lines = (done.stdout + done.stderr).splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], pattern)


class Bans(DiskTest):
    def test_a_ban_that_cannot_be_written_is_no_ban_and_the_old_ones_stay(self):
        self.start("refuse_persistent")
        ban = {"kind": "client_id", "what": "bad", "reason": "r" * 1000}
        self.assertEqual(self.api.ask("POST", "/api/v1/bans", {**ban, "what": "old"})[0], 200)
        file, listed = self.disk.path / "data" / "bans.json", self.api.get("/api/v1/bans")
        written = file.read_bytes()
        for leave in (0, small_disk.PAGE):  # nothing of the new file can be written, or its beginning
            with self.subTest(leave=leave):
                self.disk.fill(self.broker, leave)
                for method, target, body in (("POST", "/api/v1/bans", {**ban, "what": "b" * 4096}), ("DELETE", "/api/v1/bans/client_id/old", None)):
                    if leave and method == "DELETE":
                        continue  # it has room for what is left
                    status, answer = self.api.ask(method, target, body)
                    self.assertEqual(status, 503, answer)
                    self.assertRegex(answer["error"]["message"], f'the bans in "{self.disk.name}/data/bans.json" cannot be written: (No space left|File too large).*; ')
                self.assertEqual(self.api.get("/api/v1/bans"), listed)
                self.assertEqual(file.read_bytes(), written)
                self.assertEqual(sorted(found.name for found in file.parent.iterdir()), ["admin.token", "admin.url", "bans.json"])
                self.assertEqual(self.client("b" * 4096).connack()[1], 0, "not banned")
                self.assertEqual(self.client("old").connack()[1], 0x8A, "banned as before")
                self.disk.make_room(self.broker)
        self.assertEqual(self.api.ask("POST", "/api/v1/bans", ban)[0], 200)
        self.assertEqual(self.client("bad").connack()[1], 0x8A)


if __name__ == "__main__":
    support.main()
