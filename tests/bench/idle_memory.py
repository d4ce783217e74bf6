"""What idle clients cost a broker in memory: resident bytes before, with connections, and with a subscription each."""

import pathlib
import socket
import struct

import contenders

WARM_UP = 300  # clients before the first measurement: what their batches need once is there


def text(value):
    return struct.pack("!H", len(value)) + value.encode()


def packet(first_byte, body):
    assert len(body) < 128
    return bytes([first_byte, len(body)]) + body


def resident_bytes(pid):
    """Anonymous memory only: pages of the program's file come and go with what else runs."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"compare: /proc/{pid}/smaps_rollup does not look as it should")


class IdleClient:
    def __init__(self, port, number, needs_user):
        self.socket = socket.create_connection(("127.0.0.1", port), contenders.DEADLINE)
        flags = 0x02 | (0xC0 if needs_user else 0)
        body = text("MQTT") + bytes([4, flags, 0, 0]) + text(f"idle-{number:06d}")
        if needs_user:
            body += text(contenders.USER) + text(contenders.PASSWORD)
        self.socket.sendall(packet(0x10, body))
        self.number = number

    def expect(self, first_byte, last_byte, size):
        answer = b""
        while len(answer) < size:
            more = self.socket.recv(size - len(answer))
            if not more:
                break
            answer += more
        if len(answer) != size or answer[0] != first_byte or answer[-1] != last_byte:
            raise SystemExit(f"compare: idle client {self.number} was answered {answer!r}")

    def subscribe(self):
        self.socket.sendall(packet(0x82, b"\0\1" + text(f"idle/{self.number:06d}/state") + b"\0"))


def connect(broker, numbers):
    clients = []
    for number in numbers:
        clients.append(IdleClient(broker.port, number, broker.needs_user))
        if len(clients) % 100 == 0:  # answers are taken in batches, so that nobody waits for each
            for client in clients[-100:]:
                client.expect(0x20, 0, 4)
    for client in clients[len(clients) - len(clients) % 100:]:
        client.expect(0x20, 0, 4)
    return clients


def subscribe(clients):
    for client in clients:
        client.subscribe()
    for client in clients:
        client.expect(0x90, 0, 5)


def measure(broker, count):
    """Bytes per idle client without and with one subscription to a topic of its own. The broker was just started."""
    first = connect(broker, range(count, count + WARM_UP))
    subscribe(first)
    base = resident_bytes(broker.process.pid)
    clients = connect(broker, range(count))
    connected = resident_bytes(broker.process.pid)
    subscribe(clients)
    subscribed = resident_bytes(broker.process.pid)
    for client in first + clients:
        client.socket.close()
    return {"clients": count, "base_bytes": base, "bytes_per_client": (connected - base) / count,
            "bytes_per_client_with_subscription": (subscribed - base) / count}
