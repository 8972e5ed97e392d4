"""``ci/faults native``: faults in the C kernel's own calls of the system, and in what it submits to the ring.

A shim that is compiled for the run and loaded before the C library makes one call fail, of those that come
from the kernel's shared object; its call sites are recorded by a run without a fault. Sites of the ring are
injured where they submit. Exit: 0 every verdict is good, 1 one is not, 2 usage, 3 the runs without a fault
fail, or there is no kernel or no compiler.
"""

from __future__ import annotations

import argparse
import errno
import mmap
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import trees
from .journal import Journal, Outcome
from .runner import Ended, Workload, prepare, run
from .sites import judge

SHIM = Path(__file__).with_name("preload.c")
#: In the order of the shim's own list: what each may end with; ``short``: it does half of its work.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "openat": ("EACCES", "EMFILE", "ENOSPC", "EIO", "EINTR"),
    "read": ("EIO", "EINTR", "short"),
    "pread": ("EIO", "EINTR", "short"),
    "pwritev": ("ENOSPC", "EDQUOT", "EIO", "EINTR", "short"),
    "writev": ("EIO", "EINTR", "EAGAIN", "short"),
    "sendmsg": ("ECONNRESET", "EPIPE", "EINTR", "EAGAIN", "short"),
    "renameat": ("EACCES", "ENOSPC", "EDQUOT", "EIO"),
    "unlinkat": ("EACCES", "EIO"),
    "close": ("EIO", "ENOSPC", "EDQUOT"),
    "fstat": ("EACCES", "EIO"),
    "fstatat": ("EACCES", "EIO"),
    "futimens": ("EPERM", "EACCES", "EIO"),
    "fchmod": ("EPERM", "EACCES", "EIO"),
    "fchown": ("EPERM", "EACCES", "EIO"),
    "fdopendir": ("ENOMEM", "EMFILE"),
    "readdir": ("EIO",),
}
NAMES = tuple(FUNCTIONS)
#: Once the disk is full it stays so.
LASTING = ("ENOSPC", "EDQUOT")
#: After these a call is made again, or the rest of it: nobody may notice.
HARMLESS = ("", "EINTR", "EAGAIN", "short")

PLAINLY = "--io-uring=off"
WORKLOADS = (
    Workload("whole files", ("-a", "--delete", "-W", PLAINLY)),
    Workload("differences", ("-aX", "--delete", "--no-W", "--fsync", PLAINLY)),
    Workload("not as they are", ("-rlt", "--delete", "--chmod=F600", "--sparse", PLAINLY)),
    Workload("in place", ("-a", "--delete", "--inplace", "--no-W", PLAINLY)),
    Workload("with sums", ("-ac", "--delete", PLAINLY)),
    Workload("push", ("-a", "--delete", "--no-W", PLAINLY), remote="push"),
    Workload("pull", ("-a", "--delete", "--no-W", PLAINLY), remote="pull"),
)
RINGS = (
    Workload("ring, whole files", ("-a", "--delete", "-W", "--fsync")),
    Workload("ring, differences", ("-a", "--delete", "--no-W")),
    Workload("ring, zero copy", ("-a", "--delete", "-W", "--zero-copy=on")),
    Workload("ring, push", ("-a", "--delete", "--no-W"), remote="push"),
    Workload("ring, pull", ("-a", "--delete", "--no-W"), remote="pull"),
)
#: What an operation of the ring may end with, by the kind of its site.
OF_FILES = ("EIO", "EINTR", "EAGAIN", "short")
RING_FAULTS: dict[str, tuple[str, ...]] = {
    "read-source": OF_FILES,
    "read-basis": OF_FILES,
    "write-literal": ("ENOSPC", "EDQUOT", *OF_FILES),
    "write-copy": ("ENOSPC", "EDQUOT", *OF_FILES),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    **dict.fromkeys(("send", "send-zc"), ("ECONNRESET", "EPIPE", "EINTR", "EAGAIN", "short")),
    "write-pipe": ("EIO", "EINTR", "EAGAIN", "short"),
    "recv": ("ECONNRESET", "ENOBUFS", "EINTR", "EAGAIN"),
    "read-pipe": ("EIO", "EINTR", "EAGAIN", "short"),
    "poll": ("EINTR", "ECANCELED"),
    "cancel": ("ENOENT", "EALREADY"),
}
#: What can be wrong with the ring as such: the field of the kernel's injuries, and its value.
AS_A_WHOLE = {
    "no ring": ("setup", errno.EPERM),
    "no memory for it": ("setup", errno.ENOMEM),
    "no registered memory": ("memory", errno.ENOMEM),
    "no buffer rings": ("groups", errno.EINVAL),
    "no multishot receives": ("no_multishot", 1),
    "waits are interrupted": ("interrupts", 50),
}
_SUBMITTED = re.compile(r"io_uring ([\w-]+) \w+: submitted=(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A place of the kernel's object code, and how often a whole run calls there."""

    function: str
    offset: int
    calls: int


class Page:
    """The shared memory that the shim reads; see ``preload.c``."""

    _HEAD = struct.Struct("q8i")
    _SITE = struct.Struct("qii")
    SITES = 128
    SIZE = _HEAD.size + SITES * _SITE.size

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), self.SIZE)

    def set(self, target: int = 0, at: int = 0, error: int = 0, lasting: int = 0) -> None:
        """The ``at``-th call at ``target`` ends so; 0: sites are recorded."""
        head = self._HEAD.pack(target, at, error, lasting, 0, 0, 0, 0, os.getpid())
        self._map[:] = head.ljust(self.SIZE, b"\0")

    @property
    def hits(self) -> int:
        return int(self._HEAD.unpack_from(self._map)[5])

    def sites(self) -> list[Site]:
        calls: dict[tuple[int, int], int] = {}
        count = min(self._HEAD.unpack_from(self._map)[7], self.SITES)
        for number in range(count):
            offset, function, times = self._SITE.unpack_from(
                self._map, self._HEAD.size + number * self._SITE.size
            )
            calls[function, offset] = calls.get((function, offset), 0) + times
        return sorted(Site(NAMES[function], offset, times) for (function, offset), times in calls.items())


