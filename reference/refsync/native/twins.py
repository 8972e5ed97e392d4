"""What the C kernel does, in Python: the specification, the fallback and the fuzz oracle.

Upstream ``checksum.c:get_checksum1``, ``match.c:hash_search``.
"""

from __future__ import annotations

from collections.abc import Iterable

Readable = bytes | bytearray | memoryview


def weak_sum(data: Readable) -> int:
    """SUM-3: low 16 bits the sum of the bytes taken as signed, high 16 the sum of those sums."""
    s1 = s2 = 0
    for byte in bytes(data):
        s1 += byte - 256 if byte > 127 else byte
        s2 += s1
    return (s1 & 0xFFFF) | (s2 & 0xFFFF) << 16


def block_weak_sums(data: Readable, block_length: int) -> list[int]:
    """The weak sums of each block of ``data``, the last one short if need be."""
    view = memoryview(data)
    return [weak_sum(view[at : at + block_length]) for at in range(0, len(view), block_length)]


class SumTable:
    """The weak sums of a basis, for looking up every offset of a buffer."""

    def __init__(self, sums: Iterable[int]) -> None:
        self._known = frozenset(sums)

    def search(self, data: Readable, start: int, end: int, block_length: int) -> int:
        """The first offset from ``start`` to ``end`` (inclusive) whose block has a known weak sum, or -1.

        ``ValueError`` unless every such block lies inside ``data``.
        """
        if end + block_length > len(data) or start < 0:
            raise ValueError("the search would leave the buffer")
        if start > end:
            return -1
        signed = [byte - 256 if byte > 127 else byte for byte in bytes(data[start : end + block_length])]
        s1 = s2 = 0
        for value in signed[:block_length]:
            s1 += value
            s2 += s1
        at = 0
        while (s1 & 0xFFFF) | (s2 & 0xFFFF) << 16 not in self._known:
            if start + at >= end:
                return -1
            s1 += signed[at + block_length] - signed[at]
            s2 += s1 - block_length * signed[at]
            at += 1
        return start + at
