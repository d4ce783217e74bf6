"""Enhanced authentication by SCRAM-SHA-256 with auth-file, spoken byte by byte by a client of its own (RFC 5802, RFC 7677)."""

import base64
import hashlib
import hmac
import os
import struct

import support
from wire import Stream, packet, text

CONNACK, PUBACK, SUBACK, DISCONNECT, AUTH = 0x20, 0x40, 0x90, 0xE0, 0xF0
SUCCESS, CONTINUE, AGAIN = 0x00, 0x18, 0x19
PROTOCOL_ERROR, BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED, BAD_METHOD, TAKEN_OVER = 0x82, 0x86, 0x87, 0x8C, 0x8E
METHOD, DATA = 0x15, 0x16
SCRAM = "SCRAM-SHA-256"

ACL = """
rules:
  - { allow: all, topics: ["%u/#"] }
"""


def hmac_sha256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def attribute(message, letter):
    return next(part[2:] for part in message.decode().split(",") if part.startswith(letter + "="))


class Scram:
    """The client's side of one exchange."""

    def __init__(self, user, password, nonce=None, header="n,,"):
        self.password = password.encode()
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.header = header
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, challenge):
        nonce = attribute(challenge, "r")
        assert nonce.startswith(self.nonce) and len(nonce) > len(self.nonce), challenge
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(attribute(challenge, "s")),
                                     int(attribute(challenge, "i")))
        without_proof = f"c={base64.b64encode(self.header.encode()).decode()},r={nonce}"
        message = ",".join([self.bare, challenge.decode(), without_proof]).encode()
        key = hmac_sha256(salted, b"Client Key")
        signature = hmac_sha256(hashlib.sha256(key).digest(), message)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        self.expected = b"v=" + base64.b64encode(hmac_sha256(hmac_sha256(salted, b"Server Key"), message))
        return f"{without_proof},p={proof}".encode()


def properties(*items):
    """Authentication Method and Data, None left out."""
    body = b"".join(bytes([kind]) + struct.pack("!H", len(value)) + value for kind, value in items if value is not None)
    return bytes([len(body)]) + body if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128]) + body


def read_properties(body):
    """Those of AUTH and CONNACK that hold a length: the others of CONNACK are numbers."""
    numbers = {0x11: 4, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1, 0x13: 2}
    at = 1 if body[0] < 128 else 2
    found = {}
    while at < len(body):
        kind = body[at]
        if kind in numbers:
            at += 1 + numbers[kind]
            continue
        size = struct.unpack("!H", body[at + 1:at + 3])[0]
        found[kind] = body[at + 3:at + 3 + size]
        at += 3 + size
    return found


class Client(Stream):
    """A 5.0 connection on which everything is said by hand."""

    def __init__(self, port):
        super().__init__(port, support.DEADLINE)

    def close(self):
        self.socket.close()

    def connect(self, client_id, data=None, method=SCRAM):
        method = None if method is None else method.encode()
        body = text("MQTT") + bytes([5, 2, 0, 0]) + properties((METHOD, method), (DATA, data)) + text(client_id)
        self.socket.sendall(packet(0x10, body))

    def auth(self, code, data=None, method=SCRAM):
        self.socket.sendall(packet(0xF0, bytes([code]) + properties((METHOD, method.encode()), (DATA, data))))

    def ended(self):
        try:
            return not self._bytes and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def publish(self, topic, packet_id):
        """At QoS 1; the Reason Code of its PUBACK."""
        self.socket.sendall(packet(0x32, text(topic) + struct.pack("!H", packet_id) + b"\0" + b"x"))
        kind, body = self.receive()
        assert kind == PUBACK, (kind, body)
        return body[2] if len(body) > 2 else 0


