"""Block lengths and the sums of a basis file.

Clauses SUM-1, SUM-10; upstream ``generator.c:sum_sizes_sqroot``,
``generate_and_send_sums``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from ..native import block_weak_sums
from ..wire.limits import MAX_BLOCK_COUNT, MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE
from ..wire.sumhead import NO_SUMS, SumHead
from .checksums import Checksums
from .source import Source

#: The smallest block, and the unit that lengths are multiples of.
BLOCK_SIZE = 700
_STEP = 8
#: Bits by which the strong sum outgrows the file's size, so that a wrong match stays improbable.
_BIAS = 10
_SHORTEST = 2
_LONGEST = 16
#: Bytes of the basis that are read, and summed, at a time; the kernel holds few of them in memory.
_BATCH = 1024 * 1024
_NATIVE_BATCH = 16 * 1024 * 1024


def choose_sums(
    size: int, *, protocol: int, digest_length: int, block_size: int = 0, full: bool = False
) -> SumHead:
    """SUM-10: about the square root of the size as block length; as few strong bytes as are safe.

    ``block_size`` is the user's choice, 0 for none; ``full`` asks for whole
    strong sums, after a first try failed. A file of more blocks than can be
    counted gets ``NO_SUMS``.
    """
    limit = MAX_BLOCK_SIZE if protocol >= 30 else OLD_MAX_BLOCK_SIZE
    if block_size:
        length = block_size
    else:
        length = min(max(isqrt(size) // _STEP * _STEP, BLOCK_SIZE), limit)
    longest = min(_LONGEST, digest_length)
    if full:
        strong = longest
    else:
        # pairs that could collide: twice the bits of the size, less those of the block length
        bits = _BIAS + 2 * max(size.bit_length() - 1, 0) - (length.bit_length() - 1)
        strong = min(max((bits + 1 - 32 + 7) // 8, _SHORTEST), longest)
    count, remainder = divmod(size, length)
    count += remainder > 0
    return SumHead(count, length, strong, remainder) if count <= MAX_BLOCK_COUNT else NO_SUMS


def iter_sums(fd: int, head: SumHead, checksums: Checksums) -> Iterator[bytes]:
    """SUM-1: for each block its weak sum and the first bytes of its strong sum, as they stand on the wire.

    Some blocks at a time, so that a large file does not hold up all else.
    Where ``fd`` has become shorter or can't be read it reads as zeros: no block of the source is like that,
    or the digest will tell and the file is sent again.
    """
    kernel = checksums.native_block
    length, end = head.block_length, head.file_length
    at_once = _BATCH if kernel is None else _NATIVE_BATCH
    batch = max(1, at_once // length) * length if length else 0
    for offset in range(0, end, batch or 1):
        want = min(batch, end - offset)
        if kernel is None:
            yield _sums(fd, offset, want, head, checksums)
        else:
            from ..native.match import file_sums

            name, seed = kernel
            yield file_sums(fd, offset, want, block=length, strong=head.strong_length, name=name, seed=seed)


def _sums(fd: int, offset: int, want: int, head: SumHead, checksums: Checksums) -> bytes:
    """Those of ``want`` bytes from ``offset`` on."""
    data = bytearray(want)
    Source(fd, offset + want, offset).read_into(memoryview(data))
    block, strong, length = checksums.block, head.strong_length, head.block_length
    view, weak = memoryview(data), block_weak_sums(data, length)
    return b"".join(
        part
        for index, at in enumerate(range(0, want, length))
        for part in (weak[4 * index : 4 * index + 4], block(view[at : at + length])[:strong])
    )


def make_sums(fd: int, head: SumHead, checksums: Checksums) -> bytes:
    """``iter_sums``, all at once."""
    return b"".join(iter_sums(fd, head, checksums))
