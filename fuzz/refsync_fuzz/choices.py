"""Takes structured choices from the front of an input, leaving the rest as wire bytes.

A mutation of a choice byte changes a version or a flag, and all else stays:
so coverage guidance reaches each combination. An exhausted input chooses
the first of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads choices; ``rest`` gives what is left."""

    __slots__ = ("_data", "_pos")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0

    def __bool__(self) -> bool:
        """True while bytes are left."""
        return self._pos < len(self._data)

    def byte(self) -> int:
        """0 to 255."""
        pos = self._pos
        if pos >= len(self._data):
            return 0
        self._pos = pos + 1
        return self._data[pos]

    def integer(self, size: int, *, signed: bool = False) -> int:
        """A little-endian integer of ``size`` bytes, fewer at the end."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def pick(self, options: Sequence[T]) -> T:
        """One of at most 256 options, by one byte."""
        return options[self.byte() % len(options)]

    def take(self, size: int) -> bytes:
        """Up to ``size`` bytes."""
        pos = self._pos
        piece = self._data[pos : pos + size]
        self._pos = pos + len(piece)
        return piece

    def text(self) -> bytes:
        """Bytes behind a length byte."""
        return self.take(self.byte())

    def peek(self) -> bytes:
        """All that is left, still to be read."""
        return self._data[self._pos :]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


def spread(pieces: Sequence[int], length: int) -> list[int]:
    """Sizes of pieces for a stream of ``length`` bytes; none given: single bytes.

    The last size serves for the rest. It grows with the stream, lest a long
    one takes thousands of pieces that show nothing new.
    """
    sizes = list(pieces) or [1]
    return [*sizes[:-1], max(sizes[-1], length // 200)]
