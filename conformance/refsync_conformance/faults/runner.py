"""Runs the reference in forks of one warm process: prepared, watched, ended."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Seconds after which a run hangs.
LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Workload:
    """A command line; with ``remote`` the server is behind a shell: two programs, not one in two forks."""

    name: str
    options: tuple[str, ...]
    remote: str = ""  # "push" or "pull"

    @property
    def inplace(self) -> bool:
        return "--inplace" in self.options

    def arguments(self, base: Path) -> list[str]:
        src, dst = f"{base}/src/", f"{base}/dst/"
        words = list(self.options)
        if self.remote:
            words += ["-e", str(base / "shell"), f"--rsync-path={sys.executable} -m refsync"]
        if self.remote == "push":
            dst = f"host:{dst}"
        elif self.remote == "pull":
            src = f"host:{src}"
        return [*words, src, dst]


WORKLOADS = (
    Workload("plain", ("-aH", "--delete", "--no-W")),
    Workload("attributes", ("-aHX", "--delete", "--backup", "--backup-dir=../old", "--fsync", "--sparse")),
    Workload(
        "parts", ("-a", "--delete", "--partial-dir=.parts", "--delay-updates", "--temp-dir=../tmp", "-z")
    ),
    Workload("in place", ("-a", "--delete", "--inplace", "--no-W", "--preallocate", "-c")),
    Workload("push", ("-a", "--delete", "--no-W"), remote="push"),
    Workload("pull", ("-a", "--delete", "--no-W"), remote="pull"),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """``code`` None: it had to be ended."""

    code: int | None
    said: str


def prepare(base: Path) -> None:
    """What the command lines name besides the trees."""
    (base / "tmp").mkdir(exist_ok=True)
    shell = base / "shell"
    shell.write_text('#!/bin/sh\nshift\nexec /bin/sh -c "$*"\n')
    shell.chmod(0o755)


def fork(base: Path, workload: Workload, before: Callable[[], None] = lambda: None) -> int:
    """Start the command in a fork, a session of its own, its output in ``base/said``; first ``before``."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.setsid()
        out = os.open(base / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, fd in ((0, null), (1, out), (2, out)):
            os.dup2(fd, number)
        from refsync.cli.main import main

        before()
        code = main(workload.arguments(base))
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def wait(pid: int, base: Path, seconds: float = LIMIT) -> Ended:
    """The run's end, by itself or, after so long, by force; with it goes all that it has started."""
    watch = os.pidfd_open(pid)
    try:
        ended = bool(select.select([watch], [], [], seconds)[0])
    finally:
        os.close(watch)
    if not ended:
        _kill(pid)
    _, status = os.waitpid(pid, 0)
    _clear(pid)
    said = (base / "said").read_text("utf-8", "backslashreplace") if (base / "said").exists() else ""
    return Ended(os.waitstatus_to_exitcode(status) if ended else None, said)


def _kill(session: int) -> None:
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _clear(session: int, seconds: float = 5.0) -> None:
    """Wait for the other end to go too."""
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)
    _kill(session)


def run(base: Path, workload: Workload, before: Callable[[], None] = lambda: None) -> Ended:
    return wait(fork(base, workload, before), base)
