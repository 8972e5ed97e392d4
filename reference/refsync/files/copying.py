"""Copies of whole files within what a destination knows.

Clause FS-9; upstream ``util1.c:copy_file``, ``unlink_and_reopen``.
"""

from __future__ import annotations

import os

from .destination import Destination
from .temp import TempFile

#: So much is copied at a time.
PIECE = 256 * 1024


def copy_file(
    dest: Destination,
    source: bytes,
    name: bytes,
    mode: int,
    *,
    preallocate: bool = False,
    fsync: bool = False,
) -> None:
    """Copy the content of a regular file to a new file; what has the name now is removed first.

    ``mode``: the owner's part of it is given; all else is left to whoever
    sets attributes. Raises OSError, and then leaves no half copy behind.
    """
    fd = dest.open_read(source)
    try:
        out = dest.open_new(name, mode)
        try:
            copy_into(fd, out, preallocate=preallocate, fsync=fsync)
            out.commit()
        except BaseException:
            out.discard()
            raise
    finally:
        os.close(fd)


def copy_into(fd: int, out: TempFile, *, preallocate: bool, fsync: bool) -> None:
    """Copy what ``fd`` has to its end into an output file, which stays open. Raises OSError."""
    size = os.fstat(fd).st_size
    if preallocate and size:
        out.writer.preallocate(size)
    while data := os.read(fd, PIECE):
        out.writer.write(data)
    out.writer.finish()
    if fsync:
        os.fsync(out.fd)
