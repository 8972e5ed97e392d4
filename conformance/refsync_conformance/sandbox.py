"""Scratch directories and the processes of a cell: started in sessions of their own, timed, and gone at the
end.

Output goes to files, not pipes: a grandchild that holds a pipe open can then neither block the suite nor be
missed. A process group that still has members after its leader ended is given a moment, then killed, and
that it was there is reported.
"""

from __future__ import annotations

import fcntl
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from refsync_conformance import peak, trees
from refsync_conformance.model import RunLog

#: Bytes of a stream that are kept; a peer that floods is cut, not stored.
OUTPUT_LIMIT = 4 << 20
#: Seconds that the rest of a process group may take to end by itself after its leader has.
GRACE = 3.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended. ``code`` is None when it had to be killed after its time; negative for a
    signal.
    """

    argv: tuple[bytes, ...]
    code: int | None
    seconds: float
    stdout: bytes
    stderr: bytes
    #: How many processes of its group outlived it and had to be killed.
    leftovers: int
    #: MiB that the largest of its processes held at its peak; the suite's own may be in it, see ``run``.
    peak_mib: int = 0

    @property
    def command(self) -> str:
        return shlex.join(os.fsdecode(word) for word in self.argv)

    def log(self) -> RunLog:
        return RunLog(
            command=self.command.encode("utf-8", "backslashreplace").decode(),
            code=self.code,
            seconds=round(self.seconds, 3),
            stdout=self.stdout[:20_000].decode("utf-8", "backslashreplace"),
            stderr=self.stderr[:20_000].decode("utf-8", "backslashreplace"),
        )


def _living() -> Iterator[tuple[int, int, int]]:
    """(process, parent, group) of all that live; zombies don't count, nobody may be there to reap them."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as stream:
                # The command name may hold blanks and brackets: fields are counted from its last bracket.
                state, parent, group = stream.read().rpartition(b")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in (b"Z", b"X"):
            yield int(entry), int(parent), int(group)


def group_members(group: int) -> list[int]:
    """The living processes of a process group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        pass
    return [process for process, _, member in _living() if member == group]


def _alone(leader: int) -> bool:
    """Whether a process has neither children nor company in its group."""
    return not any(leader in (parent, group) for process, parent, group in _living() if process != leader)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def remaining(group: int, seconds: float = GRACE) -> list[int]:
    """The members of a process group that are still there after that time; it may be empty sooner."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while (members := group_members(group)) and time.monotonic() <= deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return members


def settle(path: Path, seconds: float = 5.0) -> None:
    """Wait until nobody has a program open for writing: until then running it is ``ETXTBSY``.

    A process that another thread has just started has a copy of the descriptor that the program was written
    through, for the moment between its fork and its exec. A lease for reading is granted when that is over.
    """
    deadline = time.monotonic() + seconds
    with path.open("rb") as stream:
        while time.monotonic() < deadline:
            try:
                fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return  # this file system has no leases
            else:
                fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                return


class Running:
    """A process in a session of its own, with its output in files."""

    def __init__(
        self,
        argv: Sequence[bytes],
        *,
        env: Mapping[str, str],
        cwd: bytes,
        stem: Path,
        stdin: bytes | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self._out, self._err = stem.with_suffix(".out"), stem.with_suffix(".err")
        self._began = time.monotonic()
        if stdin is not None:
            stem.with_suffix(".in").write_bytes(stdin)
        told = stem.with_suffix(".in") if stdin is not None else Path(os.devnull)
        with told.open("rb") as source, self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                self.argv,
                stdin=source,
                stdout=out,
                stderr=err,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                umask=0o022,
            )
        self.pid = self._process.pid
        self._peak_kib = 0

    def poll(self) -> int | None:
        return self._process.poll()

    def ends_within(self, seconds: float) -> bool:
        """Wait for the leader, so long at most."""
        return self._await(seconds)

    def _await(self, timeout: float) -> bool:
        """Wait for the leader; False if it is still running after ``timeout`` seconds."""
        try:
            watch = os.pidfd_open(self.pid)
        except OSError:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
            return True
        try:
            poller = select.poll()
            poller.register(watch, select.POLLIN)
            if not poller.poll(timeout * 1000):
                return False
        finally:
            os.close(watch)
        self._reap()
        return True

    def _reap(self) -> None:
        """Take the leader's exit, and how much memory it and what it waited for have used."""
        if self._process.returncode is None:
            _, status, usage = os.wait4(self.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self._peak_kib = usage.ru_maxrss

    def wait(self, timeout: float) -> Finished:
        """The end of the process, by itself or by force after ``timeout`` seconds, and of its group."""
        ended = self._await(timeout)
        leftovers = self._clear_group() if ended else self.stop()
        return Finished(
            argv=self.argv,
            code=self._process.returncode if ended else None,
            seconds=time.monotonic() - self._began,
            stdout=self._tail(self._out),
            stderr=self._tail(self._err),
            leftovers=leftovers if ended else 0,
            peak_mib=self._peak_kib // 1024,
        )

    def stderr(self) -> bytes:
        return self._tail(self._err)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send one signal to the leader alone."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """End the group: politely, then not. Returns how many had to be killed."""
        if self._process.poll() is None:
            _signal_group(self.pid, signal.SIGTERM)
            if not self._await(1.0):
                _signal_group(self.pid, signal.SIGKILL)
                self._await(5.0)
        return self._clear_group()

    def dismiss(self) -> None:
        """End what has done its work. One that is alone leaves nobody behind: it need not be asked, which
        takes a daemon of upstream's 0.4 s.
        """
        deadline = time.monotonic() + 0.05
        while not (alone := _alone(self.pid)) and time.monotonic() < deadline:
            time.sleep(0.01)
        if alone and self._process.poll() is None:
            self.kill()
            self._await(5.0)
        self.stop()

    def _clear_group(self) -> int:
        members = remaining(self.pid)
        if members:
            _signal_group(self.pid, signal.SIGKILL)
        return len(members)

    @staticmethod
    def _tail(path: Path) -> bytes:
        with path.open("rb") as stream:
            return stream.read(OUTPUT_LIMIT)


class Sandbox:
    """One cell's scratch directory and everything that runs in it. Leaving the context ends and removes it
    all.
    """

    def __init__(self, root: Path, *, keep: bool = False, recording: bool = False) -> None:
        self.root = root
        self.area = root / "area"
        #: Where the transports take down what is said, if they are to.
        self.captures = root / "captures"
        self.recording = recording
        self._keep = keep
        self._background: list[Running] = []
        self._count = 0
        self.runs: list[RunLog] = []
        for part in ("area", "log", "home", "bin", "captures"):
            (root / part).mkdir(parents=True)
        root.chmod(0o755)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._background:
            running.stop()
        if not self._keep:
            trees.remove(os.fsencode(self.root))

    @property
    def environment(self) -> dict[str, str]:
        """What a peer finds in its environment: nothing of the caller's but the search path."""
        return {
            "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
            "HOME": str(self.root / "home"),
            "LC_ALL": "C",
            "TZ": "UTC",
            "COLUMNS": "80",
        }

    def _stem(self) -> Path:
        self._count += 1
        return self.root / "log" / f"run{self._count}"

    def start(self, argv: Sequence[bytes], *, env: Mapping[str, str] | None = None) -> Running:
        """Start a process that runs until the cell ends or the caller stops it."""
        running = Running(
            argv, env={**self.environment, **(env or {})}, cwd=os.fsencode(self.area), stem=self._stem()
        )
        self._background.append(running)
        return running

    def run(
        self,
        argv: Sequence[bytes],
        *,
        timeout: float,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        weighed: bool = False,
    ) -> Finished:
        """Run a process to its end and remember it for the report. If it is ``weighed`` its peak is its own,
        however much the suite holds itself.
        """
        stem = self._stem()
        scales = [sys.executable, "-I", "-S", peak.__file__, str(stem.with_suffix(".peak"))]
        running = Running(
            [*map(os.fsencode, scales), *argv] if weighed else argv,
            env={**self.environment, **(env or {})},
            cwd=os.fsencode(self.area),
            stem=stem,
            stdin=stdin,
        )
        self._background.append(running)
        finished = running.wait(timeout)
        if weighed:
            found = stem.with_suffix(".peak")
            kib = int(found.read_text(encoding="ascii")) if found.exists() else 0  # none if it was killed
            finished = replace(finished, argv=tuple(argv), peak_mib=kib // 1024)
        self.runs.append(finished.log())
        return finished

    def taken_down(self) -> list[Path]:
        """The captures so far, in the order in which their conversations ended."""
        return sorted(self.captures.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def script(self, name: str, text: str) -> Path:
        """An executable shell script in the cell's own directory."""
        path = self.root / "bin" / name
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(0o755)
        settle(path)
        return path
