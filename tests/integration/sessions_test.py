"""The session vectors of tests/conformance/sessions over TCP: those in which no time has to pass, each against a broker of its own."""

import os
import pathlib
import re
import unittest

import support

PLAYER = os.environ["SESSION_PLAYER"]
SESSIONS = pathlib.Path(__file__).resolve().parent.parent / "conformance" / "sessions"


def header(text, name):
    return [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(name + ":")]


def value_of(text):
    return int(text) if text.isdigit() else {"true": True, "false": False}.get(text, text)


class Sessions(support.BrokerTest):
    def config(self, text):
        config = {"session": {"expiry_interval_max": "unlimited"}}
        for setting in header(text, "set"):
            name, _, value = setting.partition(" ")
            section, _, key = name.partition(".")
            config.setdefault(section, {})[key] = value_of(value)
        return config

    def play(self, file, version, text):
        folder = self.folder / f"{file.stem}-{version}"
        folder.mkdir()
        broker = support.Broker(folder, self.config(text)).start()
        try:
            done = support.run(PLAYER, "--socket", broker.port, version, file)
            self.assertEqual(done.returncode, 0, done.stderr)
        finally:
            self.assertEqual(broker.stop(), 0)

    def test_every_session_vector_over_tcp(self):
        played = 0
        for file in sorted(SESSIONS.rglob("*.session")):
            text = file.read_text()
            if re.search(r"^(\[.*\] *)?advance ", text, re.M) or header(text, "simulated"):
                continue
            for version in (header(text, "versions") or ["3.1.1 5.0"])[0].split():
                played += 1
                with self.subTest(session=f"{file.parent.name}/{file.stem}", version=version):
                    self.play(file, version, text)
        self.assertGreater(played, 50)


if __name__ == "__main__":
    support.main()
