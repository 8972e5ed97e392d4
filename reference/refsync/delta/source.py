"""A file being sent: read in order, at the length that was promised.

Upstream ``fileio.c:map_file``, ``map_ptr``.
"""

from __future__ import annotations

import errno
import os

from .checksums import Hasher

#: What is read at a time, besides what has to stay in memory.
READ_SIZE = 256 * 1024


class Source:
    """The first ``length`` bytes of ``fd`` from ``position`` on, wherever its own position is.

    A file that cannot be read to that length goes on as zeros (XFER-12), and
    ``error`` says why: an errno value, ``ENODATA`` if it shrank, else 0. Its
    digest must then be spoiled (``spoiled_digest``), so that the receiver does not keep it.
    """

    __slots__ = ("_position", "error", "fd", "length")

    def __init__(self, fd: int, length: int, position: int = 0) -> None:
        self.fd = fd
        self._position = position
        self.length = length
        self.error = 0

    @property
    def shrank(self) -> bool:
        """Whether some of the bytes are made up."""
        return self.error != 0

    def skip(self, count: int) -> None:
        """Leave out the next ``count`` bytes."""
        self._position = min(self._position + count, self.length)

    def read_into(self, view: memoryview) -> int:
        """Fill ``view`` with the next bytes; returns how many, fewer only at the end."""
        want = min(len(view), self.length - self._position)
        done = 0
        while done < want and not self.error:
            try:
                count = os.preadv(self.fd, [view[done:want]], self._position + done)
            except OSError as error:
                self.error = error.errno or errno.EIO
                break
            if not count:
                self.error = errno.ENODATA
            done += count
        if done < want:
            view[done:want] = bytes(want - done)
        self._position += want
        return want


def spoiled_digest(digest: bytes) -> bytes:
    """XFER-12: a digest that is not the one given: zeros, or a one after zeros."""
    zeros = bytes(len(digest))
    return zeros if digest != zeros else zeros[:-1] + b"\1"


class Window:
    """A part of a source that moves forward over it; every byte passes ``hasher`` as it comes into sight.

    ``data`` holds the source from ``start`` to ``end``. It is one buffer for
    the whole file: what a view shows is gone after the next ``advance``.
    """

    __slots__ = ("_hasher", "_source", "data", "end", "start", "whole")

    def __init__(self, source: Source, hasher: Hasher, margin: int) -> None:
        """``margin``: how much ``advance`` will be asked to keep, and to have ahead of that, at most."""
        self._source = source
        self._hasher = hasher
        self.data = bytearray(min(READ_SIZE + margin, source.length))
        self.whole = memoryview(self.data)
        self.start = 0
        self.end = 0

    def advance(self, keep: int) -> None:
        """Drop what comes before offset ``keep`` and read on."""
        kept = self.end - keep
        self.whole[:kept] = bytes(self.whole[keep - self.start : self.end - self.start])
        self.start = keep
        count = self._source.read_into(self.whole[kept:])
        self._hasher.update(self.whole[kept : kept + count])
        self.end += count

    def view(self, start: int, end: int) -> memoryview:
        """The bytes between two offsets, both inside the window."""
        return self.whole[start - self.start : end - self.start]
