"""The token stream of a compressed file, whatever compresses it.

Flag bytes take the place of the plain stream's ints, so that a run of blocks
costs three or four bytes::

    00000000                      the end of the file
    00100000  b0 b1 b2 b3         block, absolute
    00100001  b0 b1 b2 b3  n0 n1  the same, and n more behind it
    01dddddd  hhhhhhhh            data: 14 bits of length, most significant first
    10dddddd                      block, d past the last one
    11dddddd  n0 n1               the same, and n more behind it

Clauses COMP-1, COMP-6, COMP-7; upstream ``token.c:send_deflated_token``,
``recv_deflated_token`` and their siblings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from .cursor import Buffer, Cursor
from .errors import Exit, NeedMoreData, ProtocolError
from .integers import INT32_MAX, int32, read_int32, read_shortint, shortint

END = 0x00
BLOCK = 0x20
RUN = 0x21
DATA = 0x40
NEAR_BLOCK = 0x80
NEAR_RUN = 0xC0

#: Longest piece of compressed data: 14 bits of length.
MAX_DATA = 0x3FFF
#: Furthest block that six bits reach.
MAX_NEAR = 0x3F
#: Most blocks of one run: the first, and a 16-bit count of those behind it.
MAX_RUN = 0x10000


def data_tokens(packed: Buffer) -> bytes:
    """COMP-1: compressed bytes as data tokens, as few as they fit in."""
    view = memoryview(packed)
    out = bytearray()
    for at in range(0, len(view), MAX_DATA):
        piece = view[at : at + MAX_DATA]
        out += bytes((DATA | len(piece) >> 8, len(piece) & 0xFF))
        out += piece
    return bytes(out)


class Runs:
    """COMP-6: gathers blocks that follow each other."""

    def __init__(self) -> None:
        self.start_file()

    def start_file(self) -> None:
        self._start = self._last = -1  # the run at hand; -1: there is none
        self._told = 0  # the last block that was written: near ones count from it

    def add(self, index: int) -> bytes:
        """One more block; returns the run before it, if that is over."""
        if self._last >= 0 and index == self._last + 1 and index - self._start < MAX_RUN:
            self._last = index
            return b""
        done = self.flush()
        self._start = self._last = index
        return done

    def flush(self) -> bytes:
        """The run at hand, which data or the end of the file closes."""
        if self._last < 0:
            return b""
        near, more = self._start - self._told, self._last - self._start
        if 0 <= near <= MAX_NEAR:
            head = bytes(((NEAR_RUN if more else NEAR_BLOCK) | near,))
        else:
            head = bytes((RUN if more else BLOCK,)) + int32(self._start)
        self._told = self._last
        self._start = self._last = -1
        return head + shortint(more) if more else head


class PackedEncoder(ABC):
    """What the encoders share: blocks. Data is theirs."""

    def __init__(self) -> None:
        self._runs = Runs()

    def begin(self, *, skip: bool) -> None:
        """A new file; ``skip``: it is not worth compressing (COMP-11)."""
        self._runs.start_file()

    def literal(self, data: Buffer) -> bytes:
        """Some bytes of the file; those that the compressor holds back come with a later token."""
        if not data:
            return b""
        return self._runs.flush() + self._tokens(data)

    def match(self, index: int, data: Buffer) -> bytes:
        """Block ``index`` of the basis, which holds ``data``."""
        return data_tokens(self._close()) + self._runs.add(index)

    def end(self) -> bytes:
        """The end of the file."""
        tail = self._runs.flush() + data_tokens(self._close()) + bytes((END,))
        self._runs.start_file()
        return tail

    def _tokens(self, data: Buffer) -> bytes:
        return data_tokens(self._compress(data))

    @abstractmethod
    def _compress(self, data: Buffer) -> bytes:
        """What comes out of the compressor."""

    @abstractmethod
    def _close(self) -> bytes:
        """All that the compressor still holds of a run of data that ends here."""


class PackedDecoder(ABC):
    """What the decoders share: flags, blocks and runs.

    A piece of data may hold nothing yet: then ``decode`` returns no bytes.
    """

    def __init__(self) -> None:
        self._block = 0  # the last block: near ones count from it
        self._more = 0  # blocks of a run that are still to be handed on
        self._inside = False  # behind data that has not been closed

    def decode(self, cursor: Cursor) -> bytes | int | None:
        """One step: data, a block or the end; memory is bounded by one step's (COMP-8)."""
        if self._more:
            self._more -= 1
            self._block += 1
            return self._block
        if self._inside and (data := self._drain()):
            return data
        start = cursor.pos
        try:
            flag = cursor.byte()
            if flag & 0xC0 == DATA:
                packed = cursor.take((flag & 0x3F) << 8 | cursor.byte())
                self._inside = True
                return self._feed(packed)
            token = self._token(flag, cursor, start)
        except NeedMoreData:
            cursor.pos = start
            raise
        if self._inside:
            self._inside = False
            self._close()
        if token is None:
            self._block = 0
            self._end_file()
        return token

    def _token(self, flag: int, cursor: Cursor, start: int) -> int | None:
        """COMP-7: the block or the end that a flag stands for."""
        if flag == END:
            return None
        if flag & NEAR_BLOCK:
            block, run = self._block + (flag & MAX_NEAR), flag & NEAR_RUN == NEAR_RUN
        elif flag in (BLOCK, RUN):
            block, run = read_int32(cursor), flag == RUN
        else:
            raise ProtocolError(f"invalid token flag {flag:#04x}", clause="COMP-7", offset=start)
        more = read_shortint(cursor) if run else 0
        if not 0 <= block <= INT32_MAX - more:
            raise ProtocolError("invalid token number", clause="COMP-7", offset=start)
        if run and not more:
            raise ProtocolError("invalid token run", clause="COMP-7", offset=start)
        self._block, self._more = block, more
        return block

    def saw_block(self, data: Buffer) -> None:  # noqa: B027
        """Most algorithms keep no history of blocks."""

    def missed_block(self, size: int) -> None:  # noqa: B027
        """Nor do they have to be told how long one is."""

    @abstractmethod
    def _feed(self, packed: bytes) -> bytes:
        """What comes out of one piece of compressed data, or the first part of it."""

    def _drain(self) -> bytes:
        """The next part; empty if there is none."""
        return b""

    def _close(self) -> None:  # noqa: B027
        """A run of data ends here."""

    def _end_file(self) -> None:  # noqa: B027
        """A file ends here."""


def broken(message: str, clause: str, offset: int = -1) -> ProtocolError:
    """COMP-8: a stream that no compressor makes ends the run with exit 12."""
    return ProtocolError(message, clause=clause, offset=offset, code=Exit.STREAM_IO)
