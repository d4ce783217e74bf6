"""Every door to a broker as a channel of MQTT bytes: tcp, a Unix socket, behind a proxy, TLS, WebSocket, WebSocket in TLS."""

import socket
import ssl
import struct

import support

UPGRADE = (b"GET /mqtt HTTP/1.1\r\nHost: broker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n")
DOORS = ("tcp", "unix", "ws", "tls", "wss", "proxy")


def listeners(folder):
    """One listener for each door, in their order; `certify` has made what they need."""
    tls = {"certificate": "server.pem", "key": "server.key"}
    return [{"url": "tcp://127.0.0.1:0"}, {"url": f"unix://{folder}/mqtt.sock"}, {"url": "ws://127.0.0.1:0"},
            {"url": "tls://127.0.0.1:0", "tls": tls}, {"url": "wss://127.0.0.1:0", "tls": tls},
            {"url": "tcp://127.0.0.1:0", "allow_anonymous": True, "proxy_protocol": {"from": ["127.0.0.1"]}}]


def certify(folder):
    """A certificate that nobody is asked to trust."""
    support.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", folder / "server.pem")


class Channel:
    """A connection by one door. What is said and heard are the bytes of MQTT, whatever is around them."""

    def __init__(self, broker, door):
        self.is_websocket = door in ("ws", "wss")
        self._raw = self._bytes = b""
        self.has_ended = False
        if door == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(support.DEADLINE)
            self.socket.connect(str(broker.folder / "mqtt.sock"))
        else:
            self.socket = socket.create_connection(("127.0.0.1", broker.ports[DOORS.index(door)]), support.DEADLINE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if door == "proxy":
            self.socket.sendall(b"PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\n")
        if door in ("tls", "wss"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        if self.is_websocket:
            self.socket.sendall(UPGRADE)
            while b"\r\n\r\n" not in self._raw and self._more():
                pass
            head, _, self._raw = self._raw.partition(b"\r\n\r\n")
            assert b" 101 " in head, head

    def send(self, data):
        """What cannot be sent any more is not: how the connection ended is seen by reading."""
        if self.is_websocket:
            size = struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data)) \
                if len(data) < 65536 else struct.pack("!BQ", 0x80 | 127, len(data))
            data = b"\x82" + size + b"\0\0\0\0" + data  # a mask that changes nothing
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def _more(self):
        """False: the connection has ended."""
        try:
            more = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            more = b""
        self._raw += more
        self.has_ended = self.has_ended or not more
        return bool(more)

    def _unwrap(self):
        if not self.is_websocket:
            self._bytes, self._raw = self._bytes + self._raw, b""
            return
        while len(self._raw) >= 2:
            size, at = self._raw[1], 2
            if size == 126 and len(self._raw) >= 4:
                size, at = struct.unpack("!H", self._raw[2:4])[0], 4
            elif size == 127 and len(self._raw) >= 10:
                size, at = struct.unpack("!Q", self._raw[2:10])[0], 10
            if size in (126, 127) and at == 2 or len(self._raw) < at + size:
                return
            if self._raw[0] == 0x82:
                self._bytes += self._raw[at:at + size]
            elif self._raw[0] == 0x88:  # a close frame: nothing follows
                self.has_ended = True
            self._raw = self._raw[at + size:]

    def take(self, count):
        """So many bytes, or fewer when the connection ended before."""
        self._unwrap()
        while len(self._bytes) < count and not self.has_ended and self._more():
            self._unwrap()
        taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken

    def packet(self):
        """The next packet; empty when the connection has ended."""
        head = self.take(2)
        if len(head) < 2:
            return head
        length, shift = head[1] & 0x7F, 7
        while head[-1] & 0x80:
            head += self.take(1)
            length |= (head[-1] & 0x7F) << shift
            shift += 7
        return head + self.take(length)

    def rest(self):
        """Everything up to the end of the connection, which must come."""
        return self.take(1 << 30)

    def close(self):
        self.socket.close()
