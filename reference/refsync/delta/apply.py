"""Rebuilds a file from literal data and blocks of its basis.

Clauses SUM-2, TOK-3, SUM-13; upstream ``receiver.c:receive_data``.
"""

from __future__ import annotations

import os

from ..typed import Protocol
from ..wire.cursor import Buffer
from ..wire.errors import ProtocolError
from ..wire.sumhead import SumHead
from .checksums import Hasher

#: Least number of bytes that is read of the basis: small blocks mostly come in order.
READ_AHEAD = 64 * 1024


class Output(Protocol):
    """Where the file goes, in order."""

    def write(self, data: Buffer, /) -> None: ...

    def keep(self, data: Buffer, /) -> None:
        """The next bytes are already in their place (a file updated in place)."""


class Reconstructor:
    """One file. ``basis`` is a descriptor to read blocks from, None if there is no basis.

    ``offset`` is the length so far; ``literal_bytes`` and ``matched_bytes``
    tell where it came from. ``replaying``: the sender knew another basis, or one
    that has gone, so there may be none at all here, which then reads as zeros too.
    """

    def __init__(
        self,
        head: SumHead,
        basis: int | None,
        output: Output,
        hasher: Hasher,
        *,
        in_place: bool = False,
        replaying: bool = False,
    ) -> None:
        self._head = head
        self._basis = basis
        self._output = output
        self._hasher = hasher
        self._in_place = in_place
        self._replaying = replaying
        self._read = b""
        self._read_at = 0
        self.offset = 0
        self.literal_bytes = 0
        self.matched_bytes = 0

    def append(self, *, verify: bool) -> None:
        """``--append``: what the sums cover stays, and is digested with ``verify`` (SUM-15).

        The output must stand behind it already. A basis that has shrunk since reads as zeros.
        """
        end = self._head.file_length
        while verify and self._basis is not None and self.offset < end:
            want = min(READ_AHEAD, end - self.offset)
            self._hasher.update(os.pread(self._basis, want, self.offset).ljust(want, b"\0"))
            self.offset += want
        self.offset = end

    def literal(self, data: Buffer) -> None:
        """Bytes as the sender sent them."""
        self._hasher.update(data)
        self._output.write(data)
        self.offset += len(data)
        self.literal_bytes += len(data)

    def skip(self, offset: int, literal: int, matched: int) -> None:
        """The file has come as far as ``offset`` by another way, which has digested it too."""
        self.offset = offset
        self.literal_bytes += literal
        self.matched_bytes += matched

    def copy(self, index: int) -> bytes:
        """Block ``index`` of the basis; returns its bytes.

        An index past the sums that were sent, or any without a basis, is the
        sender's error; a basis that has shrunk reads as zeros, and the digest tells.
        """
        head = self._head
        if not 0 <= index < head.count:
            raise ProtocolError(f"block {index} of {head.count} in the token stream", clause="TOK-3")
        start, size = index * head.block_length, head.block_size(index)
        if self._basis is not None:
            data = self._block(self._basis, start, size)
        elif self._replaying:
            data = bytes(size)
        else:
            raise ProtocolError(f"block {index} of a file that has no basis", clause="TOK-3")
        self._hasher.update(data)
        if self._in_place and start == self.offset:
            self._output.keep(data)
        else:
            self._output.write(data)
        self.offset += size
        self.matched_bytes += size
        return data

    def _block(self, basis: int, start: int, size: int) -> bytes:
        """Part of the basis.

        In place, what was read ahead may since be overwritten; no honest sender asks for that.
        """
        at = start - self._read_at
        if at < 0 or at + size > len(self._read):
            self._read = os.pread(basis, max(size, READ_AHEAD), start).ljust(size, b"\0")
            self._read_at, at = start, 0
        return self._read[at : at + size]
