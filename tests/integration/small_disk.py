"""A disk of a few MiB that gets full and has room again: what a broker keeps on it, nothing else of the machine sees."""

import errno
import os
import pathlib
import resource
import subprocess

import support

MORTISE = os.path.abspath(support.MORTISE)  # who enters a namespace starts at its root
PAGE = 4096
# What makes a mount namespace, and what enters it: root may do so; with user namespaces everybody may.
NAMESPACES = ((["unshare", "--mount"], ["nsenter", "--mount"]),
              (["unshare", "--user", "--map-root-user", "--mount"], ["nsenter", "--user", "--preserve-credentials", "--mount"]))
# The shell holds the namespace until the test closes its standard input, or is gone.
HOLD = 'mount -t tmpfs -o size="$1",mode=0700 small-disk "$2" && echo mounted && read -r end'


class MountedDisk:
    """A tmpfs in a mount namespace that only the broker enters: it is at `name` for the broker, and at `path` for the test."""

    def __init__(self, folder, size):
        self.name = pathlib.Path(folder) / "mounted"
        self.name.mkdir()
        for make, enter in NAMESPACES:
            self._holder = subprocess.Popen([*make, "sh", "-c", HOLD, "sh", str(size), str(self.name)], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if self._holder.stdout.readline() == "mounted\n":
                self.path = pathlib.Path(f"/proc/{self._holder.pid}/root{self.name}")
                self._ballast = self.path / "ballast"
                self._enter = [*enter, "--target", str(self._holder.pid)]
                return
            self.close()
        raise OSError("no file system may be mounted here")

    def prepare(self, broker):
        """Before the broker starts."""
        broker.command = [*self._enter, MORTISE]

    def fill(self, _broker, leave):
        """Nothing but `leave` bytes are free."""
        with open(self._ballast, "ab") as ballast:
            while (excess := self._free() - leave) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, excess)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise  # else the broker wrote something meanwhile

    def _free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def make_room(self, _broker):
        self._ballast.unlink()

    def close(self):
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()


class LimitedDisk:
    """Where nothing may be mounted: files that may not grow beyond a size, which says EFBIG where a full disk says ENOSPC."""

    def __init__(self, folder, _size):
        self.path = self.name = pathlib.Path(folder) / "limited"
        self.path.mkdir()
        self._limit = None

    def prepare(self, broker):
        """Before the broker starts, which may be on a disk that is full already."""
        limit = "unlimited" if self._limit is None else self._limit // 512
        broker.command = ["sh", "-c", f'ulimit -S -f {limit}; exec "$@"', "sh", MORTISE]

    def fill(self, broker, leave):
        """No file grows beyond `leave` bytes."""
        self._limit = leave
        self._apply(broker)

    def make_room(self, broker):
        self._limit = None
        self._apply(broker)

    def _apply(self, broker):
        if broker.program is not None and broker.program.process.poll() is None:
            soft = resource.RLIM_INFINITY if self._limit is None else self._limit
            resource.prlimit(broker.program.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def close(self):
        pass


def small_disk(folder, size):
    """A disk of `size` bytes that is as real as this machine allows."""
    try:
        return MountedDisk(folder, size)
    except OSError:
        return LimitedDisk(folder, size)
