"""The files that are named by whole paths: a source, the place of a destination, lists, merge files.

For whoever runs a program on his own files a path means what it means to the system. In a
daemon's module that no new root confines, every path is resolved below the module's
directory, which is held open, and cannot lead out of it. Clauses DAEMON-8, DAEMON-28;
upstream ``flist.c:readlink_stat``, ``syscall.c:secure_relative_open``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from typing import Protocol

from .beneath import open_beneath

#: So many directories stay open.
CACHED = 32
_DIRECTORY = os.O_PATH | os.O_DIRECTORY


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


class Beneath:
    """What is below ``root``, an absolute path; any other path does not exist (EXDEV)."""

    def __init__(self, root: bytes) -> None:
        self._root = root.rstrip(b"/") or b"/"
        self._fd = os.open(root, _DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._proc = os.path.isdir("/proc/self/fd")

    def close(self) -> None:
        """Let go of all directories; the object is of no use afterwards."""
        for fd in (*self._open.values(), self._fd):
            os.close(fd)
        self._open.clear()

    def lstat(self, path: bytes) -> os.stat_result:
        directory, base = self._parent(path)
        return os.stat(base, dir_fd=directory, follow_symlinks=False)

    def stat(self, path: bytes) -> os.stat_result:
        fd = self.open(path, os.O_PATH)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def readlink(self, path: bytes) -> bytes:
        directory, base = self._parent(path)
        return os.readlink(base, dir_fd=directory)

    def unlink(self, path: bytes) -> None:
        directory, base = self._parent(path)
        os.unlink(base, dir_fd=directory)

    def mkdir(self, path: bytes) -> None:
        directory, base = self._parent(path.rstrip(b"/"))
        os.mkdir(base, dir_fd=directory)

    def open(self, path: bytes, flags: int) -> int:
        return open_beneath(self._fd, self._below(path), flags)

    def listdir(self, path: bytes) -> list[bytes]:
        fd = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sorted(os.fsencode(name) for name in os.listdir(fd))
        finally:
            os.close(fd)

    def readable(self, path: bytes) -> bool:
        try:
            os.close(self.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except OSError as error:
            return error.errno == errno.ENXIO  # a socket, a FIFO: it is not the permission that is missing
        return True

    def attribute_path(self, path: bytes) -> bytes:
        directory, base = self._parent(path)
        # a new root has no /proc as a rule; there, what is raced for is still within that root
        return b"/proc/self/fd/%d/" % directory + base if self._proc else path

    def _below(self, path: bytes) -> bytes:
        if path.rstrip(b"/") == self._root or path == self._root:
            return b"."
        root = self._root if self._root == b"/" else self._root + b"/"
        if not path.startswith(root):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return path[len(root) :].lstrip(b"/") or b"."

    def _parent(self, path: bytes) -> tuple[int, bytes]:
        """The directory that holds ``path``, and its name there."""
        above, _, base = self._below(path).rpartition(b"/")
        if base in (b"..", b""):
            above, base = self._below(path), b"."
        if not above:
            return self._fd, base
        fd = self._open.get(above)
        if fd is None:
            fd = self._open[above] = open_beneath(self._fd, above, _DIRECTORY)
            if len(self._open) > CACHED:
                os.close(self._open.popitem(last=False)[1])
        else:
            self._open.move_to_end(above)
        return fd, base


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
