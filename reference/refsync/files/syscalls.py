"""System calls of Linux that Python has no function for."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: object) -> int:
    """What the kernel answers; a failure is raised as OSError (ENOSYS: the kernel lacks it)."""
    result = int(libc().syscall(number, *arguments))
    if result < 0:
        raise last_error()
    return result


def last_error() -> OSError:
    """What the call before has left in errno."""
    number = ctypes.get_errno() or errno.ENOSYS
    return OSError(number, os.strerror(number))
