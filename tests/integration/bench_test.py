"""What `mortise bench` says about a server that does something wrong, or is slow: against one made for it."""

import json
import socket
import struct
import threading
import time
import unittest

import support
import wire


class Served(wire.Wire):
    """The server's end of a connection."""

    def __init__(self, accepted):
        self.socket = accepted
        self._bytes = b""


class Server:
    """Two pairs at most, at QoS 0 or 1, in MQTT 5. `passes_on(number, topic, payload)` says what becomes of each message: a list of
    (topic, payload); `acknowledges(number, payload)` whether it is acknowledged, and may take its time."""

    def __init__(self, pairs, passes_on=None, acknowledges=None, receive_maximum=100):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs, self.receive_maximum = pairs, receive_maximum
        self.passes_on = passes_on or (lambda number, topic, payload: [(topic, payload)])
        self.acknowledges = acknowledges or (lambda number, payload: True)
        self.subscribers, self.publishers, self.payloads = {}, [], []
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for _ in range(2 * self.pairs):
            self.greet(Served(self.listener.accept()[0]))
        threads = [threading.Thread(target=self.relay, args=(one,), daemon=True) for one in self.publishers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self):
        self.thread.join(support.DEADLINE)
        for client in (*self.publishers, *self.subscribers.values()):
            client.socket.close()
        self.listener.close()

    def greet(self, client):
        connect = client.receive()[1]
        client.socket.sendall(wire.packet(0x20, b"\0\0" + b"\3\x21" + struct.pack("!H", self.receive_maximum)))
        if b"-p" in connect:
            self.publishers.append(client)
            return
        request = client.receive()[1]
        topic = request[5:5 + struct.unpack("!H", request[3:5])[0]]
        client.socket.sendall(wire.packet(0x90, request[:2] + b"\0" + request[-1:]))
        self.subscribers[topic] = client

    def relay(self, publisher):
        try:
            while True:
                first_byte, body = publisher.receive()
                self.take(publisher, first_byte, body)
        except ConnectionError:  # the bench has ended
            pass

    def take(self, publisher, first_byte, body):
        qos = first_byte >> 1 & 3
        end = 2 + struct.unpack("!H", body[:2])[0]
        topic, packet_id, payload = body[2:end], body[end:end + 2 * qos], body[end + 2 * qos + 1:]
        with self.lock:
            number = len(self.payloads)
            self.payloads.append(payload)
            for to, passed in self.passes_on(number, topic, payload):
                self.subscribers[to].socket.sendall(wire.packet(0x30, struct.pack("!H", len(to)) + to + b"\0" + passed))
        if qos and self.acknowledges(number, payload):
            publisher.socket.sendall(wire.packet(0x40, packet_id))


def intended_at(payload):
    """Seconds of the steady clock."""
    return struct.unpack("<q", payload[8:16])[0] / 1e9


class Bench(unittest.TestCase):
    def bench(self, server, *arguments, status):
        self.addCleanup(server.close)
        done = support.run(support.MORTISE, "bench", "pairs", "-p", server.port, "-V", "5", "--verify", "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def test_it_sees_what_is_lost_damaged_twice_or_out_of_order(self):
        kept_back = []

        def passes_on(number, topic, payload):
            if number == 10:
                return []
            if number == 20:
                return [(topic, payload)] * 2
            if number == 30:
                kept_back.append((topic, payload))
                return []
            if number == 31:
                return [(topic, payload), kept_back.pop()]
            if number == 40:
                return [(topic, payload[:-1] + b"?")]
            return [(topic, payload)]

        report = self.bench(Server(1, passes_on), "-N", "1", "--messages", "100", "--window", "0", status=1)
        self.assertEqual({key: report[key] for key in ("sent", "delivered", "duplicates", "order_errors", "damaged", "lost")},
                         {"sent": 100, "delivered": 100, "duplicates": 1, "order_errors": 1, "damaged": 1, "lost": 2})

    def test_it_sees_a_message_that_was_meant_for_somebody_else(self):
        def passes_on(number, topic, payload):
            other = next(one for one in server.subscribers if one != topic)
            return [(other if number == 10 else topic, payload)]

        server = Server(2, passes_on)
        report = self.bench(server, "-N", "2", "--messages", "100", "--window", "0", status=1)
        self.assertEqual((report["delivered"], report["damaged"], report["lost"]), (100, 1, 1))

    def test_latency_counts_from_when_a_message_was_due_also_while_the_server_keeps_it_from_being_sent(self):
        def acknowledges(number, payload):
            if number == 20:  # nothing can be sent until then: one message at a time is what CONNACK allowed
                threading.Event().wait(max(0, intended_at(payload) + 0.5 - time.monotonic()))
            return True

        server = Server(1, acknowledges=acknowledges, receive_maximum=1)
        report = self.bench(server, "-N", "1", "-q", "1", "--rate", "200", "--seconds", "0.5", status=0)
        # What was due when the time was over is sent all the same, and every message bears the time it was due.
        self.assertEqual((report["sent"], report["unsent"], report["lost"]), (100, 0, 0))
        for number, payload in enumerate(server.payloads):
            self.assertAlmostEqual(intended_at(payload) - intended_at(server.payloads[0]), number / 200, places=6)
        # Number 20 was due at 0.1 s and answered at 0.6 s, the last one due at 0.495 s: all but 21 waited 0.1 s or more.
        self.assertGreaterEqual(report["latency_us"]["p50"], 100_000)
        self.assertGreaterEqual(report["latency_us"]["p99"], 450_000)

    def test_what_was_due_and_never_taken_is_lost(self):
        server = Server(1, acknowledges=lambda number, payload: number < 20, receive_maximum=1)
        report = self.bench(server, "-N", "1", "-q", "1", "--rate", "1000", "--seconds", "0.1", status=1)
        self.assertEqual((report["sent"], report["unsent"], report["delivered"], report["lost"]), (21, 79, 21, 79))


if __name__ == "__main__":
    support.main()
