"""Runs one command and says what it took: wall time, processor time of all its processes, peak memory."""

from __future__ import annotations

import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


class RunFailed(Exception):
    """A measured command did not do its work, so there is no figure."""


@dataclass(slots=True)
class Taken:
    """What one run took, in seconds and KiB."""

    wall: float
    cpu: float
    peak: int = 0


def run(command: list[str], *, also: int = 0, memory: bool = False, log: Path | None = None) -> Taken:
    """Run to the end. ``also``: a daemon whose processor time counts too.

    ``memory`` samples the proportional memory of every process, which costs time: the wall and
    processor time of such a run are not to be used.
    """
    before = _daemon_cpu(also)
    errors = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    quiet = os.open(os.devnull, os.O_RDWR)
    start = time.perf_counter()
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, quiet, 0),
            (os.POSIX_SPAWN_DUP2, quiet, 1),
            (os.POSIX_SPAWN_DUP2, errors, 2),
        ],
    )
    sampler = _Sampler([pid, also] if also else [pid]) if memory else None
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    os.close(errors)
    os.close(quiet)
    peak = sampler.stop() if sampler else 0
    if status:
        said = log.read_text(errors="replace") if log else ""
        raise RunFailed(f"{command} ended with {os.waitstatus_to_exitcode(status)}: {said}")
    cpu = usage.ru_utime + usage.ru_stime
    if also:
        _settle(also)
        cpu += _daemon_cpu(also) - before
    return Taken(wall, cpu, peak)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _settle(daemon: int) -> None:
    """A daemon counts a connection's processor time once it has reaped its process."""
    end = time.monotonic() + 2
    while _children(daemon) and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(0.02)


def _daemon_cpu(pid: int) -> float:
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / _TICK


class _Sampler(threading.Thread):
    """Adds up the proportional set size of processes and all below them, again and again."""

    def __init__(self, roots: list[int]) -> None:
        super().__init__(daemon=True)
        self._roots = roots
        self._done = threading.Event()
        self._peak = 0
        self.start()

    def run(self) -> None:
        while not self._done.wait(0.01):
            self._peak = max(self._peak, sum(self._size(pid) for pid in self._all()))

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self._peak

    def _all(self) -> list[int]:
        found, todo = [], list(self._roots)
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += _children(pid)
        return found

    @staticmethod
    def _size(pid: int) -> int:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1])
        except (OSError, ValueError):
            pass
        return 0


@dataclass(slots=True)
class Pairs:
    """Runs of two programs in turn, A B A B, after a warm-up of each."""

    ours: list[Taken] = field(default_factory=list)
    theirs: list[Taken] = field(default_factory=list)
    our_peak: int = 0
    their_peak: int = 0

    def ratios(self) -> list[float]:
        """Our wall time over theirs, pair by pair."""
        return sorted(a.wall / b.wall for a, b in zip(self.ours, self.theirs, strict=True))

    def summary(self) -> dict[str, float]:
        """Medians, and the ratio with its spread."""
        ratios = self.ratios()
        return {
            "wall": statistics.median(one.wall for one in self.ours),
            "wall_upstream": statistics.median(one.wall for one in self.theirs),
            "cpu": statistics.median(one.cpu for one in self.ours),
            "cpu_upstream": statistics.median(one.cpu for one in self.theirs),
            "peak_kib": self.our_peak,
            "peak_kib_upstream": self.their_peak,
            "ratio": statistics.median(ratios),
            "ratio_low": ratios[0],
            "ratio_high": ratios[-1],
            "pairs": len(ratios),
        }
