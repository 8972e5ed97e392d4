"""The plain token stream of a file: literal runs and block references.

An int: positive, so many literal bytes follow; negative, block
``-(n + 1)`` of the basis; zero, the end. Clauses TOK-1 to TOK-4; upstream
``token.c:simple_send_token``, ``simple_recv_token``.

The compressed streams offer the same two classes: an encoder with
``literal``, ``match`` and ``end``, a decoder with ``decode``.
"""

from __future__ import annotations

from ..typed import Protocol
from .cursor import Buffer, Cursor
from .errors import NeedMoreData, ProtocolError
from .integers import int32, read_int32
from .limits import MAX_LITERAL

#: Longest literal run that is sent; every known receiver takes it (TOK-2).
CHUNK_SIZE = 32 * 1024


class TokenEncoder(Protocol):
    """Writes one file after another; each call returns the bytes to send."""

    def begin(self, *, skip: bool) -> None:
        """A new file; ``skip``: it is not worth compressing."""

    def literal(self, data: Buffer) -> bytes: ...

    def match(self, index: int, data: Buffer) -> bytes: ...

    def end(self) -> bytes: ...


class TokenDecoder(Protocol):
    """Reads one file after another."""

    def decode(self, cursor: Cursor) -> bytes | int | None:
        """Some literal bytes, the index of a block (0 or more), or None at the file's end."""

    def saw_block(self, data: Buffer) -> None:
        """The block last referred to holds ``data``: history for streams that keep one."""

    def missed_block(self, size: int) -> None:
        """The same of a file that is not wanted: only the length of the block is known."""


class PlainEncoder:
    """TOK-1 to TOK-4."""

    def begin(self, *, skip: bool) -> None:
        pass

    def literal(self, data: Buffer) -> bytes:
        """TOK-2: runs of at most ``CHUNK_SIZE`` bytes."""
        if len(data) <= CHUNK_SIZE:
            return b"".join((int32(len(data)), data)) if data else b""
        view = memoryview(data)
        return b"".join(self.literal(view[at : at + CHUNK_SIZE]) for at in range(0, len(view), CHUNK_SIZE))

    def match(self, index: int, data: Buffer) -> bytes:
        """TOK-3: a reference to block ``index`` of the basis."""
        return int32(-(index + 1))

    def end(self) -> bytes:
        """TOK-4: the end of the file."""
        return b"\0\0\0\0"


class PlainDecoder:
    """TOK-1 to TOK-4; a literal run is handed on as it comes, however long it is."""

    def __init__(self) -> None:
        self._left = 0

    def decode(self, cursor: Cursor) -> bytes | int | None:
        if not self._left:
            start = cursor.pos
            token = read_int32(cursor)
            if token <= 0:
                return -(token + 1) if token else None
            if token > MAX_LITERAL:
                raise ProtocolError(f"literal run of {token} bytes", clause="TOK-2", offset=start)
            self._left = token
        count = min(self._left, cursor.remaining())
        if not count:
            raise NeedMoreData
        self._left -= count
        return cursor.take(count)

    def saw_block(self, data: Buffer) -> None:
        pass

    def missed_block(self, size: int) -> None:
        pass

    @property
    def left(self) -> int:
        """What is still to come of the literal run; whoever reads on elsewhere sets it."""
        return self._left

    @left.setter
    def left(self, count: int) -> None:
        self._left = count
