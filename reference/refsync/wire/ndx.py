"""File indexes on the wire: one codec with state for each direction of a connection.

From protocol 30 an index is sent as its distance from the last one of its
sign; before, as a plain int. Clauses NDX-1 to NDX-5; upstream
``io.c:read_ndx`` and ``write_ndx``.
"""

from __future__ import annotations

from .cursor import Cursor
from .errors import NeedMoreData, ProtocolError
from .integers import INT32_MAX, int32, read_int32

NDX_DONE = -1
NDX_FLIST_EOF = -2
NDX_DEL_STATS = -3
#: The sub-list of directory ``d`` is announced as ``NDX_FLIST_OFFSET - d``.
NDX_FLIST_OFFSET = -101


class NdxCodec:
    """Reads or writes the indexes of one direction (NDX-1: never share one between directions)."""

    __slots__ = ("_delta", "_negative", "_positive")

    def __init__(self, delta_coded: bool) -> None:
        self._delta = delta_coded
        self._positive = -1
        self._negative = 1

    @property
    def last(self) -> int:
        """The last index that was not negative; -1 before the first."""
        return self._positive

    def passed(self, ndx: int) -> None:
        """An index that was read or written in another way, in the same form."""
        self._positive = ndx

    def encode(self, ndx: int) -> bytes:
        """NDX-2 and NDX-3: the shortest form; ``NDX_DONE`` is one zero byte and leaves the state alone."""
        if not self._delta:
            return int32(ndx)
        if ndx == NDX_DONE:
            return b"\0"
        if ndx >= 0:
            prefix = b""
            diff = ndx - self._positive
            self._positive = ndx
        else:
            prefix = b"\xff"
            ndx = -ndx
            diff = ndx - self._negative
            self._negative = ndx
        if 0 < diff < 0xFE:
            return prefix + bytes((diff,))
        if 0 <= diff <= 0x7FFF:
            return prefix + bytes((0xFE, diff >> 8, diff & 0xFF))
        return prefix + bytes((0xFE, ndx >> 24 | 0x80, ndx & 0xFF, ndx >> 8 & 0xFF, ndx >> 16 & 0xFF))

    def decode(self, cursor: Cursor) -> int:
        """The next index; the state changes only when all of it was there."""
        start = cursor.pos
        if not self._delta:
            return read_int32(cursor)
        try:
            lead = cursor.byte()
            if lead == 0:
                return NDX_DONE
            negative = lead == 0xFF
            if negative:
                lead = cursor.byte()
            previous = self._negative if negative else self._positive
            if lead == 0xFE:
                high = cursor.byte()
                if high & 0x80:
                    low = cursor.take(3)
                    ndx = (high & 0x7F) << 24 | low[2] << 16 | low[1] << 8 | low[0]
                else:
                    ndx = (high << 8 | cursor.byte()) + previous
            else:
                ndx = lead + previous
        except NeedMoreData:
            cursor.pos = start
            raise
        if ndx > INT32_MAX:
            raise ProtocolError("file index is past the largest int", clause="NDX-4", offset=start)
        if negative:
            self._negative = ndx
            return -ndx
        self._positive = ndx
        return ndx
