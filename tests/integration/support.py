"""What the integration tests share: a broker of one's own, and programs that are waited for by what they say."""

import functools
import inspect
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

MORTISE = os.environ["MORTISE"]
DEADLINE = 60  # seconds for anything that must happen; reached only when it does not


def has_ipv6():
    """Whether there is an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def proves(*statements):
    """Decorates a test: it proves these statements ("5.0 MQTT-3.1.2-8"), which is recorded once it has passed."""
    def decorate(test):
        @functools.wraps(test)
        def recorded(self):
            test(self)
            file = os.environ.get("MORTISE_PROOFS")
            if file is None or not self._outcome.success:  # a subTest that failed does not raise
                return
            name = f"{pathlib.Path(inspect.getsourcefile(test)).stem} {type(self).__name__}.{test.__name__}"
            record_proofs(file, [(statement, name) for statement in statements])
        return recorded
    return decorate


def record_proofs(file, proofs):
    """Appends (statement, test) pairs. Many programs append to one file: what one write appends stays together."""
    with open(file, "ab", buffering=0) as records:
        records.write("".join(f"{statement}\t{test}\n" for statement, test in proofs).encode())


class Program:
    """A running program whose lines are read as they come."""

    def __init__(self, *command, stdin=None, env=None, pass_fds=()):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, **(env or {})}, pass_fds=pass_fds)
        self.lines = []
        self._arriving = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if stdin is not None:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def _read(self):
        for line in self.process.stdout:
            self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)

    def next_line(self, deadline):
        try:
            line = self._arriving.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"{self.process.args}: nothing more came; so far: {self.lines[-20:]}") from None
        if line is None:
            self._arriving.put(None)
            return None
        self.lines.append(line)
        return line

    def wait_for(self, text):
        """The first line from here on that contains `text`."""
        deadline = time.monotonic() + DEADLINE
        while (line := self.next_line(deadline)) is not None:
            if text in line:
                return line
        raise AssertionError(f"{self.process.args}: ended without {text!r}: {self.lines[-20:]}")

    def wait(self):
        """Its status, once it has ended; all its lines are in `lines` then."""
        deadline = time.monotonic() + DEADLINE
        while self.next_line(deadline) is not None:
            pass
        return self.process.wait(timeout=DEADLINE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def run(*command, stdin=None, env=None, cwd=None):
    """Runs a program to its end; its status, output and errors."""
    return subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True, errors="replace",
                          timeout=DEADLINE, env={**os.environ, **(env or {})}, cwd=cwd, check=False)


class Broker:
    """`mortise run` with a configuration of the test's. Its folder outlives it, so that it can be started again."""

    def __init__(self, folder, config):
        self.folder = pathlib.Path(folder)
        self.config = {"node": {"data_dir": "data", "loops": 2}, "listeners": [{"url": "tcp://127.0.0.1:0"}], **config}
        self.file = self.folder / "mortise.yaml"
        self.urls = self.folder / "urls"
        self.command, self.options = [MORTISE], {}  # what runs it, and how
        self.program = None
        self.open_urls = []
        self.ports = []

    def start(self):
        self.file.write_text(json.dumps(self.config))  # JSON is YAML
        self.urls.unlink(missing_ok=True)
        self.program = Program(*self.command, "run", "--config", self.file, "--print-urls", self.urls, **self.options)
        self.program.wait_for("ready")
        deadline = time.monotonic() + DEADLINE
        while not self.urls.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.open_urls = self.urls.read_text().split()
        ports = [re.search(r":(\d+)(/|$)", url) for url in self.open_urls]
        self.ports = [int(port[1]) if port else None for port in ports]  # a Unix socket has none
        return self

    @property
    def port(self):
        return self.ports[0]

    def kill(self):
        """SIGKILL: it has no time to do anything."""
        self.program.kill()
        self.program = None

    def stop(self):
        """SIGTERM; its status."""
        self.program.process.send_signal(signal.SIGTERM)
        status = self.program.wait()
        self.program.kill()
        self.program = None
        return status


class BrokerTest(unittest.TestCase):
    """A test with a folder of its own and, if it calls start_broker, a broker that must end well."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mortise-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.broker = None

    def start_broker(self, **config):
        self.broker = Broker(self.folder, config)
        self.addCleanup(self.end_broker)
        return self.broker.start()

    def end_broker(self):
        if self.broker.program is None:
            return
        lines = self.broker.program.lines
        self.assertEqual(self.broker.stop(), 0, lines)

    def program(self, *command, **options):
        program = Program(*command, **options)
        self.addCleanup(program.kill)
        return program

    def succeed(self, *command, **options):
        done = run(*command, **options)
        self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))
        return done

    def mortise(self, *arguments, **options):
        return self.succeed(MORTISE, *arguments, **options)


def main():
    unittest.main(verbosity=2)
