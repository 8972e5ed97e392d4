"""Where rules come from besides the command line and the wire: files, the home directory, the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ..records import dataclass


def read_file(path: bytes) -> bytes:
    """A file's bytes; ``-`` is standard input. ``OSError`` as ``open`` raises it."""
    if path == b"-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as stream:
        return stream.read()


def _home() -> bytes | None:
    return os.environb.get(b"HOME")


def _cvsignore() -> bytes | None:
    return os.environb.get(b"CVSIGNORE")


@dataclass(frozen=True, slots=True)
class Source:
    """The outside, as a few functions, so that a caller can confine or replace it.

    ``read`` raises ``OSError`` for a file that cannot be read; ``named`` is for one that an option or a
    rule names, and ``read`` where it is not given. ``cwd`` is
    absolute. ``home`` and ``cvsignore`` are the values of the environment
    variables, None if they are not set.
    """

    read: Callable[[bytes], bytes] = read_file
    cwd: Callable[[], bytes] = os.getcwdb
    home: Callable[[], bytes | None] = _home
    cvsignore: Callable[[], bytes | None] = _cvsignore
    named: Callable[[bytes], bytes] | None = None
