"""Finds what the receiver already has.

Each offset of the source is looked up by its rolling sum among the block
sums of the basis; a hit is checked by the strong sum. Clauses SUM-11 to
SUM-14; upstream ``match.c:match_sums``, ``hash_search``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from .. import native
from ..wire.cursor import Buffer
from ..wire.sumhead import SumHead
from ..wire.tokens import CHUNK_SIZE
from .checksums import Checksums, Hasher
from .source import Source

#: Literal data goes out once so much of it is waiting.
FLUSH = 8 * CHUNK_SIZE


def whole_file_ops(source: Source, hasher: Hasher) -> Iterator[Buffer]:
    """Everything as literal data."""
    while data := source.read():
        hasher.update(data)
        yield data


class Matcher:
    """One basis, described by its sum head and the packed sums as they came.

    Several blocks may have the same sums: as upstream does, the block after
    the last match is preferred, then the last one of the file. Sums are kept
    by their bytes, so equal weak sums cost nothing extra (SUM-14).
    ``in_place``: the basis is overwritten as the file is written, so a block
    before the current offset is gone (SUM-13).
    """

    def __init__(self, head: SumHead, packed: bytes, checksums: Checksums, *, in_place: bool = False) -> None:
        self._head = head
        self._packed = packed
        self._size = 4 + head.strong_length
        self._block = checksums.block
        self._in_place = in_place
        full = head.count - (1 if head.remainder else 0)
        size = self._size
        self._full = full
        self._last_of = {
            packed[at : at + size]: index for index, at in enumerate(range(0, full * size, size))
        }
        self._table = native.SumTable([int.from_bytes(key[:4], "little") for key in self._last_of])

    def ops(self, source: Source, hasher: Hasher) -> Iterator[Buffer | int]:
        """Literal data and block indexes that make up the source, in order; all of it passes ``hasher``."""
        head, length, step = self._head, source.length, self._head.block_length
        data = bytearray()
        base = 0  # offset in the source of data[0], the first byte not yet sent
        offset = 0
        expected = 0
        while True:
            while len(data) < (offset - base) + step and (more := source.read()):
                data += more
            last = min(base + len(data), length) - step  # the last offset with a whole block in the buffer
            if offset > last:
                break
            found = self._table.search(data, offset - base, last - base, step)
            if found < 0:
                offset = last + 1
            else:
                offset = base + found
                with memoryview(data) as view:
                    index = self._verify(view[found : found + step], offset, expected)
                if index < 0:
                    offset += 1
                else:
                    yield from self._literal(data, offset - base, hasher)
                    with memoryview(data) as view:
                        hasher.update(view[:step])
                    yield index
                    del data[:step]
                    base = offset = offset + step
                    expected = index + 1
                    continue
            if offset - base > FLUSH:
                base += yield from self._literal(data, offset - base, hasher)
        tail = head.remainder
        if tail and base + len(data) - tail >= offset and len(data) >= tail:
            rest = bytes(data[-tail:])
            key = self._packed[self._full * self._size :]
            if native.weak_sum(rest).to_bytes(4, "little") + self._block(rest)[: head.strong_length] == key:
                yield from self._literal(data, len(data) - tail, hasher)
                hasher.update(rest)
                yield self._full
                return
        yield from self._literal(data, len(data), hasher)

    def _literal(self, data: bytearray, count: int, hasher: Hasher) -> Generator[Buffer, None, int]:
        """Send and drop the first ``count`` bytes; returns how many they were."""
        if count:
            run = bytes(data[:count])
            del data[:count]
            hasher.update(run)
            yield run
        return count

    def _verify(self, block: memoryview, offset: int, expected: int) -> int:
        """The index of the basis block that equals ``block``, or -1."""
        size, packed = self._size, self._packed
        key = native.weak_sum(block).to_bytes(4, "little") + self._block(block)[: self._head.strong_length]
        last = self._last_of.get(key, -1)
        if last < 0:
            return -1
        step = self._head.block_length
        if self._in_place:
            aligned, rest = divmod(offset, step)
            if not rest and aligned < self._full and packed[aligned * size : (aligned + 1) * size] == key:
                return aligned
        if expected < self._full and packed[expected * size : (expected + 1) * size] == key:
            if not self._in_place or expected * step >= offset:
                return expected
        return last if not self._in_place or last * step >= offset else -1
