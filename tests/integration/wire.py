"""Just enough MQTT 3.1.1, byte by byte, for what no client shows: which acknowledgement came, and when a connection broke."""

import socket
import struct


def text(value):
    return struct.pack("!H", len(value)) + value.encode()


def packet(first_byte, body):
    length = b""
    rest = len(body)
    while True:
        length += bytes([rest % 128 | (0x80 if rest >= 128 else 0)])
        rest //= 128
        if rest == 0:
            return bytes([first_byte]) + length + body


class Stream:
    """A connection on which everything is said by hand. Its functions raise ConnectionError when it breaks."""

    def __init__(self, port, timeout=60, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._bytes = b""

    def _take(self, count):
        while len(self._bytes) < count:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the connection ended")
            self._bytes += more
        taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken

    def receive(self):
        """The first byte and the body of the next packet."""
        first_byte = self._take(1)[0]
        length = shift = 0
        while True:
            byte = self._take(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first_byte, self._take(length)


class Wire(Stream):
    """A connection that has its CONNACK."""

    def __init__(self, port, client_id, user=None, password=None, clean=True, timeout=60):
        super().__init__(port, timeout)
        flags = (0x02 if clean else 0) | (0xC0 if user else 0)
        body = text("MQTT") + bytes([4, flags, 0, 0]) + text(client_id)
        self.socket.sendall(packet(0x10, body + (text(user) + text(password) if user else b"")))
        first_byte, body = self.receive()
        assert first_byte == 0x20 and body[1] == 0, (first_byte, body)
        self.session_present = bool(body[0])

    def subscribe(self, topic_filter, qos):
        self.socket.sendall(packet(0x82, struct.pack("!H", 1) + text(topic_filter) + bytes([qos])))
        first_byte, body = self.receive()
        assert first_byte == 0x90 and body[2] == qos, (first_byte, body)

    def publish(self, topic, payload, packet_id):
        """At QoS 1, without waiting."""
        self.socket.sendall(packet(0x32, text(topic) + struct.pack("!H", packet_id) + payload.encode()))

    def acknowledgement(self):
        """The packet id of the next PUBACK."""
        first_byte, body = self.receive()
        assert first_byte == 0x40, first_byte
        return struct.unpack("!H", body[:2])[0]

    def disconnect(self):
        self.socket.sendall(b"\xe0\0")
        self.socket.close()