def words_for(fault: str) -> tuple[str, ...]:
    """What an error may say of it."""
    if fault in ("", "short"):
        return ("",)
    # whoever is told that the other end has gone, and tells nobody, leaves it in the middle of a frame
    return os.strerror(getattr(errno, fault)), "vanished", "closed", "reset by peer", "unexpected tag"


def verdict(base: Path, workload: Workload, ended: Ended, fault: str) -> str:
    """What is wrong with the run; empty if nothing is."""
    wrong = judge(base, workload, ended, words_for(fault))
    if fault in HARMLESS and ended.code:
        wrong.insert(0, f"exit {ended.code} for what is to be tried again: {ended.said[-200:]}")
    return "; ".join(wrong)


def tried(scratch: Path, workload: Workload, before: Callable[[], None], fault: str, where: str) -> Outcome:
    """One run in trees of its own; ``before`` is called in the process that becomes the client."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        ended = run(base, workload, before)
        return Outcome(workload.name, where, fault, ended.code, verdict(base, workload, ended, fault))


def whole(scratch: Path, workload: Workload) -> str:
    """What a run without a fault says; ``RuntimeError`` if it is not whole."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        ended = run(base, workload)
        problems = trees.problems(base, complete=True)
        if ended.code != 0 or problems:
            raise RuntimeError(f"{workload.name} fails without a fault: {ended} {problems}")
        return ended.said


