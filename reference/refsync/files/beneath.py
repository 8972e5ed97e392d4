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
from functools import cache

_OPENAT2 = 437  # on every architecture
_NO_MAGICLINKS, _BENEATH = 0x02, 0x08
#: A rename in the way makes the kernel give up; so often it is asked again.
_TRIES = 64
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


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _openat2(directory: int, path: bytes, flags: int) -> int:
    how = _How(flags, 0, _BENEATH | _NO_MAGICLINKS)
    number = 0
    for _ in range(_TRIES):
        fd = int(
            _libc().syscall(_OPENAT2, directory, ctypes.c_char_p(path), ctypes.byref(how), ctypes.sizeof(how))
        )
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number))


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
