"""Launchers that only one run needs, and what earlier runs have left in the cache.

A peer that is pointed at (`ssh:HOST`) is run by a script that holds its host, its program and how the two
machines share files. Those of a process are in one directory of the cache, `.run-XXXX`, which goes when the
process ends. One that was killed leaves its directory, and whoever comes next removes it: the lock that its
owner held is free.
"""

from __future__ import annotations

import atexit
import os
import pathlib
import re
import shutil
import time
from collections.abc import Callable

from refsync_conformance import owned
from refsync_conformance.peers import cache

_RUN = ".run-"
#: How launchers of hosts were kept before: for ever.
_FAR = re.compile(r"ssh-[0-9a-f]{12}")
_REFERENCE = re.compile(r"refsync-[0-9a-f]{12}")
_PACKAGE = re.compile(r"^sys\.path\[0\] = '(.*)'$", re.MULTILINE)
_LOCK = re.compile(r"\.((?:ssh|refsync)-[0-9a-f]{12})\.lock")
_DAY = 86_400.0

#: By the cache that they are in.
_mine: dict[pathlib.Path, pathlib.Path] = {}


def directory() -> pathlib.Path:
    """The directory of this process's launchers, made when it is first asked for."""
    home = cache.directory()
    if home not in _mine:
        with cache.lock("run"):
            sweep()
            place = owned.claim(home, _RUN)
        _mine[home] = place
        atexit.register(_leave, os.getpid(), place)
    return _mine[home]


def _leave(owner: int, place: pathlib.Path) -> None:
    if os.getpid() == owner:  # a fork that ends as a whole program would is not the run
        owned.release(place)


def sweep() -> list[str]:
    """Remove what nobody needs any more; the names of it. The caller holds the lock ``run``."""
    tests: tuple[tuple[Callable[[str], object], Callable[[pathlib.Path], bool]], ...] = (
        (lambda name: name.startswith(_RUN), owned.abandoned),
        (_FAR.fullmatch, _old),
        (_REFERENCE.fullmatch, _without_package),
        (_LOCK.fullmatch, lambda place: _old(place) and not place.with_name(place.name[1:-5]).exists()),
    )
    gone = []
    for place in sorted(cache.directory().iterdir()):
        try:
            if any(fits(place.name) and done(place) for fits, done in tests):
                shutil.rmtree(place) if place.is_dir() else place.unlink()
                gone.append(place.name)
        except OSError:
            continue  # somebody else's, or gone already
    return gone


def _old(place: pathlib.Path) -> bool:
    return place.stat().st_mtime < time.time() - _DAY


def _without_package(place: pathlib.Path) -> bool:
    """Whether a launcher of the reference's is for a package that is no longer where it was."""
    found = _PACKAGE.search((place / "launch.py").read_text(encoding="utf-8"))
    return found is not None and not os.path.isdir(os.path.join(found[1], "refsync"))
