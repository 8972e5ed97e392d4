"""From the file system to file list entries.

Clauses FLIST-7 to FLIST-11; upstream ``flist.c:make_file``.
"""

from __future__ import annotations

import os
import stat

from ..options.model import Options
from ..wire.entry import FileEntry
from .ids import IdNames


def read_dir(path: bytes) -> list[bytes]:
    """The names in a directory, in its own order."""
    return os.listdir(path)


def stat_entry(path: bytes, name: bytes, options: Options, ids: IdNames, status: os.stat_result) -> FileEntry:
    """The entry ``name`` for what lies at ``path``; ``OSError`` if a link cannot be read."""
    mode = status.st_mode
    seconds, nanoseconds = divmod(status.st_mtime_ns, 10**9)
    entry = FileEntry(name, mode, status.st_size, seconds)
    entry.nsec = nanoseconds
    entry.uid, entry.gid = status.st_uid, status.st_gid
    if options.owner:
        entry.uname = ids.user_name(status.st_uid)
    if options.group:
        entry.gname = ids.group_name(status.st_gid)
    if options.atimes:
        entry.atime = status.st_atime_ns // 10**9
    if stat.S_ISLNK(mode):
        if options.links:
            entry.link = os.readlink(path)
            entry.size = len(entry.link)
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        entry.rdev_major, entry.rdev_minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        entry.size = 0
    return entry
