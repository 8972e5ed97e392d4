"""The daemon that is put under load, its modules, and what it looks like from outside while it runs."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from refsync_conformance.compare import differences, snapshot
from refsync_conformance.ports import PORTS, listening

#: What a receiver calls a file that is not whole yet: ``.name.XXXXXX``.
TEMPORARY = re.compile(rb"^\..*\.[A-Za-z0-9]{6}$")
START_LIMIT = 60.0
MEBIBYTE = 1 << 20


@dataclass(slots=True)
class Sample:
    """One look: seconds since the start, the listener's memory and descriptors, its children and theirs."""

    at: float
    listener_bytes: int
    listener_fds: int
    children: int
    children_bytes: int


@dataclass(slots=True)
class Place:
    """``root`` has ``src``, which is read, and ``in``, which is written into; the rest is the daemon's."""

    root: Path
    peer: str
    places: int
    seed: int
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def source(self) -> Path:
        return self.root / "src"

    @property
    def inbox(self) -> Path:
        return self.root / "in"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def log(self) -> Path:
        return self.root / "log"

    def begin(self) -> None:
        """Make the files and start the daemon; it listens when this returns."""
        self._make_source()
        self.inbox.mkdir()
        config = self.root / "rsyncd.conf"
        who = "uid = 0\ngid = 0\n" if os.getuid() == 0 else ""
        common = f"max connections = {self.places}\nlock file = {self.lock}\n"
        config.write_text(
            f"log file = {self.log}\nuse chroot = no\nreverse lookup = no\ntimeout = 20\n{who}"
            f"[src]\npath = {self.source}\n{common}"
            f"[in]\npath = {self.inbox}\nread only = no\nmunge symlinks = no\n{common}",
            encoding="utf-8",
        )
        self.port = PORTS.take()
        self.process = subprocess.Popen(
            [
                *(self.peer, "--daemon", "--no-detach", f"--config={config}"),
                *("--address=127.0.0.1", f"--port={self.port}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + START_LIMIT
        while not listening(self.port):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("the daemon did not start")
            time.sleep(0.05)

    def _make_source(self) -> None:
        chance = random.Random(self.seed)
        for number in range(60):
            path = self.source / f"d{number % 6}" / f"file {number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(chance.choice((0, 1, 700, 5000, 70_000, 300_000))))
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        (self.source / "link").symlink_to("d0/file 0")

    def url(self, path: str) -> str:
        return f"rsync://127.0.0.1:{self.port}/{path}"

    def wrong(self, copy: Path) -> list[str]:
        """How a copy differs from the source; nothing if it does not."""
        if not copy.is_dir():
            return ["it is not there"]
        want, have = snapshot(os.fsencode(self.source)), snapshot(os.fsencode(copy))
        return [
            str(each)
            for each in differences(want, have, aspects={"kind", "content", "target"}, whole_seconds=True)
        ]

    def look(self, began: float) -> Sample:
        children = self.children()
        return Sample(
            time.monotonic() - began,
            memory(self.process.pid),
            len(os.listdir(f"/proc/{self.process.pid}/fd")),
            len(children),
            sum(memory(pid) for pid in children),
        )

    def children(self) -> list[int]:
        """The daemon's processes besides the listener."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if (
                int(fields[3]) == self.process.pid
                and int(pid) != self.process.pid
                and fields[0] not in (b"Z", b"X")
            ):
                found.append(int(pid))
        return found

    def temporary(self) -> list[str]:
        """Files below ``in`` that were left half made."""
        return [
            os.path.join(os.fsdecode(place), os.fsdecode(name))
            for place, _, names in os.walk(os.fsencode(self.inbox))
            for name in names
            if TEMPORARY.match(name)
        ]

    def held_places(self) -> int:
        """How many of the places in the lock file are still taken."""
        if not self.lock.exists():
            return 0
        held = 0
        with self.lock.open("rb+") as file:
            for number in range(self.places):
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 4, number * 4)
                except OSError as error:
                    if error.errno not in (errno.EACCES, errno.EAGAIN):
                        raise
                    held += 1
        return held

    def end(self) -> int | None:
        """Tell it to stop; its exit code, None if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            PORTS.give_back(self.port)


def memory(pid: int) -> int:
    """The bytes that a process has for itself; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
    except OSError:
        return 0
