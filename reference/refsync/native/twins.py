"""What the C kernel does, in Python: the specification, the fallback and the fuzz oracle.

Each has the signature, the results and the errors of its native twin.
Clauses SUM-3, SUM-11; upstream ``checksum.c:get_checksum1``,
``match.c:build_hash_table``, ``hash_search``. MD4 is in ``md4.py``.
"""

from __future__ import annotations

Readable = bytes | bytearray | memoryview


def weak_sum(data: Readable) -> int:
    """SUM-3: low 16 bits the sum of the bytes taken as signed, high 16 the sum of those sums."""
    s1 = s2 = 0
    for byte in bytes(data):
        s1 += byte - 256 if byte > 127 else byte
        s2 += s1
    return (s1 & 0xFFFF) | (s2 & 0xFFFF) << 16


def block_weak_sums(data: Readable, block_length: int) -> bytes:
    """The weak sum of each block of ``data``, four bytes little-endian; the last block may be short."""
    if block_length < 1:
        raise ValueError("a block has at least one byte")
    view = memoryview(data)
    return b"".join(
        weak_sum(view[at : at + block_length]).to_bytes(4, "little")
        for at in range(0, len(view), block_length)
    )


class SumTable:
    """The sums of a basis, for looking up every offset of a source.

    ``packed`` holds them as they come from the wire: ``count`` times a weak
    sum of four bytes and ``strong_length`` bytes of strong sum. It must stay
    unchanged. ``ValueError`` if it is too short.
    """

    def __init__(self, packed: Readable, count: int, strong_length: int) -> None:
        size = 4 + strong_length
        if count < 0 or strong_length < 0 or len(packed) < count * size:
            raise ValueError("there are fewer sums than were announced")
        self._strong_length = strong_length
        self._blocks: dict[int, dict[bytes, int]] = {}
        raw = bytes(packed)
        for index in range(count):
            weak = int.from_bytes(raw[index * size : index * size + 4], "little")
            self._blocks.setdefault(weak, {})[raw[index * size + 4 : (index + 1) * size]] = index

    def find(self, weak: int, strong: bytes) -> int:
        """The last block with that weak sum and the first bytes of that strong sum, or -1.

        ``ValueError`` if ``strong`` is shorter than the strong sums of the table.
        """
        if len(strong) < self._strong_length:
            raise ValueError("a strong sum is too short")
        return self._blocks.get(weak, {}).get(bytes(strong[: self._strong_length]), -1)

    def search(
        self, data: Readable, start: int, end: int, block_length: int, before: int = -1
    ) -> tuple[int, int]:
        """The first offset from ``start`` to ``end`` (inclusive) with a known weak sum, and that sum.

        (-1, the sum at ``end``) if none has. ``before`` is the sum of the
        block at ``start`` - 1 if that is known (-1: no), which saves adding up a whole block.
        ``ValueError`` unless every block concerned lies inside ``data``.
        """
        if block_length < 1 or start < (before >= 0) or end + block_length > len(data):
            raise ValueError("the search would leave the buffer")
        if start > end:
            return -1, max(before, 0)
        at = start
        if before >= 0:
            at -= 1
            s1, s2 = before & 0xFFFF, before >> 16
        else:
            total = weak_sum(data[at : at + block_length])
            if total in self._blocks:
                return at, total
            s1, s2 = total & 0xFFFF, total >> 16
        while at < end:
            gone, new = data[at], data[at + block_length]
            gone -= 256 if gone > 127 else 0
            new -= 256 if new > 127 else 0
            s1 = (s1 + new - gone) & 0xFFFF
            s2 = (s2 + s1 - block_length * gone) & 0xFFFF
            at += 1
            if s1 | s2 << 16 in self._blocks:
                return at, s1 | s2 << 16
        return -1, s1 | s2 << 16
