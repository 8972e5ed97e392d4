"""The jobs that are timed: data, options, where the job makes sense, and the goal it is held against."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import data, programs
from .data import MIB

ALL = programs.TRANSPORTS


@dataclass(frozen=True, slots=True)
class Workload:
    """One job. ``source`` and ``basis`` make the data; ``basis`` is copied into each fresh destination.

    ``goal`` is our time over upstream's on a local copy, ``goal_daemon`` to and from a daemon.
    """

    name: str
    group: str
    title: str
    options: tuple[str, ...]
    source: Callable[[Path], Path]
    basis: Callable[[Path], Path] | None = None
    transports: tuple[str, ...] = ALL
    goal: float = 1.0
    goal_daemon: float = 1.0


def _big(root: Path) -> Path:
    return data.prepared(root, "1g", data.big(1024 * MIB))


def _changed(root: Path) -> Path:
    # one block in a hundred: 32768 blocks of 32 KiB
    return data.prepared(root, "1g-changed", data.changed(_big(root), 328))


def _same(root: Path) -> Path:
    return data.prepared(root, "1g-same", data.changed(_big(root), 0))


def _noise(root: Path) -> Path:
    return data.prepared(root, "256m", data.big(256 * MIB, 11, later=True))


def _other_noise(root: Path) -> Path:
    return data.prepared(root, "256m-other", data.big(256 * MIB, 12))


def _small(root: Path) -> Path:
    return data.prepared(root, "20000", data.many(20_000, 1024, 4096))


def _hundred_thousand(root: Path) -> Path:
    return data.prepared(root, "100000", data.many(100_000, 0, 200))


def _tree(root: Path) -> Path:
    return data.prepared(root, "70000", data.many(70_000, 100, 24_000, 40))


def _tree_changed(root: Path) -> Path:
    return data.prepared(root, "70000-changed", data.many_changed(_tree(root), 100))


def _text(root: Path) -> Path:
    return data.prepared(root, "text", data.text(256 * MIB))


def _sparse(root: Path) -> Path:
    return data.prepared(root, "sparse", data.sparse(8192 * MIB, 64))


def _one(root: Path) -> Path:
    return data.prepared(root, "one", data.many(1, 1024, 1024))


_DELTA = ("-a", "--no-whole-file")
WORKLOADS = (
    Workload("bulk", "bulk", "1 GiB file, new", ("-a",), _big, goal=0.4, goal_daemon=0.65),
    Workload(
        "delta",
        "delta",
        "1 GiB file, 1 % of its blocks changed",
        _DELTA,
        _changed,
        _big,
        goal=0.35,
        goal_daemon=0.35,
    ),
    Workload(
        "same", "delta", "1 GiB file, only the time differs", _DELTA, _same, _big, goal=0.35, goal_daemon=0.35
    ),
    Workload(
        "nothing-common",
        "delta",
        "256 MiB file, nothing in common",
        _DELTA,
        _noise,
        _other_noise,
        goal=0.25,
        goal_daemon=0.25,
    ),
    Workload("small", "small", "20,000 files of 1 to 4 KiB, new", ("-a",), _small, goal=0.9),
    Workload(
        "fsync",
        "fsync",
        "the same with --fsync",
        ("-a", "--fsync"),
        _small,
        transports=("local", "push"),
        goal=0.4,
        goal_daemon=0.5,
    ),
    Workload(
        "nothing", "nothing", "100,000 files, nothing to do", ("-a",), _hundred_thousand, _hundred_thousand
    ),
    Workload(
        "nothing-c",
        "nothing",
        "the same with -c",
        ("-ac",),
        _hundred_thousand,
        _hundred_thousand,
        goal=0.7,
        goal_daemon=0.7,
    ),
    Workload("tree", "tree", "70,000 mixed files, new", ("-a",), _tree, goal=0.9, goal_daemon=0.9),
    Workload(
        "tree-changed",
        "tree",
        "the same with 1 % of them changed",
        ("-a",),
        _tree_changed,
        _tree,
        goal=0.9,
        goal_daemon=0.9,
    ),
    Workload(
        "zstd",
        "compress",
        "256 MiB of text, -z zstd",
        ("-az", "--zc=zstd"),
        _text,
        transports=("pipe", "push"),
        goal_daemon=0.9,
    ),
    Workload(
        "lz4",
        "compress",
        "256 MiB of text, -z lz4",
        ("-az", "--zc=lz4"),
        _text,
        transports=("pipe", "push"),
        goal_daemon=0.9,
    ),
    Workload(
        "zlib",
        "compress",
        "256 MiB of text, -z zlib",
        ("-az", "--zc=zlibx"),
        _text,
        transports=("pipe", "push"),
        goal_daemon=0.9,
    ),
    Workload(
        "sparse",
        "sparse",
        "sparse file of 8 GiB with 64 MiB of data, -S",
        ("-aS",),
        _sparse,
        transports=("local", "push"),
        goal=0.5,
        goal_daemon=0.5,
    ),
    Workload("start", "start", "one small file: start to end", ("-a",), _one, transports=("local", "pull")),
)
GROUPS = tuple(dict.fromkeys(workload.group for workload in WORKLOADS))


class Destinations:
    """Fresh names to copy into. On a disk they all go at the end: ext4 is slow right after a deletion."""

    def __init__(self, root: Path, keep: bool) -> None:
        self._top = root / "dest"
        self._keep = keep
        self._count = 0
        self.clear()

    def clear(self) -> None:
        shutil.rmtree(self._top, ignore_errors=True)
        self._top.mkdir(parents=True)

    def fresh(self, basis: Path | None) -> Path:
        """A new directory, with a copy of ``basis`` in it."""
        self._count += 1
        path = self._top / f"{self._count}"
        if basis is None:
            path.mkdir()
        else:
            import subprocess

            subprocess.run(["cp", "-a", str(basis), str(path)], check=True)
        return path

    def done(self, path: Path) -> None:
        if not self._keep:
            shutil.rmtree(path)


def check(workload: Workload, source: Path, dest: Path) -> None:
    """A run that copied something else has no figure: compare sizes and times, and some files whole."""
    import filecmp

    from .measure import RunFailed

    for path in source.rglob("*"):
        copy = dest / path.relative_to(source)
        ours, theirs = path.lstat(), copy.lstat()
        if path.is_file() and (ours.st_size, ours.st_mtime_ns) != (theirs.st_size, theirs.st_mtime_ns):
            raise RunFailed(f"{workload.name}: {copy} is not {path}")
    for path in sorted(source.rglob("*"))[:50]:
        if path.is_file() and not filecmp.cmp(path, dest / path.relative_to(source), shallow=False):
            raise RunFailed(f"{workload.name}: {path.name} differs")
