"""Sources that change while they are read, a clock that jumps, and signals that interrupt every call."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import trees

NAME = "old"


def _on_open(base: Path, act: Callable[[Path], None], *, before: bool) -> None:
    """Do something to the source's file when it is opened for the first time."""
    original = os.open
    path = base / "src" / NAME
    done = [False]

    def opened(*args: Any, **kwargs: Any) -> int:
        mine = args[0] in (os.fsencode(NAME), os.fsencode(path)) and not args[1] & os.O_ACCMODE
        mine = mine and not done[0] and _is_source(args[0], kwargs.get("dir_fd"), path)
        if mine and before:
            done[0] = True
            act(path)
        fd = original(*args, **kwargs)
        if mine and not before:
            done[0] = True
            act(path)
        return fd

    os.open = opened


def _is_source(name: bytes, dir_fd: int | None, path: Path) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=dir_fd), os.stat(path))
    except OSError:
        return False


def vanish(base: Path) -> None:
    _on_open(base, lambda path: path.unlink(), before=True)


def grow(base: Path) -> None:
    def append(path: Path) -> None:
        with path.open("ab") as stream:
            stream.write(bytes(100_000))

    _on_open(base, append, before=False)


def shrink(base: Path) -> None:
    _on_open(base, lambda path: os.truncate(path, 1000), before=False)


def jump(base: Path) -> None:
    """The clock goes a day forwards and back at each look."""
    original = time.time
    turns = [0]

    def jumping() -> float:
        turns[0] += 1
        return original() + (86_400 if turns[0] % 2 else -86_400)

    time.time = jumping


def storm(base: Path) -> None:
    """A signal each millisecond, whose handler does nothing."""
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)


#: What happens -> (what brings it about, exit codes that are right)
MOMENTS: dict[str, tuple[Callable[[Path], None], tuple[int, ...]]] = {
    "a file vanishes before it is opened": (vanish, (24, 23)),
    "a file grows after it was opened": (grow, (0, 23)),
    "a file shrinks after it was opened": (shrink, (0, 23, 24)),
    "the clock jumps by a day, to and fro": (jump, (0,)),
    "a signal interrupts every call": (storm, (0,)),
}
#: Of a server behind a shell only the client's end can be changed.
LOCAL_ONLY = frozenset(name for name in MOMENTS if name.startswith("a file"))


def restore(base: Path) -> None:
    """The source's file as it should have been, so that the next run can be judged."""
    path = base / "src" / NAME
    size = trees.FILES[NAME][0]
    path.write_bytes(trees.content(NAME, 2, size))
    os.utime(path, (1_600_000_009, 1_600_000_009))
