"""The story Mortise was built for: tenants that share a broker, secrets that stay secret, and a broker that is killed."""

import sqlite3

import support
import wire

PASSWORDS = {"alice": "wonderland", "bob": "builder", "operator": "sees everything"}

ACL = """
rules:
  - { allow: all, topics: ["#"], users: [operator] }
  - { deny: subscribe, topics: ["tenant/+/secret/#"] }
  - { allow: all, topics: ["tenant/%u/#"] }
"""


class Story(support.BrokerTest):
    def setUp(self):
        super().setUp()
        for user, password in PASSWORDS.items():
            self.mortise("passwd", self.folder / "passwd", user, stdin=f"{password}\n{password}\n")
        (self.folder / "acl.yaml").write_text(ACL)
        self.start_broker(
            plugins=[
                {"name": "passwords", "library": "auth-file.so", "config": {"passwords": "passwd", "acl": "acl.yaml"}},
                {"name": "tenants", "library": "topic-affix.so",
                 "config": {"rules": [{"user": "operator"}, {"prefix": "tenant/%u/"}]}},
                {"name": "queue", "library": "store-sqlite.so", "config": {"path": "mortise.db"}},
            ],
            hooks={"auth": ["passwords"], "topic": ["tenants"], "store": "queue"})

    def client(self, command, user, *arguments):
        return [support.MORTISE, command, "-p", self.broker.port, "-u", user, "-P", PASSWORDS.get(user, "?"), *arguments]

    def publish(self, user, topic, *arguments, **options):
        return self.succeed(*self.client("pub", user, "-t", topic, *arguments), **options)

    def subscribe(self, user, *arguments):
        """A subscriber (Mosquitto's) that has its SUBACK; it prints `topic payload`."""
        subscriber = self.program("stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-p", self.broker.port, "-u", user, "-P",
                                  PASSWORDS[user], "-d", "-F", "got %t %p", *arguments)
        subscriber.wait_for("Subscribed (mid:")
        return subscriber

    def got(self, subscriber):
        return [line.removeprefix("got ") for line in subscriber.lines if line.startswith("got ")]

    def stored(self, query):
        database = sqlite3.connect(f"file:{self.folder}/mortise.db?mode=ro", uri=True)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def test_who_runs_is_printed_at_start(self):
        printed = "\n".join(self.broker.program.lines)
        self.assertRegex(printed, r"plugin passwords: auth-file \S+ \(auth\.authenticate, auth\.authorize, auth\.exchange, "
                         r"auth\.exchange_ended\), inline")
        self.assertRegex(printed, r"plugin tenants: topic-affix \S+ \(topic\.bind\), inline")
        self.assertRegex(printed, r"plugin queue: store-sqlite \S+ \(store\..*\), inline")
        self.assertRegex(printed, r"listening on tcp://127\.0\.0\.1:[1-9]")

    @support.proves("5.0 MQTT-3.1.4-2")
    def test_only_the_right_password_lets_anybody_in(self):
        self.publish("alice", "a", "-m", "x", "-q", "1")
        for version, says in (("5", "Bad User Name or Password (0x86)"), ("3.1.1", "Bad user name or password (0x04)"),
                              ("3.1", "Bad user name or password (0x04)")):
            for arguments in (["-u", "alice", "-P", "wunderland"], ["-u", "mallory", "-P", "wonderland"], ["-u", "alice"]):
                with self.subTest(version=version, arguments=arguments):
                    done = support.run(support.MORTISE, "pub", "-p", self.broker.port, "-V", version, "-t", "a", "-m", "x",
                                       *arguments)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(says, done.stderr)
        nobody = support.run(support.MORTISE, "pub", "-p", self.broker.port, "-t", "a", "-m", "x")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("refused the connection", nobody.stderr)

    @support.proves("5.0 MQTT-3.8.4-7")
    def test_what_the_acl_denies_is_refused_and_does_not_come_through_wildcards_either(self):
        for version, code in (("5", "Not authorized (0x87)"), ("3.1.1", "Unspecified error (0x80)")):
            refused = support.run(*self.client("sub", "alice", "-V", version, "-t", "secret/#", "-W", "30"))
            self.assertEqual(refused.returncode, 1)
            self.assertIn(code, refused.stderr)
        everything = self.subscribe("alice", "-t", "#", "-q", "1")
        one_level = self.subscribe("alice", "-t", "+/x", "-q", "1")
        shared = self.subscribe("alice", "-t", "$share/g/#", "-q", "1")
        watcher = self.subscribe("operator", "-t", "tenant/#", "-q", "1")
        self.publish("alice", "secret/x", "-m", "hidden", "-q", "1")
        self.publish("operator", "tenant/alice/secret/x", "-m", "hidden too", "-q", "1", "-r")
        self.publish("alice", "open/x", "-m", "seen", "-q", "1")
        for subscriber in (everything, one_level, shared):
            subscriber.wait_for("got open/x seen")
            self.assertEqual(self.got(subscriber), ["open/x seen"])
        watcher.wait_for("got tenant/alice/open/x")
        self.assertEqual(self.got(watcher), ["tenant/alice/secret/x hidden", "tenant/alice/secret/x hidden too",
                                             "tenant/alice/open/x seen"])
        # Nor as a retained message.
        late = self.subscribe("alice", "-t", "#", "-q", "1")
        self.publish("alice", "open/x", "-m", "again", "-q", "1")
        late.wait_for("got open/x again")
        self.assertEqual(self.got(late), ["open/x again"])

    def test_one_name_is_another_topic_for_each_tenant(self):
        alice = self.subscribe("alice", "-t", "a", "-q", "1")
        bob = self.subscribe("bob", "-t", "#", "-q", "1")
        self.publish("alice", "a", "-m", "of alice", "-q", "1", "-r")
        self.publish("bob", "a", "-m", "of bob", "-q", "1", "-r")
        alice.wait_for("got a of alice")
        bob.wait_for("got a of bob")
        self.assertEqual((self.got(alice), self.got(bob)), (["a of alice"], ["a of bob"]))
        self.assertEqual(self.stored("SELECT topic FROM retained ORDER BY topic"), [("tenant/alice/a",), ("tenant/bob/a",)])
        self.assertEqual(support.run(*self.client("sub", "bob", "-t", "tenant/alice/#", "-E")).returncode, 0)  # his own, below tenant/bob/

    @support.proves("5.0 MQTT-3.1.2-23")
    def test_a_thousand_acknowledged_messages_survive_sigkill_once_each_and_in_order(self):
        for qos in ("1", "2"):
            with self.subTest(qos=qos):
                phone = ["-i", "phone" + qos, "-c", "-t", "a", "-q", qos]
                self.succeed(*self.client("sub", "alice", *phone, "-E"))
                numbers = "".join(f"{number}\n" for number in range(1000))
                self.publish("alice", "a", "-q", qos, "-l", stdin=numbers)
                self.broker.kill()
                self.assertEqual(self.stored("SELECT DISTINCT topic FROM messages"), [("tenant/alice/a",)])
                self.broker.start()
                self.publish("bob", "a", "-m", "of bob", "-q", qos)
                self.publish("alice", "a", "-m", "end", "-q", qos)
                got = self.succeed(*self.client("sub", "alice", *phone, "-v", "-C", "1001"))
                self.assertEqual(got.stdout, "".join(f"a {number}\n" for number in range(1000)) + "a end\n")

    def test_only_what_was_sent_before_sigkill_is_a_duplicate_after_it(self):
        def subscriber():
            return wire.Wire(self.broker.port, "phone", "alice", PASSWORDS["alice"], clean=False)

        first = subscriber()
        first.subscribe("a", 1)
        first.disconnect()
        self.publish("alice", "a", "-m", "x", "-q", "1")
        self.broker.kill()
        self.broker.start()
        second = subscriber()
        self.assertTrue(second.session_present)
        self.assertEqual(second.receive()[0], 0x32)  # never sent: MQTT-3.3.1-2
        self.broker.kill()
        self.broker.start()
        third = subscriber()
        self.assertEqual(third.receive()[0], 0x3A)  # sent and not acknowledged: MQTT-3.3.1-1
        third.disconnect()

    def publish_until_killed(self, kill_after):
        """Numbers at QoS 1, 50 at a time, until SIGKILL in the middle of it; how many were sent, and which acknowledged."""
        publisher = wire.Wire(self.broker.port, "publisher", "alice", PASSWORDS["alice"])
        sent, acknowledged = 0, set()
        try:
            while True:
                while sent - len(acknowledged) < 50:
                    publisher.publish("a", str(sent), sent % 60000 + 1)
                    sent += 1
                acknowledged.add(publisher.acknowledgement() - 1)
                if len(acknowledged) == kill_after:
                    self.broker.program.process.kill()
        except OSError:
            publisher.socket.close()
        self.broker.kill()
        return sent, acknowledged

    def test_what_was_acknowledged_before_a_sigkill_in_mid_flight_is_delivered_once_and_in_order(self):
        phone = ["-i", "phone", "-c", "-t", "a", "-q", "1"]
        self.succeed(*self.client("sub", "alice", *phone, "-E"))
        for kill_after in (1, 37, 500, 2000):
            with self.subTest(kill_after=kill_after):
                sent, acknowledged = self.publish_until_killed(kill_after)
                self.assertGreaterEqual(len(acknowledged), kill_after)
                self.broker.start()
                self.publish("alice", "a", "-m", "end", "-q", "1")
                phone_again = self.program(*self.client("sub", "alice", *phone))
                phone_again.wait_for("end")
                got = [int(line) for line in phone_again.lines[:-1]]
                self.assertEqual(got, sorted(set(got)))
                self.assertLessEqual(acknowledged, set(got))
                self.assertLess(max(got), sent)
                phone_again.process.terminate()
                self.assertEqual(phone_again.wait(), 0)

    def test_retained_messages_and_subscriptions_survive_sigkill(self):
        self.succeed(*self.client("sub", "alice", "-i", "pad", "-c", "-t", "later", "-q", "1", "-E"))
        self.publish("alice", "kept", "-m", "still here", "-q", "1", "-r")
        self.broker.kill()
        self.broker.start()
        got = self.succeed(*self.client("sub", "alice", "-t", "kept", "-C", "1"))
        self.assertEqual(got.stdout, "still here\n")
        self.publish("alice", "later", "-m", "after the restart", "-q", "1")
        got = self.succeed(*self.client("sub", "alice", "-i", "pad", "-c", "-t", "later", "-q", "1", "-C", "1"))
        self.assertEqual(got.stdout, "after the restart\n")


if __name__ == "__main__":
    support.main()
