"""Opening what the owner of a daemon has named in its configuration, or a user in an option.

A path may lead through symlinks that belong to root or to whom this process
is. Anybody else's could have been put there to have another file read, written or served, so
it is refused, in every component. Clause DAEMON-29; upstream since 3.5 (CVE-2026-53784, CVE-2026-53802).
"""

from __future__ import annotations

import errno
import os
import stat

#: As many symlinks as the kernel follows.
MAX_LINKS = 40
_WAY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class ForeignLink(PermissionError):
    """The way leads through a symlink that is neither root's nor this process's user's."""


def open_named(path: str | bytes, flags: int, mode: int = 0o666) -> int:
    """A descriptor of ``path``, as ``os.open``; EACCES for a symlink of somebody else's on the way."""
    raw = os.fsencode(path)
    todo = [part for part in reversed(raw.split(b"/")) if part not in (b"", b".")] or [b"."]
    links = 0
    above = os.open(b"/" if raw.startswith(b"/") else b".", _WAY)
    try:
        while True:
            part = todo.pop()
            target = _target(part, above)
            if target is None and not todo:
                return os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=above)
            if (
                target == b"" and not todo
            ):  # one of the kernel's own links, which has no text that means a path
                return os.open(part, flags | os.O_CLOEXEC, mode, dir_fd=above)
            if not target:
                above = _enter(part, above, 0 if target == b"" else os.O_NOFOLLOW)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            todo += [piece for piece in reversed(target.split(b"/")) if piece not in (b"", b".")]
            todo = todo or [b"."]
            if target.startswith(b"/"):
                above = _enter(b"/", above, 0)
    finally:
        os.close(above)


def read_named(path: str | bytes) -> bytes:
    """The bytes of such a file. Raises OSError."""
    with os.fdopen(open_named(path, os.O_RDONLY), "rb") as file:
        return file.read()


def _enter(part: bytes, above: int, flags: int) -> int:
    below = os.open(part, _WAY | flags, dir_fd=above)
    os.close(above)
    return below


def _target(part: bytes, above: int) -> bytes | None:
    """Where a symlink leads, None for what is none or is missing, empty for a link in ``/proc``."""
    try:
        fd = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISLNK(status.st_mode):
            return None
        if status.st_uid not in (0, os.geteuid()):
            raise ForeignLink(errno.EACCES, "Permission denied: a symlink on the way belongs to another user")
        return b"" if _in_proc(status) else os.readlink(b"", dir_fd=fd)
    finally:
        os.close(fd)


def _in_proc(status: os.stat_result) -> bool:
    try:
        return status.st_dev == os.stat("/proc/self").st_dev
    except OSError:
        return False
