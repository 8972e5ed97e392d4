"""The C kernel, called as its twins are; importing this fails where it was not built."""

from __future__ import annotations

from collections.abc import Iterable

from refsync._kernel import ffi, lib

from .twins import Readable


def weak_sum(data: Readable) -> int:
    """As ``twins.weak_sum``."""
    return int(lib.refsync_weak_sum(ffi.from_buffer(data), len(data)))


def block_weak_sums(data: Readable, block_length: int) -> list[int]:
    """As ``twins.block_weak_sums``."""
    out = ffi.new("uint32_t[]", max(1, -(-len(data) // block_length)))
    lib.refsync_block_sums(ffi.from_buffer(data), len(data), block_length, out)
    return list(out) if data else []


class SumTable:
    """As ``twins.SumTable``."""

    def __init__(self, sums: Iterable[int]) -> None:
        values = list(sums)
        table = lib.refsync_table_new(ffi.new("uint32_t[]", values or [0]), len(values))
        if table == ffi.NULL:
            raise MemoryError
        self._table = ffi.gc(table, lib.refsync_table_free)

    def search(self, data: Readable, start: int, end: int, block_length: int) -> int:
        if end + block_length > len(data) or start < 0:
            raise ValueError("the search would leave the buffer")
        return int(lib.refsync_search(ffi.from_buffer(data), start, end, block_length, self._table))


def md4_blocks(state: list[int], data: Readable) -> list[int]:
    """As ``md4.compress`` over each of the whole blocks of ``data``."""
    words = ffi.new("uint32_t[4]", state)
    lib.refsync_md4_blocks(words, ffi.from_buffer(data), len(data) // 64)
    return list(words)
