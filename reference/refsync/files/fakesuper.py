"""``--fake-super``: owner, special mode bits and device numbers kept in an attribute of an ordinary file.

The attribute ``user.rsync.%stat`` holds the mode in octal, major and minor
number, uid and gid. Clauses FAKE-1 to FAKE-3; upstream
``xattrs.c:get_stat_xattr``, ``set_stat_xattr``, ``syscall.c:do_mknod``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from ..wire.errors import Exit, RefsyncError
from .xattrs import STAT, reason

#: Longer than any that was written (upstream has a buffer of 256 bytes).
_MOST = 255
#: As C's sscanf reads numbers: with a sign, and never fewer digits than there are.
_NUMBER = rb"\s*([+-]?\d++)"
_FORM = rb"\s*([+-]?[0-7]++)" + _NUMBER + rb"," + _NUMBER + _NUMBER + rb":" + _NUMBER
#: The fields of a status that can be given by position, in order.
_SHOWN = 10
_MORE = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blksize", "st_blocks")


def parse(text: bytes) -> tuple[int, int, int, int, int] | None:
    """(mode, major, minor, uid, gid), None if the text is none."""
    import re

    found = re.match(_FORM, text)
    if found is None:
        return None
    mode = int(found[1], 8) & 0xFFFF
    major, minor, uid, gid = (int(one) & 0xFFFFFFFF for one in found.groups()[1:])
    return mode, major, minor, uid, gid


def text_of(mode: int, major: int, minor: int, uid: int, gid: int) -> bytes:
    """The attribute's value."""
    return b"%o %d,%d %d:%d" % (mode, major, minor, uid, gid)


def text_of_status(status: os.stat_result) -> bytes:
    """The value that says what a status says."""
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return text_of(status.st_mode, major, minor, status.st_uid, status.st_gid)


def stored(
    path: bytes, shown: bytes, status: os.stat_result, fail: Callable[[bytes], object]
) -> os.stat_result | None:
    """What the file at ``path`` is said to be; None if nothing is said.

    ``status`` is what it is. A text that is none ends the run (exit 11).
    """
    mode = status.st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return None
    try:
        text = os.getxattr(path, STAT, follow_symlinks=False)
        if len(text) > _MOST:
            raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
    except OSError as error:
        if error.errno == errno.EPERM and stat.S_ISLNK(mode):
            return _changed(status, mode, 0, 0, 0)
        # a symlink has no such attributes; the system says ENODATA too
        if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP):
            fail(b"failed to read xattr " + STAT + b" for " + shown + reason(error))
        return None
    said = parse(text)
    if said is None:
        raise RefsyncError(
            f"Corrupt {os.fsdecode(STAT)} xattr attached to {os.fsdecode(shown)}:"
            f' "{text.decode("utf-8", "backslashreplace")}"',
            Exit.FILE_IO,
        )
    return _changed(status, said[0], os.makedev(said[1] & 0xFFF, said[2] & 0xFFFFF), said[3], said[4])


def sized(status: os.stat_result, size: int) -> os.stat_result:
    """The status of a device with the size that it was found to have."""
    shown, more = _fields(status)
    shown[stat.ST_SIZE] = size
    return os.stat_result(shown, more)


def _fields(status: os.stat_result) -> tuple[list[int | float], dict[str, object]]:
    """What a status is made of, to make another like it."""
    more: dict[str, object] = {name: getattr(status, name) for name in _MORE}
    more |= {"st_atime": status.st_atime, "st_mtime": status.st_mtime, "st_ctime": status.st_ctime}
    return list(status[:_SHOWN]), more | {"st_rdev": status.st_rdev}


def _changed(status: os.stat_result, mode: int, rdev: int, uid: int, gid: int) -> os.stat_result:
    shown, more = _fields(status)
    shown[stat.ST_MODE], shown[stat.ST_UID], shown[stat.ST_GID] = mode, uid, gid
    return os.stat_result(shown, more | {"st_rdev": rdev})


def read_link(path: bytes) -> bytes:
    """The target of a symlink that is kept as a file's content."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(fd, 4095)
    finally:
        os.close(fd)


def make_file(base: bytes, dir_fd: int, content: bytes = b"") -> None:
    """What stands for a device, a special file or a symlink."""
    fd = os.open(
        base, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=dir_fd
    )
    try:
        if content and os.write(fd, content) != len(content):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    finally:
        os.close(fd)
