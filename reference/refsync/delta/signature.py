"""Block lengths and the sums of a basis file.

Clauses SUM-1, SUM-10; upstream ``generator.c:sum_sizes_sqroot``,
``generate_and_send_sums``.
"""

from __future__ import annotations

import os
import struct
from math import isqrt

from ..native import block_weak_sums
from ..wire.limits import MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE
from ..wire.sumhead import NO_SUMS, SumHead
from .checksums import Checksums

#: The smallest block, and the unit that lengths are multiples of.
BLOCK_SIZE = 700
_STEP = 8
#: Bits by which the strong sum outgrows the file's size, so that a wrong match stays improbable.
_BIAS = 10
_SHORTEST = 2
_LONGEST = 16
_WEAK = struct.Struct("<I")


def choose_sums(
    size: int, *, protocol: int, digest_length: int, block_size: int = 0, full: bool = False
) -> SumHead:
    """SUM-10: about the square root of the size as block length; as few strong bytes as are safe.

    ``block_size`` is the user's choice, 0 for none; ``full`` asks for whole
    strong sums, after a first try failed.
    """
    if size <= 0:
        return NO_SUMS
    limit = MAX_BLOCK_SIZE if protocol >= 30 else OLD_MAX_BLOCK_SIZE
    if block_size:
        length = block_size
    elif size <= BLOCK_SIZE * BLOCK_SIZE:
        length = BLOCK_SIZE
    else:
        length = min(max(isqrt(size) // _STEP * _STEP, BLOCK_SIZE), limit)
    longest = min(_LONGEST, digest_length)
    if full:
        strong = longest
    else:
        # twice the bits of the size, less those of the block length: pairs that could collide
        bits = _BIAS + 2 * (size.bit_length() - 1) - (length.bit_length() - 1)
        strong = min(max((bits + 1 - 32 + 7) // 8, _SHORTEST), longest)
    count, remainder = divmod(size, length)
    return SumHead(count + (remainder > 0), length, strong, remainder)


def make_sums(fd: int, head: SumHead, checksums: Checksums) -> bytes:
    """SUM-1: for each block its weak sum and the first bytes of its strong sum, as they stand on the wire."""
    if not head.count:
        return b""
    parts: list[bytes] = []
    batch = max(1, 1024 * 1024 // head.block_length) * head.block_length
    strong, block = head.strong_length, checksums.block
    offset, left = 0, head.file_length
    while left > 0:
        data = os.pread(fd, min(batch, left), offset)
        if len(data) < min(batch, left):
            data = data.ljust(
                min(batch, left), b"\0"
            )  # it shrank: the digest will tell, and the file is sent again
        view = memoryview(data)
        for index, weak in enumerate(block_weak_sums(data, head.block_length)):
            at = index * head.block_length
            parts.append(_WEAK.pack(weak))
            parts.append(block(view[at : at + head.block_length])[:strong])
        offset += len(data)
        left -= len(data)
    return b"".join(parts)
