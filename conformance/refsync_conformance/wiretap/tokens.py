"""The data of one file on its way: plain tokens, or the frame of a compressed stream.

Compressed data is not inflated: the streams that keep a history need the blocks
of a file that only the two ends have. Clauses TOK-1 to TOK-4, COMP-1; upstream ``token.c``.
"""

from __future__ import annotations

from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.integers import read_int32
from refsync.wire.limits import MAX_LITERAL

END = "end"
_LONG, _RUN_LONG, _DATA, _RELATIVE, _RUN_RELATIVE = 0x20, 0x21, 0x40, 0x80, 0xC0


def plain(cursor: Cursor) -> tuple[str, int]:
    """TOK-1: (``literal``, size), (``block``, index) or (``end``, 0)."""
    start = cursor.pos
    token = read_int32(cursor)
    if token == 0:
        return END, 0
    if token < 0:
        return "block", -(token + 1)
    if token > MAX_LITERAL:
        raise ProtocolError(f"literal run of {token} bytes", clause="TOK-2", offset=start)
    try:
        cursor.take(token)
    except NeedMoreData:
        cursor.pos = start
        raise
    return "literal", token


class Compressed:
    """The tokens of one file in a compressed stream; block numbers count on from each other."""

    def __init__(self) -> None:
        self._last = 0

    def decode(self, cursor: Cursor) -> tuple[str, int]:
        """As ``plain``, with ``deflated`` for data, and (``run``, how many) after the first block of one."""
        start = cursor.pos
        try:
            return self._decode(cursor, start)
        except NeedMoreData:
            cursor.pos = start
            raise

    def _decode(self, cursor: Cursor, start: int) -> tuple[str, int]:
        flag = cursor.byte()
        if flag == 0:
            self._last = 0
            return END, 0
        if flag & 0xC0 == _DATA:
            size = (flag & 0x3F) << 8 | cursor.byte()
            cursor.take(size)
            return "deflated", size
        run = 0
        if flag in (_LONG, _RUN_LONG):
            token = read_int32(cursor)
            if flag == _RUN_LONG:
                run = int.from_bytes(cursor.take(2), "little")
        elif flag & 0x80:
            token = self._last + (flag & 0x3F)
            if flag & 0xC0 == _RUN_RELATIVE:
                run = int.from_bytes(cursor.take(2), "little")
        else:
            raise ProtocolError(f"no token begins with {flag:#04x}", clause="COMP-1", offset=start)
        self._last = token + run
        return ("block", token) if not run else (f"blocks {token} to", token + run)
