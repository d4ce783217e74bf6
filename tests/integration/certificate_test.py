"""auth-certificate with a real TLS listener: who a certificate makes a client, what it may do, and certificates that are taken back."""

import os
import pathlib
import shutil

import support
from certificates import AuthorityTest


class CertificateTest(AuthorityTest):
    def fingerprint(self, name):
        return self.openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", f"{name}.pem").stdout.strip().split("=")[1]

    def start(self, **config):
        tls = {"certificate": "server.pem", "key": "server.key", "client_ca": "ca.pem", "verify": "optional"}
        self.start_broker(listeners=[{"url": "tls://127.0.0.1:0", "tls": tls}], hooks={"auth": ["certificates"]},
                          plugins=[{"name": "certificates", "library": "auth-certificate.so", "config": config}])

    def as_client(self, name):
        shown = ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key"] if name else []
        return ["-h", "localhost", "-p", self.broker.port, "--cafile", self.folder / "ca.pem", "-V", "5", *shown]

    def publish(self, name, topic, *more):
        done = support.run("mosquitto_pub", *self.as_client(name), "-q", "1", "-t", topic, "-m", "hello", "-d", *more)
        return done.stdout + done.stderr

    def test_a_certificate_says_who_a_client_is_and_what_it_may_do(self):
        self.issue("sensor", "/O=Plant/CN=sensor-1", "URI:urn:plant:7,DNS:a.example")
        self.issue("backend", "/CN=anybody", "DNS:x.backend.example")
        self.issue("odd", "/O=Plant/CN=#", "URI:urn:plant:8")
        self.issue("test", "/O=Plant/CN=test-1", "URI:urn:plant:9")
        self.start(rules=[{"deny": {"cn": "test-*"}},
                          {"allow": {"uri": "urn:plant:*"}, "publish": ["up/%cn/#"], "subscribe": ["down/%cn/#"]},
                          {"allow": {"dns": "*.backend.example"}, "user_name": "backend", "publish": "down/#", "subscribe": "#"}])
        subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", *self.as_client("backend"), "-q", "1", "-t", "#", "-C", "1", "-d", "-F", "got %t")
        subscriber.wait_for("Subscribed (mid: 1): 1")
        self.assertIn("RC:135", self.publish("sensor", "up/sensor-2/a"))
        self.assertIn("RC:135", self.publish("odd", "up/sensor-1/a"))  # its name is no wildcard
        self.assertNotIn("RC:135", self.publish("sensor", "up/sensor-1/a", "-u", "backend"))
        self.assertEqual(subscriber.wait(), 0)
        self.assertIn("got up/sensor-1/a", subscriber.lines)
        self.assertIn("Not authorized", self.publish("test", "up/test-1/a"))
        self.assertIn("rules[0]", self.broker.program.wait_for("is refused"))
        self.assertIn("Not authorized", self.publish(None, "up/sensor-1/a", "-u", "sensor-1"))

    def test_a_certificate_that_is_taken_back_is_good_no_longer(self):
        self.issue("sensor", "/CN=sensor-1", "DNS:a.example")
        (self.folder / "revoked").write_text("# nobody\n")
        self.start(rules=[{"allow": {"cn": "*"}, "publish": "#", "subscribe": "#"}], revoked_file="revoked", cache_ms=0)
        self.assertIn("CONNACK (0)", self.publish("sensor", "a"))
        self.assertEqual(self.broker.stop(), 0)
        (self.folder / "revoked").write_text(self.fingerprint("sensor") + "\n")
        self.broker.start()
        self.assertIn("Not authorized", self.publish("sensor", "a"))
        self.broker.program.wait_for("its certificate is revoked")

    def test_only_listed_certificates_are_good(self):
        self.issue("one", "/CN=one", "DNS:a.example")
        self.issue("two", "/CN=two", "DNS:a.example")
        self.start(rules=[{"allow": {"cn": "*"}, "publish": "#"}], fingerprints=[self.fingerprint("one")])
        self.assertNotIn("RC:135", self.publish("one", "a"))
        self.assertIn("Not authorized", self.publish("two", "a"))

    def test_the_example_is_a_configuration(self):
        shutil.copy(pathlib.Path(os.environ["PLUGINS"]) / "auth-certificate/example.yaml", self.folder)
        self.mortise("check", self.folder / "example.yaml")


if __name__ == "__main__":
    support.main()
