"""A line of ``--list-only``, which a client prints and a receiving server sends.

Clause OUT-5; upstream ``generator.c:list_file_entry``.
"""

from __future__ import annotations

import stat
import time

from ..wire.entry import FileEntry
from .numbers import human


def listing_line(entry: FileEntry, human_level: int, *, atimes: bool = False) -> bytes:
    """Mode, size, local time, the time of access if asked for, name and a link's target; no newline.

    An entry without a mode is an argument that is missing and to be deleted.
    """
    width = 14 if human_level else 11
    when = _local_time(entry.mtime)
    if atimes:
        when += f" {'' if entry.is_dir else _local_time(entry.atime):>19}"
    if not entry.mode:
        return f"{'*missing':<{11 + width + 1 + len(when)}} ".encode() + entry.name
    arrow = b" -> " + entry.link if entry.is_link and entry.link is not None else b""
    head = f"{stat.filemode(entry.mode)} {human(entry.size, human_level):>{width}} {when} "
    return head.encode() + entry.name + arrow


def _local_time(seconds: int) -> str:
    """A peer may name a time that no calendar has; its seconds are shown then."""
    try:
        return time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds:>19}"
