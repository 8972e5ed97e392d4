"""The trees that are copied: made once, below the cache directory or in memory, and kept."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20
_OLD = 1_600_000_000_000_000_000


def base(where: str) -> Path:
    """``tmpfs``, ``disk`` (the user's cache directory), or a directory that is named."""
    if where == "tmpfs":
        path = Path("/dev/shm") / f"refsync-bench-{os.getuid()}"
    elif where == "disk":
        cache = os.environ.get("XDG_CACHE_HOME", "")
        path = (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "refsync" / "bench"
    else:
        path = Path(where).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


class Busy(Exception):
    """Another run works in the same directory, whose destinations it would remove."""


def claim(root: Path) -> int:
    """Keep others out of ``root`` until the returned descriptor is closed. ``Busy`` if one is there."""
    fd = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(fd, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise Busy(
            f"another ci/bench (process {owner}) works in {root}: wait, or name another place by --where"
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


def prepared(root: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The data set of that name; made beside its place first, so that half of one is never used."""
    path = root / "data" / name
    if not path.exists():
        half = root / "data" / f"{name}.part"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        make(half)
        half.rename(path)
    return path


def _noise(path: Path, size: int, seed: int, when: int = _OLD) -> None:
    source = random.Random(seed)
    with path.open("wb") as out:
        for start in range(0, size, 4 * MIB):
            out.write(source.randbytes(min(4 * MIB, size - start)))
    os.utime(path, ns=(when, when))


def big(size: int, seed: int = 1, *, later: bool = False) -> Callable[[Path], None]:
    """One file of noise; ``later``: so that it is not taken for another of its size."""
    return lambda folder: _noise(folder / "big", size, seed, _OLD + 10**10 if later else _OLD)


def changed(original: Path, touched: int) -> Callable[[Path], None]:
    """A copy of ``original`` with ``touched`` spots of 64 bytes rewritten, and another time."""

    def make(folder: Path) -> None:
        shutil.copyfile(original / "big", folder / "big")
        source = random.Random(7)
        size = (folder / "big").stat().st_size
        with (folder / "big").open("r+b") as out:
            for _ in range(touched):
                out.seek(source.randrange(size - 64))
                out.write(source.randbytes(64))
        os.utime(folder / "big", ns=(_OLD + 10**10, _OLD + 10**10))

    return make


def many(count: int, low: int, high: int, per_directory: int = 100) -> Callable[[Path], None]:
    """Small files of noise in directories."""

    def make(folder: Path) -> None:
        source = random.Random(3)
        noise = source.randbytes(MIB)
        for number in range(count):
            if number % per_directory == 0:
                where = folder / f"dir{number // per_directory:04}"
                where.mkdir()
            size = source.randint(low, high)
            at = source.randrange(MIB - size) if size < MIB else 0
            path = where / f"file{number:06}.dat"
            path.write_bytes(noise[at : at + size])
            os.utime(path, ns=(_OLD, _OLD))

    return make


def many_changed(original: Path, every: int) -> Callable[[Path], None]:
    """A copy of what ``many`` made in which one file in ``every`` has other bytes and another time."""

    def make(folder: Path) -> None:
        shutil.copytree(original, folder, dirs_exist_ok=True)
        for path in sorted(folder.glob("*/*"))[::every]:
            with path.open("r+b") as out:
                out.seek(path.stat().st_size // 2)
                out.write(b"changed")
            os.utime(path, ns=(_OLD + 10**10, _OLD + 10**10))

    return make


def text(size: int) -> Callable[[Path], None]:
    """Words that compress about as prose does."""

    def make(folder: Path) -> None:
        source = random.Random(5)
        letters = "etaoinshrdlucmfwypvbgkqjxz"
        words = [
            "".join(source.choices(letters, range(26, 0, -1), k=source.randint(2, 9))) for _ in range(5000)
        ]
        weights = [1 / (rank + 1) for rank in range(len(words))]
        with (folder / "text").open("w") as out:
            while out.tell() < size:
                out.write(" ".join(source.choices(words, weights, k=100_000)) + "\n")
        os.truncate(folder / "text", size)

    return make


def sparse(size: int, parts: int) -> Callable[[Path], None]:
    """A file of holes with ``parts`` times one MiB of noise in it."""

    def make(folder: Path) -> None:
        source = random.Random(9)
        with (folder / "sparse").open("wb") as out:
            for number in range(parts):
                out.seek(size // parts * number)
                out.write(source.randbytes(MIB))
            out.truncate(size)

    return make
