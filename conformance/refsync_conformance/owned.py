"""Directories that belong to a running process: whoever comes next removes what a killed one has left.

The owner holds a lock on the directory until it ends, however it does. Where a directory can't be locked, as
on some network file systems, nobody but the owner removes it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from refsync_conformance import trees

#: Seconds in which an owner has taken its lock for sure.
YOUNG = 60.0

_held: dict[Path, int] = {}


def claim(parent: Path, prefix: str) -> Path:
    """Make a directory that everybody may enter, and own it until :func:`release` or the process's end."""
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    # Other users' processes (a daemon that gives up root) have to get through.
    place.chmod(0o755)
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    _held[place] = descriptor
    return place


def release(place: Path, *, keep: bool = False) -> None:
    """Remove a directory that was claimed, or leave it without an owner's name to it."""
    if not keep:
        with suppress(OSError):
            trees.remove(os.fsencode(place))
    os.close(_held.pop(place))


def abandoned(place: Path) -> bool:
    """Whether nobody holds the directory's lock any more. Raises ``OSError`` where that can't be told."""
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def sweep(parent: Path, prefix: str, *, age: float = YOUNG) -> list[Path]:
    """Remove this user's directories of that prefix whose owners have ended, ``age`` seconds old at least."""
    gone = []
    for place in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            status = place.lstat()
            old = status.st_mtime <= time.time() - age
            if status.st_uid == os.geteuid() and old and abandoned(place):
                trees.remove(os.fsencode(place))
                gone.append(place)
    return gone
