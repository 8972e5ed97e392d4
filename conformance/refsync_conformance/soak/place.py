"""The daemon that is put under load, its modules, and what it looks like from outside while it runs."""

from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import struct
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from refsync_conformance.cases.hostile_peers import SOURCE
from refsync_conformance.compare import Facts, differences, snapshot
from refsync_conformance.ports import PORTS, listening
from refsync_conformance.trees import build, file, folder

#: What a receiver calls a file that is not whole yet: ``.name.XXXXXX``.
TEMPORARY = re.compile(rb"^\..*\.[A-Za-z0-9]{6}$")
START_LIMIT = 60.0
MEBIBYTE = 1 << 20


#: How many the module ``narrow`` serves at once.
NARROW = 2
#: Seconds without a word after which the daemon gives up on a client.
IDLE = 20


@dataclass(slots=True)
class Sample:
    """One look: seconds since the start, the listener's memory and descriptors, its children and theirs.

    The listener's memory is what it has of its own, shared with its forks or not: else it would seem to grow
    whenever fewer of them live. ``largest`` is what one of them has for itself.
    """

    at: float
    listener_bytes: int
    listener_fds: int
    children: int
    children_bytes: int
    largest: int = 0
    narrow: int = 0


@dataclass(slots=True)
class Place:
    """``root`` has ``src``, which is read, and ``in``, which is written into; the rest is the daemon's.

    ``bait`` and ``prey`` are for clients that break the protocol: they read the one and write into the other.
    ``clients`` are the sessions of all programs that were started as clients.
    """

    root: Path
    peer: str
    places: int
    seed: int
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False, repr=False)
    clients: set[int] = field(default_factory=set)
    _outside: dict[bytes, Facts] = field(default_factory=dict)

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
    def narrow_lock(self) -> Path:
        return self.root / "narrow lock"

    @property
    def scratch(self) -> Path:
        """Where the daemon and its clients are told to keep what is temporary."""
        return self.root / "tmp"

    @property
    def log(self) -> Path:
        return self.root / "log"

    def begin(self) -> None:
        """Make the files and start the daemon; it listens when this returns."""
        self.make()
        self._start()

    def make(self) -> None:
        """The files, and what is around them as it has to stay."""
        self._make_source()
        for name in (self.inbox, self.scratch, self.root / "prey"):
            name.mkdir()
        build(os.fsencode(self.root / "bait"), SOURCE)
        build(os.fsencode(self.root / "outside"), [file("secret", b"nobody's business"), folder("d")])
        build(os.fsencode(self.root / "prey/outside"), [file("secret", b"nobody's either"), folder("d")])
        self._outside = self._around()

    def _start(self) -> None:
        config = self.root / "rsyncd.conf"
        who = "uid = 0\ngid = 0\n" if os.getuid() == 0 else ""
        common = f"max connections = {self.places}\nlock file = {self.lock}\n"
        config.write_text(
            f"log file = {self.log}\nuse chroot = no\nreverse lookup = no\ntimeout = {IDLE}\n{who}"
            f"[src]\npath = {self.source}\n{common}"
            f"[in]\npath = {self.inbox}\nread only = no\nmunge symlinks = no\n{common}"
            f"[bait]\npath = {self.root}/bait\n{common}"
            f"[prey]\npath = {self.root}/prey\nread only = no\n{common}"
            f"[narrow]\npath = {self.source}\nmax connections = {NARROW}\nlock file = {self.narrow_lock}\n",
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
            env=self._environment(),
        )
        end = time.monotonic() + START_LIMIT
        while not listening(self.port):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("the daemon did not start")
            time.sleep(0.05)

    def _make_source(self) -> None:
        chance = random.Random(self.seed)
        for number in range(30):
            path = self.source / f"d{number % 6}" / f"file {number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(chance.choice((0, 1, 700, 5000, 70_000, 150_000))))
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        (self.source / "link").symlink_to("d0/file 0")

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.scratch)}

    def client(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a client: a session of its own, so that what it leaves behind can be found."""
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=self._environment(),
        )
        self.clients.add(started.pid)
        return started

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
        sizes = [memory(pid) for pid in children]
        return Sample(
            time.monotonic() - began,
            memory(self.process.pid, "Anonymous:"),
            len(os.listdir(f"/proc/{self.process.pid}/fd")),
            len(children),
            sum(sizes),
            max(sizes, default=0),
            self.held_places(self.narrow_lock, NARROW),
        )

    def children(self) -> list[int]:
        """The daemon's processes besides the listener, those included that nobody has buried."""
        return [pid for pid in in_sessions({self.process.pid}) if pid != self.process.pid]

    def strays(self) -> list[int]:
        """Processes that clients have left behind."""
        return in_sessions(self.clients)

    def outside_changed(self) -> list[str]:
        """What was written where no client may write."""
        return [str(each) for each in differences(self._outside, self._around())]

    def _around(self) -> dict[bytes, Facts]:
        """All that hostile clients could get at if they broke out, and the bait, which is read only."""
        around = {}
        for name in ("src", "bait", "outside", "prey/outside"):
            for path, facts in snapshot(os.fsencode(self.root / name)).items():
                around[os.fsencode(name) + b"/" + path] = facts
        return around

    def temporary(self) -> list[str]:
        """Files below ``in`` and ``prey`` that were left half made, and all in the scratch directory."""
        return [
            os.path.join(os.fsdecode(place), os.fsdecode(name))
            for root in (self.inbox, self.root / "prey", self.scratch)
            for place, _, names in os.walk(os.fsencode(root))
            for name in names
            if TEMPORARY.match(name) or root == self.scratch
        ]

    def held_places(self, lock: Path | None = None, places: int = 0) -> int:
        """How many of the places in a lock file are taken; nothing is locked to find out."""
        lock, places = lock or self.lock, places or self.places
        if not lock.exists():
            return 0
        held = 0
        with lock.open("rb+") as stream:
            for number in range(places):
                question = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, number * 4, 4, 0)
                answer = fcntl.fcntl(stream, fcntl.F_GETLK, question)
                held += struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK
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

    def abandon(self) -> None:
        """End all that was started, however the soak went."""
        leaders = {*self.clients, *((self.process.pid,) if hasattr(self, "process") else ())}
        for pid in in_sessions(leaders):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def in_sessions(leaders: Collection[int]) -> list[int]:
    """The processes of these sessions."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in leaders:
            found.append(int(pid))
    return found


def memory(pid: int, kind: str = "Private_") -> int:
    """The bytes that a process has for itself, or those of another line of the kernel's; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(kind))
    except OSError:
        return 0
