"""The sender's look at the file system: one entry from one name, the names in a directory.

Clauses FLIST-7 to FLIST-11; upstream ``flist.c:make_file``, ``send_directory``, ``readlink_stat``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

from ..options.model import Options
from ..wire.entry import FileEntry
from . import fakesuper
from .ids import IdNames
from .sources import PLAIN, Files

#: What the target of a symlink is stored behind where it must not be followed (upstream ``SYMLINK_PREFIX``).
MUNGED = b"/rsyncd-munged/"


def size_of(fd: int) -> int:
    """A file's size; a device's as far as going to its end tells it, else 0."""
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    try:
        return os.lseek(fd, 0, os.SEEK_END)
    except OSError:
        return 0


def _device_size(path: bytes, files: Files) -> int:
    """What a device holds; 0 if it can't be opened."""
    try:
        fd = files.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return size_of(fd)
    finally:
        os.close(fd)


def stat_entry(
    path: bytes,
    name: bytes,
    options: Options,
    ids: IdNames,
    status: os.stat_result | None = None,
    fail: Callable[[bytes], object] = lambda text: None,
    files: Files = PLAIN,
) -> FileEntry:
    """The list entry for the file at ``path``, to be called ``name`` in the list.

    ``status`` saves the lstat if the caller has made one (or a stat, for a
    directory that was reached through a symlink). Devices and special files
    have size 0 whatever the kernel says, but with ``--copy-devices`` a device is
    a file. ``entry.path`` is left to the caller.
    With ``--fake-super`` a file is what its attribute says (FAKE-1); ``fail``
    takes the text if that can't be read.
    Raises OSError: the file has vanished or cannot be looked at.
    """
    if status is None:
        status = files.lstat(path)
    fake = None
    if options.fake_super:
        fake = fakesuper.stored(files.attribute_path(path), b'"' + os.path.abspath(path) + b'"', status, fail)
    if fake is not None:
        real_link, status = stat.S_ISLNK(status.st_mode), fake
    mode = status.st_mode
    # whole seconds rounded down: a time before 1970 has nanoseconds counting up, as struct timespec has
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    entry = FileEntry(name, mode, status.st_size, seconds)
    entry.nsec = nanoseconds
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        if fake is None or real_link:
            entry.link = files.readlink(path)
        else:
            entry.link = fakesuper.read_link(files.attribute_path(path))
        if options.munge_links:
            entry.link = entry.link.removeprefix(MUNGED)
    elif options.copy_devices and entry.is_device:
        # FS-25: a file of what it holds; when that changed the device does not tell
        entry.size = status.st_size or _device_size(path, files)
        entry.mode = stat.S_IFREG | (mode & 0o777)
        entry.mtime, entry.nsec = int(time.time()), 0
    elif kind not in (stat.S_IFREG, stat.S_IFDIR):
        entry.size = 0
        if entry.is_device:
            entry.rdev_major = os.major(status.st_rdev)
            entry.rdev_minor = os.minor(status.st_rdev)
    entry.uid, entry.gid = status.st_uid, status.st_gid
    if options.owner:
        entry.uname = ids.user_name(status.st_uid)
    if options.group:
        entry.gname = ids.group_name(status.st_gid)
    if options.atimes and kind != stat.S_IFDIR:
        entry.atime = status.st_atime_ns // 1_000_000_000
    return entry


def entry_from(name: bytes, status: os.stat_result, link: bytes = b"") -> FileEntry:
    """An entry that says of a file here what it is like, so that another can be made like it."""
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    entry = FileEntry(name, status.st_mode, status.st_size, seconds)
    entry.nsec = nanoseconds
    entry.uid, entry.gid = status.st_uid, status.st_gid
    entry.atime = status.st_atime_ns // 1_000_000_000
    if entry.is_link:
        entry.link = link
    elif entry.is_device:
        entry.rdev_major, entry.rdev_minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return entry
