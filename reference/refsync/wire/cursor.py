"""A read position over bytes: what every decoder takes."""

from __future__ import annotations

from .errors import NeedMoreData

Buffer = bytes | bytearray | memoryview


class Cursor:
    """A position in a buffer.

    ``data`` may be any bytes-like object; ``pos`` is the next byte to read.
    A decoder reads through ``take`` and ``byte``; if it can raise
    ``NeedMoreData`` after the first read it must restore ``pos`` itself
    (or be called through ``attempt``), so that the caller sees it unmoved.
    """

    __slots__ = ("data", "pos")

    def __init__(self, data: Buffer = b"", pos: int = 0) -> None:
        self.data = data
        self.pos = pos

    def remaining(self) -> int:
        """Bytes left after the position."""
        return len(self.data) - self.pos

    def byte(self) -> int:
        """One byte; ``NeedMoreData`` if none is left."""
        pos = self.pos
        if pos >= len(self.data):
            raise NeedMoreData
        self.pos = pos + 1
        return self.data[pos]

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes; ``NeedMoreData`` (unmoved) if fewer are left."""
        pos = self.pos
        end = pos + count
        if end > len(self.data):
            raise NeedMoreData
        self.pos = end
        return bytes(self.data[pos:end])
