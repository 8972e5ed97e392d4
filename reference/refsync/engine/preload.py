"""Imports what a run imports only once it needs it: a new root would hide it.

A daemon that has this loaded shares it with all its children.
"""

from __future__ import annotations

import importlib

from .. import native

_LATE = (
    *("encodings.idna", "unicodedata", "shlex", "ctypes", "re", "pwd", "grp"),
    *("refsync.session.auth", "refsync.uring.choice", "refsync.files.beneath", "refsync.files.iconv"),
)
_LATE_NATIVE = ("refsync.native.small", "refsync.uring.movers")

for _name in (*_LATE, *(_LATE_NATIVE if native.HAVE_BULK else ())):
    importlib.import_module(_name)