def of_calls(scratch: Path, page: Page, journal: Journal) -> Iterator[tuple[str, Outcome | None]]:
    """Each call site in turn, at its first call and in the middle of all."""
    for workload in WORKLOADS:
        page.set()
        whole(scratch, workload)
        for site in page.sites():
            for at in sorted({1, site.calls // 2 + 1}):
                for fault in FUNCTIONS[site.function]:
                    key = f"{workload.name} {site.function} {site.offset:x} {at} {fault}"
                    if key not in journal:
                        error = 0 if fault == "short" else getattr(errno, fault)
                        page.set(site.offset, at, error, fault in LASTING)
                        where = f"{site.function}:{site.offset:x}"
                        outcome: Outcome | None = judged(scratch, page, workload, fault, where)
                        journal.add(key, outcome)
                    yield key, journal[key]
    page.set(at=-1)


def judged(scratch: Path, page: Page, workload: Workload, fault: str, where: str) -> Outcome | None:
    """None if the call was not made. The run that comes after the first one is not to meet the fault."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        ended = run(base, workload)
        met = page.hits
        page.set(at=-1)
        if not met:
            return None
        return Outcome(workload.name, where, fault, ended.code, verdict(base, workload, ended, fault))


def of_ring(scratch: Path, journal: Journal) -> Iterator[tuple[str, Outcome | None]]:
    """Each site that submits, at its first submission and in the middle; then the ring as a whole."""
    from refsync._kernel import lib
    from refsync.uring.sites import SITES

    numbers = {site.name: number for number, site in enumerate(SITES)}

    def injure(site: str, at: int, times: int, fault: str) -> Callable[[], None]:
        def do() -> None:
            wound = lib.refsync_ring_injury.site[numbers[site]]
            wound.at, wound.times = at, times
            wound.limit = 1000 if fault == "short" else 0
            wound.result = 0 if fault == "short" else -getattr(errno, fault)

        return do

    def refuse(field: str, value: int) -> Callable[[], None]:
        def do() -> None:
            setattr(lib.refsync_ring_injury, field, value)
            lib.refsync_ring_injury.setup_times = 100

        return do

    for workload in RINGS:
        told = Workload(workload.name, (*workload.options, "--debug=uring"), workload.remote)
        submitted: dict[str, int] = {}
        for name, count in _SUBMITTED.findall(whole(scratch, told)):
            submitted[name] = max(submitted.get(name, 0), int(count))
        for site, count in sorted(submitted.items()):
            for at in sorted({1, count // 2 + 1}):
                for fault in RING_FAULTS[site]:
                    key = f"{workload.name} {site} {at} {fault}"
                    if key not in journal:
                        before = injure(site, at, 1_000_000 if fault in LASTING else 1, fault)
                        journal.add(key, tried(scratch, workload, before, fault, site))
                    yield key, journal[key]
        for name, (field, value) in AS_A_WHOLE.items():
            key = f"{workload.name} {name}"
            if key not in journal:
                journal.add(key, tried(scratch, workload, refuse(field, value), "", name))
            yield key, journal[key]


def compiled(scratch: Path) -> Path:
    """The shim. ``RuntimeError`` without a compiler."""
    gcc = shutil.which("gcc") or shutil.which("cc")
    if gcc is None:
        raise RuntimeError("no C compiler is installed: apt-get install gcc libc6-dev")
    out = scratch / "preload.so"
    subprocess.run([gcc, "-O1", "-shared", "-fPIC", "-o", str(out), str(SHIM), "-ldl"], check=True)
    return out


def begin_again(arguments: list[str]) -> int:
    """This program once more, with the shim before the C library; its exit code."""
    with tempfile.TemporaryDirectory(prefix="refsync-shim-") as place:
        control = Path(place) / "control"
        control.write_bytes(bytes(Page.SIZE))
        added = {"LD_PRELOAD": str(compiled(Path(place))), "REFSYNC_FAULTS": str(control)}
        command = [sys.executable, "-m", __spec__.name, *arguments]
        return subprocess.run(command, env={**os.environ, **added}, check=False).returncode


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="ci/faults native", description=__doc__)
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep there what was tried, and go on")
    parser.add_argument("--only", default="", help="trials whose names begin so")
    parser.add_argument("--most", type=int, default=0, help="stop after so many trials")
    parser.add_argument("--table", type=Path, help="write the table there")
    args = parser.parse_args(argv)
    if "REFSYNC_FAULTS" not in os.environ:
        return begin_again(sys.argv[1:] if argv is None else argv)
    import refsync.cli.main
    import refsync.cli.serve  # noqa: F401 - a warm start for each run
    from refsync import native

    if not native.HAVE_BULK:
        print("there is no C kernel here (ci/setup tells why)", file=sys.stderr)
        return 3
    page, journal = Page(os.environ["REFSYNC_FAULTS"]), Journal(args.resume)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="refsync-faults-") as place:
        for trials in (of_calls(Path(place), page, journal), of_ring(Path(place), journal)):
            for key, outcome in trials:
                if args.most and len(outcomes) >= args.most:
                    break
                if outcome is None or not key.startswith(args.only):
                    continue
                outcomes.append(outcome)
                if outcome.wrong:
                    print(f"  {key}: {outcome.wrong}", flush=True)
    bad = sum(bool(outcome.wrong) for outcome in outcomes)
    print(f"{len(outcomes)} faults met, {bad} bad verdicts")
    if args.table:
        from .table import write_native

        write_native(args.table, outcomes)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
