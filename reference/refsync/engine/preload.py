"""Imports what a run imports only once it needs it: a new root would hide it.

A daemon that has this loaded shares it with all its children.
"""

from __future__ import annotations

import importlib
import pkgutil

import refsync

from .. import native

#: Modules of others that functions here import.
OF_OTHERS = (
    *("copy", "ctypes", "encodings.idna", "grp", "hashlib", "locale", "pwd", "re", "shlex", "subprocess"),
    *("traceback", "unicodedata"),
)
#: Ours that a running daemon has no use for.
_NOT = ("refsync.__main__", "refsync.cli.", "refsync.native.build")
_NATIVE = (
    "refsync._kernel",
    "refsync.native.bulk",
    "refsync.native.kernel",
    "refsync.native.small",
    "refsync.uring.movers",
)


def names() -> list[str]:
    """All modules that a daemon may come to need."""
    without = _NOT if native.HAVE_BULK else (*_NOT, *_NATIVE)
    own = [found.name for found in pkgutil.walk_packages(refsync.__path__, "refsync.")]
    return [*OF_OTHERS, *(name for name in own if not f"{name}.".startswith(without))]


for _name in names():
    importlib.import_module(_name)