class ScramTest(support.BrokerTest):
    def setUp(self):
        super().setUp()
        for user, password in (("alice", "wonderland"), ("a,b=c", "odd")):
            self.mortise("passwd", "--iterations", "100", self.folder / "passwd", user, stdin=f"{password}\n{password}\n")
        (self.folder / "acl.yaml").write_text(ACL)
        self.start_broker(
            plugins=[{"name": "passwords", "library": "auth-file.so",
                      "config": {"passwords": "passwd", "acl": "acl.yaml", "cache_ms": 0}}],
            hooks={"auth": ["passwords"]}, mqtt={"connect_timeout": "60s"})

    def client(self):
        client = Client(self.broker.port)
        self.addCleanup(client.close)
        return client

    def challenged(self, client, kind=AUTH):
        """The Authentication Data of the AUTH that must come."""
        came, body = client.receive()
        self.assertEqual((came, body[0]), (kind, CONTINUE), body)
        found = read_properties(body[1:])
        self.assertEqual(found[METHOD], SCRAM.encode())
        return found[DATA]

    def log_in(self, client_id="c", user="alice", password="wonderland"):
        client, scram = self.client(), Scram(user, password)
        client.connect(client_id, scram.first())
        client.auth(CONTINUE, scram.final(self.challenged(client)))
        kind, body = client.receive()
        self.assertEqual((kind, body[1]), (CONNACK, SUCCESS), body)
        found = read_properties(body[2:])
        self.assertEqual((found[METHOD], found[DATA]), (SCRAM.encode(), scram.expected))
        return client

    def refused(self, client, code):
        kind, body = client.receive()
        self.assertEqual((kind, body[1]), (CONNACK, code), body)
        self.assertTrue(client.ended())

    def disconnected(self, client, code):
        kind, body = client.receive()
        self.assertEqual((kind, body[0]), (DISCONNECT, code), body)
        self.assertTrue(client.ended())

    @support.proves("5.0 MQTT-4.12.0-2", "5.0 MQTT-4.12.0-5")
    def test_the_right_password_lets_in_and_the_broker_proves_itself(self):
        for number in range(8):  # on both loops
            self.log_in(f"c{number}")
        client = self.log_in("odd", "a,b=c", "odd")
        self.assertEqual(client.publish("a,b=c/x", 1) & 0x80, 0)
        self.assertEqual(client.publish("alice/x", 2), NOT_AUTHORIZED)

    @support.proves("5.0 MQTT-4.12.0-4")
    def test_wrong_passwords_and_unknown_users_are_refused_alike(self):
        salts = {}
        for user, password in (("alice", "wunderland"), ("mallory", "wonderland"), ("mallory", "")):
            with self.subTest(user=user, password=password):
                client, scram = self.client(), Scram(user, password)
                client.connect("c", scram.first())
                challenge = self.challenged(client)
                self.assertEqual(attribute(challenge, "i"), "100")
                salts.setdefault(user, set()).add(attribute(challenge, "s"))
                client.auth(CONTINUE, scram.final(challenge))
                self.refused(client, BAD_USER_NAME_OR_PASSWORD)
        self.assertEqual({len(salt) for each in salts.values() for salt in each}, {24})
        self.assertEqual(len(salts["mallory"]), 1, "the same salt each time")

    def test_a_proof_is_good_once(self):
        client, scram = self.client(), Scram("alice", "wonderland", nonce="fixed")
        client.connect("c", scram.first())
        proof = scram.final(self.challenged(client))
        client.auth(CONTINUE, proof)
        self.assertEqual(client.receive()[0], CONNACK)
        another = self.client()
        another.connect("c2", scram.first())
        self.challenged(another)
        another.auth(CONTINUE, proof)
        self.refused(another, BAD_USER_NAME_OR_PASSWORD)

    @support.proves("5.0 MQTT-4.12.0-1")
    def test_other_methods_are_refused(self):
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "x"):
            client = self.client()
            client.connect("c", b"n,,n=alice,r=x", method)
            self.refused(client, BAD_METHOD)

    def test_channel_binding_and_what_is_no_scram_is_refused(self):
        for data in (b"p=tls-unique,,n=alice,r=x", b"n,a=bob,n=alice,r=x", b"n,,n=alice", b"", None):
            client = self.client()
            client.connect("c", data)
            self.refused(client, NOT_AUTHORIZED)
        client = self.client()
        client.connect("c", Scram("alice", "wonderland", header="y,,").first())
        self.challenged(client)

    def test_nothing_but_auth_and_disconnect_is_taken_before_connack(self):
        publish = packet(0x30, text("alice/x") + b"\0" + b"x")
        ping, no_method = b"\xc0\0", packet(0xF0, bytes([CONTINUE, 0]))
        for data in (publish, ping, no_method, packet(0xF0, b"")):
            client = self.client()
            client.connect("c", Scram("alice", "wonderland").first())
            self.challenged(client)
            client.socket.sendall(data)
            self.refused(client, PROTOCOL_ERROR)
        for code, method in ((AGAIN, SCRAM), (SUCCESS, SCRAM), (CONTINUE, "x")):
            client = self.client()
            client.connect("c", Scram("alice", "wonderland").first())
            self.challenged(client)
            client.auth(code, b"x", method)
            self.refused(client, PROTOCOL_ERROR)
        first = self.client()
        first.auth(CONTINUE, b"x")
        self.assertTrue(first.ended())

    def test_auth_without_a_method_in_connect_is_a_protocol_error(self):
        client = self.client()
        body = text("MQTT") + bytes([5, 0xC2, 0, 0]) + b"\0" + text("c") + text("alice") + text("wonderland")
        client.socket.sendall(packet(0x10, body))
        kind, body = client.receive()
        self.assertEqual((kind, body[1]), (CONNACK, SUCCESS))
        self.assertNotIn(METHOD, read_properties(body[2:]))
        client.auth(AGAIN, Scram("alice", "wonderland").first())
        self.disconnected(client, PROTOCOL_ERROR)

    def test_an_exchange_may_be_cut_at_any_point(self):
        for says_so in (True, False):
            client = self.client()
            client.connect("c", Scram("alice", "wonderland").first())
            self.challenged(client)
            if says_so:
                client.socket.sendall(b"\xe0\0")
                self.assertTrue(client.ended())
            client.close()
        again = self.log_in()
        again.auth(AGAIN, Scram("alice", "wonderland").first())
        self.challenged(again)
        again.close()
        self.log_in()

    def test_a_connected_client_authenticates_again_while_its_traffic_goes_on(self):
        client = self.log_in()
        for number in range(2):
            scram = Scram("alice", "wonderland")
            client.auth(AGAIN, scram.first())
            challenge = self.challenged(client)
            self.assertEqual(client.publish("alice/x", 1) & 0x80, 0)
            client.auth(CONTINUE, scram.final(challenge))
            kind, body = client.receive()
            self.assertEqual((kind, body[0]), (AUTH, SUCCESS))
            self.assertEqual(read_properties(body[1:]), {METHOD: SCRAM.encode(), DATA: scram.expected})
            self.assertEqual(client.publish("alice/x", 2) & 0x80, 0)

    @support.proves("5.0 MQTT-4.12.1-2")
    def test_who_fails_to_authenticate_again_is_disconnected(self):
        for user, password in (("alice", "wunderland"), ("mallory", "x"), ("a,b=c", "odd")):  # the last is another user
            with self.subTest(user=user):
                client, scram = self.log_in(), Scram(user, password)
                client.auth(AGAIN, scram.first())
                client.auth(CONTINUE, scram.final(self.challenged(client)))
                self.disconnected(client, NOT_AUTHORIZED)
        client = self.log_in()
        client.auth(AGAIN, b"no scram")
        self.disconnected(client, NOT_AUTHORIZED)
        client = self.log_in()
        client.auth(AGAIN, b"x", "another")
        self.disconnected(client, PROTOCOL_ERROR)
        client = self.log_in()
        client.auth(CONTINUE, b"x")
        self.disconnected(client, PROTOCOL_ERROR)

    def test_a_client_that_is_taken_over_while_it_authenticates_again_is_told_so(self):
        client = self.log_in()
        client.auth(AGAIN, Scram("alice", "wonderland").first())
        self.challenged(client)
        self.log_in()
        self.disconnected(client, TAKEN_OVER)


if __name__ == "__main__":
    support.main()
