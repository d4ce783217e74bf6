"""mortise pub, sub, bench and passwd against a broker."""

import json
import os
import signal
import stat

import support


class Tools(support.BrokerTest):
    def subscribe(self, *arguments):
        subscriber = self.program(support.MORTISE, "sub", "-p", self.broker.port, *arguments)
        return subscriber

    def bench(self, *arguments):
        done = self.mortise("bench", *arguments, "-p", self.broker.port, "--verify", "--json", "--pid",
                            self.broker.program.process.pid)
        return json.loads(done.stdout)

    def test_every_qos_and_version_arrives(self):
        self.start_broker()
        for version in ("3.1", "3.1.1", "5"):
            for qos in ("0", "1", "2"):
                with self.subTest(version=version, qos=qos):
                    # Retained, so that nobody has to know when the subscriber is there.
                    topic = f"t/{version}/{qos}"
                    self.mortise("pub", "-p", self.broker.port, "-V", version, "-q", qos, "-r", "-t", topic, "-m", "héllo")
                    got = self.mortise("sub", "-p", self.broker.port, "-V", version, "-q", qos, "-t", topic, "-C", "1", "--json")
                    message = json.loads(got.stdout)
                    self.assertEqual((message["topic"], message["payload"], message["qos"], message["retain"]),
                                     (topic, "héllo", int(qos), True))

    def test_properties_travel(self):
        self.start_broker()
        self.mortise("pub", "-p", self.broker.port, "-t", "p", "-m", "x", "-r", "-D", "a=1", "-D", "a=2", "--content-type",
                     "text/plain", "--response-topic", "answers", "--expiry", "1000", "--text", "-q", "1")
        got = self.mortise("sub", "-p", self.broker.port, "-t", "p", "-C", "1", "-F", "--subscription-id", "7")
        properties = json.loads(got.stdout)["properties"]
        self.assertEqual(properties["User Property"], [["a", "1"], ["a", "2"]])
        self.assertEqual(properties["Content Type"], "text/plain")
        self.assertEqual(properties["Response Topic"], "answers")
        self.assertEqual(properties["Subscription Identifier"], [7])
        self.assertLessEqual(properties["Message Expiry Interval"], 1000)

    def test_a_kept_session_is_delivered_what_it_missed_once(self):
        self.start_broker()
        stay = ["-i", "stay", "-c", "-q", "2", "-t", "missed"]
        self.mortise("sub", "-p", self.broker.port, *stay, "-E")
        lines = "".join(f"{number}\n" for number in range(500))
        self.mortise("pub", "-p", self.broker.port, "-t", "missed", "-q", "2", "-l", stdin=lines)
        first = self.mortise("sub", "-p", self.broker.port, *stay, "-C", "200")
        second = self.mortise("sub", "-p", self.broker.port, *stay, "-C", "300")
        self.assertEqual(first.stdout + second.stdout, lines)

    def test_sub_says_good_bye_when_interrupted(self):
        self.start_broker()
        subscriber = self.subscribe("-t", "x", "-v")
        self.mortise("pub", "-p", self.broker.port, "-t", "x", "-m", "there", "-r", "-q", "1")
        subscriber.wait_for("x there")
        subscriber.process.send_signal(signal.SIGINT)
        self.assertEqual(subscriber.wait(), 0)

    def test_bench_counts_every_message_at_every_qos_and_pattern(self):
        self.start_broker()
        for pattern, fan_out in (("pairs", 1), ("fan-in", 1), ("fan-out", 5)):
            for qos in ("0", "1", "2"):
                with self.subTest(pattern=pattern, qos=qos):
                    report = self.bench(pattern, "-N", "5", "--messages", "1000", "-q", qos)
                    self.assertEqual((report["sent"], report["delivered"], report["lost"], report["order_errors"]),
                                     (1000, 1000 * fan_out, 0, 0))
                    self.assertGreater(report["latency_us"]["max"], 0)

    def test_bench_keeps_the_rate_it_was_given(self):
        self.start_broker()
        report = self.bench("pairs", "-N", "2", "--rate", "500", "--messages", "500")
        self.assertEqual(report["delivered"], 500)
        self.assertGreater(report["seconds"], 0.9)

    def test_passwd_edits_one_line_and_keeps_the_others(self):
        file = self.folder / "passwd"
        self.mortise("passwd", file, "alice", stdin="wonderland\nwonderland\n")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        file.write_text("# people\n" + file.read_text())
        alice = file.read_text()
        self.mortise("passwd", file, "b:ob", stdin="builder\n", env={})
        self.assertTrue(file.read_text().startswith(alice))
        self.assertEqual(self.mortise("passwd", file, "--list").stdout, "alice\nb%3Aob\n")
        self.mortise("passwd", file, "b:ob", "--delete")
        self.assertEqual(file.read_text(), alice)


if __name__ == "__main__":
    support.main()
