"""The files that are named by whole paths: a source, the place of a destination, lists, merge files.

For whoever runs a program on his own files a path means what it means to the system. In a
daemon's module that no new root confines, every path is resolved below the module's
directory, which is held open, and cannot lead out of it. Clauses DAEMON-8, DAEMON-28;
upstream ``flist.c:readlink_stat``, ``syscall.c:secure_relative_open``.
"""

from __future__ import annotations

import os
import stat

from ..typed import Protocol


class Files(Protocol):
    """All methods raise OSError as the system does."""

    def lstat(self, path: bytes, /) -> os.stat_result: ...

    def stat(self, path: bytes, /) -> os.stat_result: ...

    def readlink(self, path: bytes, /) -> bytes: ...

    def unlink(self, path: bytes, /) -> None: ...

    def mkdir(self, path: bytes, /) -> None: ...

    def open(self, path: bytes, flags: int) -> int:
        """A descriptor that no other program inherits."""

    def listdir(self, path: bytes) -> list[bytes]:
        """The names in a directory, without ``.`` and ``..``, in byte order so that two runs list alike."""

    def readable(self, path: bytes) -> bool:
        """Whether this process may read what is there, behind symlinks."""

    def attribute_path(self, path: bytes) -> bytes:
        """For calls that take no descriptor and follow no symlink in the last place.

        Good until the next call of this object.
        """


class _Plain:
    """The system's own view."""

    lstat = staticmethod(os.lstat)
    stat = staticmethod(os.stat)
    readlink = staticmethod(os.readlink)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)

    def open(self, path: bytes, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC)

    def listdir(self, path: bytes) -> list[bytes]:
        return sorted(os.listdir(path))

    def readable(self, path: bytes) -> bool:
        return os.access(path, os.R_OK)

    def attribute_path(self, path: bytes) -> bytes:
        return path


PLAIN: Files = _Plain()


def join(base: bytes, name: bytes) -> bytes:
    """The file-system path of ``name`` under ``base``."""
    if not base:
        return name
    if name.startswith(b"/"):
        return base.rstrip(b"/") + name
    return base + name if base.endswith(b"/") else base + b"/" + name


def names_in(fd: int) -> list[bytes]:
    """The names in an open directory, in byte order; ``fd`` is closed."""
    try:
        return sorted(os.fsencode(name) for name in os.listdir(fd))
    finally:
        os.close(fd)


def is_dir(files: Files, path: bytes) -> bool:
    """As ``os.path.isdir``."""
    try:
        return stat.S_ISDIR(files.stat(path).st_mode)
    except OSError:
        return False


def is_there(files: Files, path: bytes) -> bool:
    """As ``os.path.exists``."""
    try:
        files.stat(path)
    except OSError:
        return False
    return True


def is_link(files: Files, path: bytes) -> bool:
    """As ``os.path.islink``."""
    try:
        return stat.S_ISLNK(files.lstat(path).st_mode)
    except OSError:
        return False


def read_all(files: Files, path: bytes) -> bytes:
    """The bytes of a file. Raises OSError."""
    with os.fdopen(files.open(path, os.O_RDONLY), "rb") as stream:
        return stream.read()
