"""Rebuilds a file from literal data and blocks of its basis.

Clauses SUM-2, TOK-3, SUM-13; upstream ``receiver.c:receive_data``.
"""

from __future__ import annotations

import os
from typing import Protocol

from ..wire.cursor import Buffer
from ..wire.errors import ProtocolError
from ..wire.sumhead import SumHead
from .checksums import Hasher


class Output(Protocol):
    """Where the file goes, in order."""

    def write(self, data: Buffer, /) -> None: ...

    def keep(self, data: Buffer, /) -> None:
        """The next bytes are already in their place (a file updated in place)."""


class Reconstructor:
    """One file. ``basis`` is a descriptor to read blocks from, None if there is no basis."""

    def __init__(
        self, head: SumHead, basis: int | None, output: Output, hasher: Hasher, *, in_place: bool = False
    ) -> None:
        self._head = head
        self._basis = basis
        self._output = output
        self._hasher = hasher
        self._in_place = in_place
        self.offset = 0

    def literal(self, data: Buffer) -> None:
        """Bytes as the sender sent them."""
        self._hasher.update(data)
        self._output.write(data)
        self.offset += len(data)

    def copy(self, index: int) -> bytes:
        """Block ``index`` of the basis; returns its bytes.

        An index past the sums that were sent, or any without a basis, is the
        sender's error; a basis that has shrunk reads as zeros, and the digest tells.
        """
        head = self._head
        if index >= head.count:
            raise ProtocolError(f"block {index} of {head.count} in the token stream", clause="TOK-3")
        if self._basis is None:
            raise ProtocolError(f"block {index} of a file that has no basis", clause="TOK-3")
        start, size = index * head.block_length, head.block_size(index)
        data = os.pread(self._basis, size, start).ljust(size, b"\0")
        self._hasher.update(data)
        if self._in_place and start == self.offset:
            self._output.keep(data)
        else:
            self._output.write(data)
        self.offset += size
        return data
