"""Landlock: the kernel keeps this process to a few directories, whatever it is made to do.

A second wall behind ``beneath``: it says nothing about looking at a file's attributes, but no
file outside can be opened, made, renamed, linked or removed. It can't be taken down
again and holds for all that this process starts. Clause DAEMON-28; ``landlock(7)``.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from functools import cache

from .syscalls import last_error, libc, syscall

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
#: To make, rename and remove things of every kind; rights are numbered in the order in which they came.
_ALL_OF_FIRST = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
#: The first version that lets a file be moved from one directory to another.
LEAST_VERSION = 2
_READ = _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


class _Ruleset(ctypes.Structure):
    """``struct landlock_ruleset_attr``, as the first version had it."""

    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    """``struct landlock_path_beneath_attr``."""

    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@cache
def version() -> int:
    """The version of Landlock that the kernel has; 0 for none."""
    try:
        return syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    except OSError:
        return 0


def available() -> bool:
    """Whether the kernel has what ``restrict`` needs."""
    return version() >= LEAST_VERSION


def restrict(writable: Iterable[str | bytes], readable: Iterable[str | bytes]) -> None:
    """From now on files are opened and changed below ``writable`` alone, and read below ``readable``, too.

    What is open already stays so. A place of ``readable`` that is missing, or that
    this process can't get to, is left out.
    Raises OSError: nothing has changed then.
    """
    handled = _handled(version())
    ruleset = _Ruleset(handled)
    fd = syscall(_CREATE, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    try:
        for path in writable:
            _allow(fd, path, handled & ~_EXECUTE)
        for path in readable:
            try:
                _allow(fd, path, _READ)
            except (FileNotFoundError, PermissionError):
                continue
        if libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise last_error()
        syscall(_RESTRICT, fd, 0)
    finally:
        os.close(fd)


def _handled(abi: int) -> int:
    """Every right that this version knows: what is not handled is allowed."""
    rights = _ALL_OF_FIRST
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        if abi >= since:
            rights |= right
    return rights


def _allow(ruleset: int, path: str | bytes, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        rule = _Beneath(rights, fd)
        syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)
