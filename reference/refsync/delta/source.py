"""A file being sent: read once, in order, at the length that was promised."""

from __future__ import annotations

import os

from ..wire.cursor import Buffer

READ_SIZE = 1024 * 1024


class Source:
    """The first ``length`` bytes of ``fd``. A file that shrinks meanwhile reads as ending in zeros (XFER-12)."""

    __slots__ = ("_fd", "_position", "length", "shrank")

    def __init__(self, fd: int, length: int) -> None:
        self._fd = fd
        self._position = 0
        self.length = length
        self.shrank = False

    def read(self, limit: int = READ_SIZE) -> Buffer:
        """Up to ``limit`` further bytes, none at the end; ``OSError`` if reading fails."""
        want = min(limit, self.length - self._position)
        if want <= 0:
            return b""
        data = b"" if self.shrank else os.read(self._fd, want)
        if not data:
            self.shrank = True
            data = bytes(want)
        self._position += len(data)
        return data
