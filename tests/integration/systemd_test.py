"""Socket activation and what the service manager is told, with this program in systemd's place."""

import os
import signal
import socket
import sys

import support
import wire

# Puts the sockets where a service finds them, says so in the environment, and becomes the service.
LAUNCHER = """
import os, sys
sockets, names, command = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
kept = [os.dup(int(number)) for number in sockets if number]
spare = [os.dup(0) for _ in range(len(kept) + 8)]  # so that none stands where another goes
kept = [os.dup(number) for number in kept]
for index, number in enumerate(kept):
    os.dup2(number, 3 + index)
os.closerange(3 + len(kept), 100)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


class Systemd(support.BrokerTest):
    def listening(self, family, address):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.bind(address)
        made.listen()
        self.addCleanup(made.close)
        return made

    def prepare(self, sockets, names, listeners, **env):
        self.broker = support.Broker(self.folder, {"listeners": listeners})
        numbers = [made.fileno() for made in sockets]
        self.broker.command = [sys.executable, "-c", LAUNCHER, ",".join(map(str, numbers)), names, support.MORTISE]
        self.broker.options = {"pass_fds": numbers, "env": env}

    def start(self, *arguments, **env):
        self.prepare(*arguments, **env)
        self.addCleanup(self.end_broker)
        self.broker.start()

    def test_sockets_go_to_the_listeners_with_their_address_or_name(self):
        path = self.folder / "broker.sock"
        by_address = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        by_name = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        by_path = self.listening(socket.AF_UNIX, str(path))
        address = "tcp://127.0.0.1:%d" % by_address.getsockname()[1]
        self.start([by_name, by_path, by_address], "mqtt:other:other",
                   [{"url": address}, {"url": "tcp://127.0.0.1:0"}, {"url": "tcp://127.0.0.1:0", "name": "mqtt"}, {"url": f"unix://{path}"}])
        self.assertEqual(self.broker.ports[0], by_address.getsockname()[1])
        self.assertNotIn(self.broker.ports[1], (None, by_address.getsockname()[1], by_name.getsockname()[1]))
        self.assertEqual(self.broker.ports[2], by_name.getsockname()[1])
        for number, port in enumerate(self.broker.ports[:3]):
            wire.Wire(port, f"client-{number}").disconnect()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(wire.packet(0x10, wire.text("MQTT") + bytes([4, 2, 0, 0]) + wire.text("unix")))
            self.assertEqual(client.recv(4), b"\x20\x02\0\0")
        self.broker.stop()
        self.assertTrue(path.exists(), "its file is systemd's")

    def test_a_connection_that_came_before_the_broker_is_served(self):
        waiting = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        with socket.create_connection(waiting.getsockname(), support.DEADLINE) as early:
            early.sendall(wire.packet(0x10, wire.text("MQTT") + bytes([4, 2, 0, 0]) + wire.text("early")))
            self.start([waiting], "", [{"url": "tcp://127.0.0.1:%d" % waiting.getsockname()[1]}])
            self.assertEqual(early.recv(4), b"\x20\x02\0\0")

    def refused(self, sockets, names, listeners):
        self.prepare(sockets, names, listeners)
        with self.assertRaises(AssertionError):
            self.broker.start()
        self.broker.program.kill()
        return self.broker.program.lines[-1]

    def test_a_socket_that_fits_no_listener_is_named(self):
        stranger = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        line = self.refused([stranger], "metrics", [{"url": "tcp://127.0.0.1:0", "name": "mqtt"}])
        self.assertIn("the inherited socket 3 (metrics) listens on 127.0.0.1:%d, which is no listener's" % stranger.getsockname()[1], line)
        line = self.refused([stranger], "mqtt", [{"url": f"unix://{self.folder}/s", "name": "mqtt"}])
        self.assertIn("the inherited socket 3 (mqtt) listens on", line)

    def test_a_socket_that_lets_others_in_than_its_listener_says_is_refused(self):
        everywhere = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(everywhere.close)
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        line = self.refused([everywhere], "mqtt", [{"url": "tcp://127.0.0.1:0", "name": "mqtt"}])
        self.assertIn("and the listener with its name is for this machine (tcp://127.0.0.1:0); write the address of the socket into its url", line)
        line = self.refused([everywhere], "mqtt", [{"url": "tcp://0.0.0.0:0", "name": "mqtt"}])
        self.assertIn("allow_anonymous", line)
        self.start([everywhere], "mqtt", [{"url": "tcp://0.0.0.0:0", "name": "mqtt", "allow_anonymous": True}])
        wire.Wire(everywhere.getsockname()[1], "c").disconnect()

    def test_what_does_not_listen_is_named(self):
        first, second = socket.socketpair()
        with first, second:
            line = self.refused([first], "mqtt", [{"url": "tcp://127.0.0.1:0", "name": "mqtt"}])
        self.assertIn("the inherited socket 3 (mqtt) does not listen for streams", line)

    def test_sockets_for_another_process_are_left_alone(self):
        self.broker = support.Broker(self.folder, {})
        self.broker.options = {"env": {"LISTEN_PID": "1", "LISTEN_FDS": "7"}}
        self.addCleanup(self.end_broker)
        self.broker.start()
        wire.Wire(self.broker.port, "c").disconnect()

    def told(self, manager, beginning):
        """The next datagram that begins so; beats of the watchdog come in between."""
        while True:
            said = manager.recv(4096).decode()
            if said.startswith(beginning):
                return said
            self.assertEqual(said, "WATCHDOG=1")

    def test_the_manager_is_told_when_it_is_ready_alive_reloading_and_stopping(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                address = f"\0mortise-test-{os.getpid()}" if abstract else str(self.folder / "notify")
                manager.bind(address)
                manager.settimeout(support.DEADLINE)
                self.start([], "", [{"url": "tcp://127.0.0.1:0"}], NOTIFY_SOCKET=address.replace("\0", "@"), WATCHDOG_USEC="400000")
                self.assertEqual(manager.recv(4096).decode(), f"READY=1\nSTATUS=listening on {self.broker.open_urls[0]}")
                for _ in range(2):
                    self.told(manager, "WATCHDOG=1")
                self.broker.program.process.send_signal(signal.SIGHUP)
                self.assertRegex(self.told(manager, "RELOADING=1"), r"\nMONOTONIC_USEC=\d+$")
                self.told(manager, "READY=1")
                self.broker.stop()
                self.told(manager, "STOPPING=1")


if __name__ == "__main__":
    support.main()
