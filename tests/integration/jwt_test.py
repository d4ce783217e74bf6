"""auth-jwt with a real broker: who gets in with which token, what it may do, keys that change, and the end of a token."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import time

import support

SECRET = b"k" * 32


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fields_of_der(signature):
    """r and s of an ECDSA signature as OpenSSL writes it, 32 bytes each."""
    numbers, at = [], 2
    for _ in range(2):
        size = signature[at + 1]
        numbers.append(signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + size
    return b"".join(numbers)


class JwtTest(support.BrokerTest):
    def start(self, **config):
        (self.folder / "secret").write_bytes(SECRET)
        config = {"algorithms": ["HS256"], "secret": {"file": "secret"}, "claims": {"publish": "pub", "subscribe": "sub_to"}, **config}
        config = {key: value for key, value in config.items() if value is not None}
        self.start_broker(plugins=[{"name": "tokens", "library": "auth-jwt.so", "config": config}], hooks={"auth": ["tokens"]})

    def token(self, sign=None, header=None, **claims):
        header = {"alg": "HS256", **(header or {})}
        claims = {"sub": "alice", "exp": int(time.time()) + 1000, "pub": ["up/%c/#"], "sub_to": ["down/%u/#"], **claims}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = sign(text.encode()) if sign else hmac.new(SECRET, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64url(signature)}"

    def with_token(self, token, client_id="sensor"):
        return ["-h", "127.0.0.1", "-p", self.broker.port, "-V", "5", "-i", client_id, "-u", "whoever", "-P", token]

    def publish(self, token, topic="up/sensor/a", client_id="sensor"):
        return support.run("mosquitto_pub", *self.with_token(token, client_id), "-q", "1", "-t", topic, "-m", "hello", "-d")

    def openssl_key(self, name, *options):
        self.succeed("openssl", "genpkey", *options, "-out", self.folder / f"{name}.key")
        self.succeed("openssl", "pkey", "-in", self.folder / f"{name}.key", "-pubout", "-out", self.folder / f"{name}.pem")

        def sign(text):
            (self.folder / "text").write_bytes(text)
            self.succeed("openssl", "dgst", "-sha256", "-sign", self.folder / f"{name}.key", "-out", self.folder / "signature", self.folder / "text")
            return (self.folder / "signature").read_bytes()
        return sign

    def test_a_token_lets_in_and_says_what_its_bearer_may_do(self):
        self.start()
        token = self.token()
        subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", *self.with_token(self.token(pub=["down/#"])), "-q", "1", "-t", "down/alice/#",
                                  "-C", "1", "-d", "-F", "got %t %p")
        subscriber.wait_for("Subscribed (mid: 1): 1")
        self.assertEqual(self.publish(token, client_id="another", topic="up/another/x").returncode, 0)
        for topic in ("up/sensor/x", "down/alice/x", "x"):  # another client's, none it may publish to
            self.assertIn("RC:135", self.publish(token, client_id="another", topic=topic).stdout, topic)
        self.assertEqual(self.publish(self.token(pub=["down/%u/+"]), client_id="third", topic="down/alice/1").returncode, 0)
        self.assertEqual(subscriber.wait(), 0)
        self.assertIn("got down/alice/1 hello", subscriber.lines)
        refused = support.run("mosquitto_sub", *self.with_token(token, "fourth"), "-t", "#", "-C", "1", "-d", "-W", "10")
        self.assertIn("Subscribed (mid: 1): 135", refused.stdout)

    def test_tokens_that_are_not_right_are_refused_and_not_logged(self):
        self.start(required={"client": "%c"}, audience="mqtt")
        good = {"client": "sensor", "aud": ["x", "mqtt"]}
        self.assertEqual(self.publish(self.token(**good)).returncode, 0)
        tokens = {
            "signature is wrong": self.token(sign=lambda text: hmac.new(b"x" * 32, text, hashlib.sha256).digest(), **good),
            "none that is known": self.token(sign=lambda _: b"", header={"alg": "none"}, **good),
            "it has expired": self.token(exp=int(time.time()) - 100, **good),
            "aud is another": self.token(client="sensor"),
            "claim client is not": self.token(**{**good, "client": "another"}),
            "three parts": "open sesame",
            "is no name": self.token(sub="", **good),
        }
        for why, token in tokens.items():
            refused = self.publish(token)
            self.assertIn("Bad User Name or Password", refused.stdout + refused.stderr, why)
            line = self.broker.program.wait_for(why)
            self.assertIn("sensor", line)
        anonymous = support.run("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.port, "-V", "5", "-t", "t", "-m", "x")
        self.assertNotEqual(anonymous.returncode, 0)
        for line in self.broker.program.lines:
            self.assertNotIn("eyJ", line)

    def test_keys_of_openssl_and_a_key_set_that_changes(self):
        rsa = self.openssl_key("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        ec = self.openssl_key("ec", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")

        def key_set(key_id, secret):
            (self.folder / "keys.new").write_text(json.dumps({"keys": [{"kty": "oct", "kid": key_id, "k": base64url(secret)}]}))
            os.replace(self.folder / "keys.new", self.folder / "keys.json")
        key_set("1", SECRET)
        self.start(algorithms=["RS256", "ES256", "HS256"], secret=None, public_key=["rsa.pem", "ec.pem"], jwks="keys.json", jwks_check_ms=100)
        self.assertEqual(self.publish(self.token(sign=rsa, header={"alg": "RS256"})).returncode, 0)
        self.assertEqual(self.publish(self.token(sign=lambda text: fields_of_der(ec(text)), header={"alg": "ES256"})).returncode, 0)
        self.assertNotEqual(self.publish(self.token(sign=ec, header={"alg": "ES256"})).returncode, 0, "DER is not what RFC 7518 wants")
        self.assertEqual(self.publish(self.token(header={"kid": "1"})).returncode, 0)
        key_set("2", SECRET)
        deadline = time.monotonic() + support.DEADLINE
        while self.publish(self.token(header={"kid": "2"})).returncode != 0:
            self.assertLess(time.monotonic(), deadline)

    def test_who_stays_longer_than_its_token_is_disconnected(self):
        self.start(leeway_s=0)
        token = self.token(exp=int(time.time()) + 3)
        subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", *self.with_token(token), "-t", "down/alice/#", "-d")
        subscriber.wait_for("Subscribed (mid: 1): 0")
        self.broker.program.wait_for("valid no longer")
        subscriber.wait_for("DISCONNECT (160)")

    def test_the_example_is_a_configuration(self):
        (self.folder / "jwt.secret").write_bytes(SECRET)
        shutil.copy(pathlib.Path(os.environ["PLUGINS"]) / "auth-jwt/example.yaml", self.folder)
        self.mortise("check", self.folder / "example.yaml")


if __name__ == "__main__":
    support.main()
