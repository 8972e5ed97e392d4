"""The C kernel, called as its twins are; importing this fails where it was not built."""

from __future__ import annotations

from refsync._kernel import ffi, lib

from .twins import Readable


def weak_sum(data: Readable) -> int:
    """As ``twins.weak_sum``."""
    return int(lib.refsync_weak_sum(ffi.from_buffer(data), len(data)))


def block_weak_sums(data: Readable, block_length: int) -> bytes:
    """As ``twins.block_weak_sums``."""
    if block_length < 1:
        raise ValueError("a block has at least one byte")
    out = bytearray(-(-len(data) // block_length) * 4)
    lib.refsync_block_sums(ffi.from_buffer(data), len(data), block_length, ffi.from_buffer(out))
    return bytes(out)


class SumTable:
    """As ``twins.SumTable``."""

    def __init__(self, packed: Readable, count: int, strong_length: int) -> None:
        if count < 0 or strong_length < 0 or len(packed) < count * (4 + strong_length):
            raise ValueError("there are fewer sums than were announced")
        self._packed = ffi.from_buffer(packed)  # the table points into it
        self._strong_length = strong_length
        table = lib.refsync_table_new(self._packed, count, strong_length)
        if table == ffi.NULL:
            raise MemoryError("no memory for the table of block sums")
        self._table = ffi.gc(table, lib.refsync_table_free)
        self._state = ffi.new("uint32_t *")

    @property
    def raw(self) -> object:
        """For the kernel's other parts."""
        return self._table

    def find(self, weak: int, strong: bytes) -> int:
        """As ``twins.SumTable.find``."""
        if len(strong) < self._strong_length:
            raise ValueError("a strong sum is too short")
        return int(lib.refsync_table_find(self._table, weak, strong))

    def search(
        self, data: Readable, start: int, end: int, block_length: int, before: int = -1
    ) -> tuple[int, int]:
        """As ``twins.SumTable.search``."""
        rolling = before >= 0
        if block_length < 1 or start < rolling or end + block_length > len(data):
            raise ValueError("the search would leave the buffer")
        if start > end:
            return -1, max(before, 0)
        state = self._state
        state[0] = before if rolling else 0
        found = lib.refsync_search(
            ffi.from_buffer(data), start, end, block_length, self._table, state, rolling
        )
        return found, state[0]


class Md4:
    """As ``md4.Md4``."""

    digest_size = 16

    def __init__(self, data: Readable = b"") -> None:
        self._state = ffi.new("md4_state *")
        lib.refsync_md4_start(self._state)
        if data:
            self.update(data)

    def update(self, data: Readable, /) -> None:
        lib.refsync_md4_update(self._state, ffi.from_buffer(data), len(data))

    def digest(self) -> bytes:
        out = ffi.new("unsigned char[16]")
        lib.refsync_md4_digest(self._state, out)
        return bytes(ffi.buffer(out))
