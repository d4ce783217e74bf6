"""The brokers that `compare` sets against each other: each started on a free port of this machine, in a folder of its own."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

DEADLINE = 30  # seconds for a broker to answer
USER, PASSWORD = "alice", "wonderland"


def find_mosquitto():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Contender:
    """A broker. `make_command(folder)` writes what it needs there and returns its command line; `{port}` in it is replaced. A
    broker that takes port 0 and says which it got has `read_port(folder, first_line)`."""

    def __init__(self, name, make_command, read_port=None, has_qos=True, needs_user=False):
        self.name, self.has_qos, self.needs_user = name, has_qos, needs_user
        self._make_command, self._read_port = make_command, read_port
        self.process = self.port = None

    def start(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.port = None if self._read_port else free_port()
        command = [str(part).replace("{port}", str(self.port)) for part in self._make_command(folder, self.port)]
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder)
        self._await(folder)
        return self

    def _await(self, folder):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.port is None:
                self.port = self._read_port(folder)
            if self.port is not None:
                try:
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                    return
                except OSError:
                    pass
            time.sleep(0.02)
        said = (folder / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise SystemExit(f"compare: {self.name} did not start; it said: {said}")

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def bench_options(self):
        return ["-p", self.port, "--pid", self.process.pid] + (["-u", USER, "-P", PASSWORD] if self.needs_user else [])


def forwarder(program, name, loops):
    def port(folder):
        line = (folder / "log").read_text()
        return int(line.rpartition(":")[2]) if line.endswith("\n") else None

    return Contender(name, lambda folder, _: [program, "--loops", loops], port, has_qos=False)


def mortise(program, plugin_dir, name, loops, with_plugins):
    def command(folder, _):
        settings = {"node": {"data_dir": "data", "loops": loops}, "listeners": [{"url": "tcp://127.0.0.1:0"}],
                    "log": {"level": "warning"}}
        if with_plugins:
            # Few iterations: what logging in costs is a matter of the password file and not measured here.
            subprocess.run([program, "passwd", "--iterations", "16", "passwd", USER], cwd=folder, input=f"{PASSWORD}\n", text=True, check=True,
                           stdout=subprocess.DEVNULL)
            (folder / "acl.yaml").write_text(json.dumps({"rules": [{"allow": "all", "topics": ["tenant/%u/#"]}]}))
            settings["plugin_dir"] = str(plugin_dir)
            settings["plugins"] = [
                {"name": "passwords", "library": "auth-file.so",
                 "config": {"passwords": "passwd", "acl": "acl.yaml", "queue": 100000, "timeout_ms": 60000}},
                {"name": "tenants", "library": "topic-affix.so", "config": {"prefix": "tenant/%u/"}}]
            settings["hooks"] = {"auth": ["passwords"], "topic": ["tenants"]}
        (folder / "mortise.yaml").write_text(json.dumps(settings))  # JSON is YAML
        return [program, "run", "--config", "mortise.yaml", "--print-urls", "urls"]

    def port(folder):
        urls = folder / "urls"
        text = urls.read_text() if urls.exists() else ""
        return int(text.split()[0].rpartition(":")[2]) if text.endswith("\n") else None

    return Contender(name, command, port, needs_user=with_plugins)


def mosquitto(program):
    """As Debian's, but with the windows and queues of Mortise's defaults, so that nothing is dropped, and without Nagle's delay."""

    def command(folder, port):
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_type error\n"
            "log_dest stderr\nmax_inflight_messages 1000\nmax_queued_messages 0\nuser root\n")
        return [program, "-c", "mosquitto.conf"]

    return Contender("mosquitto", command)


def other(name, command):
    """Any broker whose command line has {port} in it."""
    return Contender(name, lambda folder, _: command.split())
