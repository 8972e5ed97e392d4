"""Imports what a run imports only once it needs it: a new root would hide it.

A daemon that has this loaded shares it with all its children.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

import refsync

from .. import native

#: Modules of others that functions here import.
OF_OTHERS = (
    *("copy", "ctypes", "encodings.idna", "fcntl", "grp", "hashlib", "locale", "pwd", "re", "resource"),
    *("shlex", "traceback", "unicodedata"),
)
#: Ours that a running daemon has no use for.
_NOT = ("refsync.__main__", "refsync.cli.", "refsync.native.build")
_NATIVE = (
    "refsync._kernel",
    "refsync.native.bulk",
    "refsync.native.kernel",
    "refsync.native.match",
    "refsync.native.rowfiles",
    "refsync.native.rows",
    "refsync.native.small",
    "refsync.uring.movers",
)


def names() -> list[str]:
    """All modules that a daemon may come to need."""
    without = _NOT if native.HAVE_BULK else (*_NOT, *_NATIVE)
    own = (f"refsync.{name}" for place in refsync.__path__ for name in _modules(place))
    return [*OF_OTHERS, *(name for name in own if not f"{name}.".startswith(without))]


def _modules(place: str, package: str = "") -> Iterator[str]:
    """Those that lie in a directory and below. ``pkgutil`` would take half the time of all this."""
    for found in sorted(os.scandir(place), key=lambda found: found.name):
        name, dot, _ = found.name.partition(".py")
        if dot and found.name.endswith((".py", ".pyc")) and name != "__init__":
            yield package + name
        elif os.path.exists(f"{found.path}/__init__.py"):
            yield from _modules(found.path, f"{package}{name}.")


for _name in names():
    importlib.import_module(_name)
