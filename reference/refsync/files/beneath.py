"""Opening what is below a directory, with the kernel's word that nothing leads out of it.

``openat2`` with ``RESOLVE_BENEATH`` follows symlinks inside of the directory and
refuses those that lead out, however the tree changes meanwhile: there is nothing to check
first. Where the system call is missing no symlink is followed at all, component by
component. Clause DAEMON-28; ``openat2(2)``; upstream ``syscall.c:secure_relative_open`` (since 3.4).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections import OrderedDict
from functools import cache

from .sources import names_in
from .syscalls import syscall

_OPENAT2 = 437  # on every architecture
_NO_MAGICLINKS, _BENEATH = 0x02, 0x08
#: A rename in the way makes the kernel give up; so often it is asked again.
_TRIES = 64
#: So many directories of a tree stay open.
CACHED = 32
_DIRECTORY = os.O_PATH | os.O_DIRECTORY
_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _How(ctypes.Structure):
    """``struct open_how``."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(directory: int, path: bytes, flags: int) -> int:
    """A descriptor of ``path``, which is relative and may not lead out of ``directory``.

    Raises OSError: EXDEV for what leads out, ELOOP for a symlink that is not to be followed.
    """
    if have_openat2():
        return _openat2(directory, path, flags | os.O_CLOEXEC)
    return _step_by_step(directory, path, flags | os.O_CLOEXEC)


@cache
def have_openat2() -> bool:
    """Whether the kernel has the call, and a filter of system calls lets it through."""
    try:
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        try:
            os.close(_openat2(root, b".", os.O_PATH | os.O_CLOEXEC))
        finally:
            os.close(root)
    except OSError:
        return False
    return True


def _openat2(directory: int, path: bytes, flags: int) -> int:
    how = _How(flags, 0, _BENEATH | _NO_MAGICLINKS)
    arguments = (directory, ctypes.c_char_p(path), ctypes.byref(how), ctypes.sizeof(how))
    for _ in range(_TRIES - 1):
        try:
            return syscall(_OPENAT2, *arguments)
        except (BlockingIOError, InterruptedError):
            continue
    return syscall(_OPENAT2, *arguments)


def _step_by_step(directory: int, path: bytes, flags: int) -> int:
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if path.startswith(b"/") or b".." in parts:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    above = os.open(".", _STEP, dir_fd=directory)
    try:
        for part in parts[:-1]:
            held = above
            above = os.open(part, _STEP, dir_fd=held)
            os.close(held)
        fd = os.open(parts[-1] if parts else b".", flags | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)
    if not flags & os.O_NOFOLLOW and stat.S_ISLNK(os.fstat(fd).st_mode):  # O_PATH opens even that
        os.close(fd)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return fd


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
        return names_in(self.open(path, os.O_RDONLY | os.O_DIRECTORY))

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
