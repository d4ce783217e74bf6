"""TLS listeners with real clients: mosquitto_pub and mosquitto_sub, and openssl for what they do not show."""

import signal
import socket
import time

import support
from certificates import AuthorityTest

PSK = "00112233445566778899aabbccddeeff"


class Tls(AuthorityTest):
    def setUp(self):
        super().setUp()
        self.issue("alice", "/O=Org/CN=alice", "DNS:alice.example")
        self.issue("mallory", "/CN=mallory", "DNS:mallory.example")
        (self.folder / "keys.psk").write_text(f"# the devices\ndevice-1:{PSK}\n")

    def revoke(self, name):
        (self.folder / "ca.conf").write_text("[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=2\n")
        (self.folder / "index.txt").touch()
        authority = ("-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.pem")
        if name:
            self.openssl("ca", "-revoke", f"{name}.pem", *authority)
        self.openssl("ca", "-gencrl", "-out", "revoked.pem", *authority)

    def listen(self, tls=None, **listener):
        tls = {"certificate": "server.pem", "key": "server.key", **(tls or {})}
        self.start_broker(listeners=[{"url": "tls://127.0.0.1:0", "tls": tls, **listener}])

    def publish(self, *arguments, topic="t"):
        return support.run("mosquitto_pub", "-h", "localhost", "-p", self.broker.port, "-V", "5", "-q", "1", "-t", topic, "-m", "hello", *arguments)

    def as_client(self, name):
        return ["--cafile", self.folder / "ca.pem", "--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key"]

    def test_messages_of_any_size_pass(self):
        self.listen()
        trust = ["-h", "localhost", "-p", self.broker.port, "--cafile", self.folder / "ca.pem"]
        payload = "".join(str(number) for number in range(60000))
        (self.folder / "payload").write_text(payload)
        for version in ("31", "311", "5"):
            subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", *trust, "-d", "-V", version, "-q", "2", "-t", "big", "-C", "1", "-F", "got %p")
            subscriber.wait_for("Subscribed (mid:")
            self.succeed("mosquitto_pub", *trust, "-V", version, "-q", "2", "-t", "big", "-f", self.folder / "payload")
            self.assertEqual(subscriber.wait(), 0)
            self.assertIn("got " + payload, subscriber.lines)

    def test_a_certificate_says_who_a_client_is(self):
        self.revoke("mallory")
        self.listen({"client_ca": "ca.pem", "verify": "required", "crl": "revoked.pem"}, identity="certificate_cn",
                    url="tls://0.0.0.0:0")
        watch = self.program("stdbuf", "-oL", "mosquitto_sub", "-h", "localhost", "-p", self.broker.port, *self.as_client("alice"), "-d", "-V", "5",
                             "-t", "t", "-C", "1")
        watch.wait_for("Subscribed (mid:")
        self.assertEqual(self.publish(*self.as_client("alice")).returncode, 0)
        self.assertEqual(watch.wait(), 0)
        # Nobody without one, and nobody with one that was taken back.
        self.assertNotEqual(self.publish("--cafile", self.folder / "ca.pem").returncode, 0)
        self.assertNotEqual(self.publish(*self.as_client("mallory")).returncode, 0)

    def test_a_pre_shared_key_says_who_a_client_is(self):
        self.start_broker(listeners=[{"url": "tls://127.0.0.1:0", "tls": {"psk": "keys.psk"}, "identity": "psk"}])
        self.assertEqual(self.publish("--psk-identity", "device-1", "--psk", PSK).returncode, 0)
        self.assertNotEqual(self.publish("--psk-identity", "device-1", "--psk", PSK[:-1] + "0").returncode, 0)
        self.assertNotEqual(self.publish("--psk-identity", "device-2", "--psk", PSK).returncode, 0)

    def test_an_identity_that_is_not_shown_is_refused(self):
        self.listen({"client_ca": "ca.pem", "verify": "optional"}, identity="certificate_cn")
        self.assertEqual(self.publish(*self.as_client("alice")).returncode, 0)
        refused = self.publish("--cafile", self.folder / "ca.pem")
        self.assertIn("Not authorized", refused.stdout + refused.stderr)

    def test_only_safe_protocols_are_spoken(self):
        self.listen()
        for options, is_spoken in ((["-tls1_2"], True), (["-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA"], False),
                                   (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False), (["-tls1_2", "-alpn", "mqtt"], True),
                                   (["-tls1_2", "-alpn", "h2"], False)):
            done = support.run("openssl", "s_client", "-connect", f"127.0.0.1:{self.broker.port}", "-CAfile", self.folder / "ca.pem", *options,
                               stdin="")
            self.assertEqual("Verify return code: 0 (ok)" in done.stdout and "Cipher is (NONE)" not in done.stdout, is_spoken, (options, done.stdout))

    def test_certificates_are_read_again_while_clients_stay(self):
        self.listen()
        trust = ["-h", "localhost", "-p", self.broker.port, "--cafile", self.folder / "ca.pem"]
        stays = self.program("stdbuf", "-oL", "mosquitto_sub", *trust, "-d", "-t", "t", "-C", "1")
        stays.wait_for("Subscribed (mid:")
        before = self.fingerprint()
        self.issue("server", "/CN=localhost", "DNS:localhost")
        self.broker.program.process.send_signal(signal.SIGHUP)
        self.broker.program.wait_for("reloaded; changed: nothing")
        self.assertNotEqual(self.fingerprint(), before)
        # What cannot be read leaves everything as it was.
        after = self.fingerprint()
        (self.folder / "server.pem").write_text("no certificate")
        self.broker.program.process.send_signal(signal.SIGHUP)
        self.broker.program.wait_for("it goes on as it was")
        self.assertEqual(self.fingerprint(), after)
        self.assertEqual(self.publish("--cafile", self.folder / "ca.pem").returncode, 0)
        self.assertEqual(stays.wait(), 0)

    def fingerprint(self):
        shown = support.run("openssl", "s_client", "-connect", f"127.0.0.1:{self.broker.port}", stdin="").stdout
        return self.openssl("x509", "-noout", "-fingerprint", "-sha256", stdin=shown).stdout

    def test_a_client_that_never_finishes_its_handshake_is_closed(self):
        self.start_broker(mqtt={"connect_timeout": "1s"}, listeners=[{"url": "tls://127.0.0.1:0", "tls": {"certificate": "server.pem", "key": "server.key"}}])
        with socket.create_connection(("127.0.0.1", self.broker.port)) as slow:
            slow.settimeout(support.DEADLINE)
            slow.sendall(b"\x16\x03\x01\x00")  # the beginning of a record
            self.assertEqual(slow.recv(100), b"")

    def test_no_more_handshakes_than_allowed_go_on_at_once(self):
        self.listen({"max_handshakes": 2})
        slow = [socket.create_connection(("127.0.0.1", self.broker.port)) for _ in range(2)]
        for one in slow:
            self.addCleanup(one.close)
            one.sendall(b"\x16")
        self.assertNotEqual(self.publish("--cafile", self.folder / "ca.pem").returncode, 0)
        for one in slow:
            one.close()
        deadline = time.monotonic() + support.DEADLINE
        while self.publish("--cafile", self.folder / "ca.pem").returncode != 0:
            self.assertLess(time.monotonic(), deadline)


if __name__ == "__main__":
    support.main()
