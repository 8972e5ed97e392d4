"""The compressed token stream of lz4: each piece a block.

Input: as ``_packed`` says.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire.limits import MAX_LZ4_BLOCK
from refsync.wire.lz4_tokens import library

from ..oracle import same
from ..target import Surface
from . import _packed

SURFACE = Surface(
    priority=1,
    clauses=("COMP-1", "COMP-5", "COMP-6", "COMP-7", "COMP-8"),
    code=("refsync.wire.lz4_tokens", "refsync.wire.packed"),
    oracle="ECRMD",
    dictionary={
        **_packed.DICTIONARY,
        "literals": b"\x40\6\x50hello",
        "copy": b"\x40\x0b\x1fa\1\0\xff\0\x50abcde",
        "no_offset": b"\x40\4\x10a\0\0",
        "nothing": b"\x40\1\0",
    },
    max_length=4096,
    slow="each stream is read three times: in pieces, whole, and by the definition of the format",
)


class Blocks:
    """The library with room to spare; where the format's definition has a result, that is the same."""

    def feed(self, packed: bytes) -> bytes:
        try:
            data = bytes(library.decompress(packed, uncompressed_size=4 * MAX_LZ4_BLOCK))
        except (library.LZ4BlockError, ValueError, OverflowError) as error:
            raise ValueError(error) from None
        if not 0 < len(data) <= MAX_LZ4_BLOCK:
            raise ValueError(f"a block of {len(data)} bytes")
        try:
            strict = self._by_definition(packed)
        except ValueError:
            return data  # the library takes a little more than the definition: a distance of 0
        same(data, strict, "what the format's definition says")
        return data

    def _by_definition(self, packed: bytes) -> bytes:
        """Literals, then a copy of what came out already, over and over."""
        out, at = bytearray(), 0
        try:
            while True:
                token = packed[at]
                count, at = _length(packed, at + 1, token >> 4)
                if at + count > len(packed):
                    raise ValueError("literals past the end")
                out += packed[at : at + count]
                at += count
                if len(out) > MAX_LZ4_BLOCK:
                    raise ValueError("too long")
                if at == len(packed):
                    break
                back = packed[at] | packed[at + 1] << 8
                count, at = _length(packed, at + 2, token & 15)
                if not 0 < back <= len(out) or len(out) + count + 4 > MAX_LZ4_BLOCK:
                    raise ValueError("a copy of nothing")
                piece = out[-back:]  # repeated, where the copy overlaps what it makes
                out += (piece * ((count + 4) // back + 1))[: count + 4]
        except IndexError:
            raise ValueError("cut short") from None
        return bytes(out)

    def close(self) -> None:
        pass

    def block(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass


def _length(packed: bytes, at: int, count: int) -> tuple[int, int]:
    if count == 15:
        while True:
            more = packed[at]
            count, at = count + more, at + 1
            if more < 255:
                break
    return count, at


CODEC = _packed.Codec("lz4", Blocks)


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces, the tokens of a naive model with the library's decompressor, or both refuse.

    No step gives more than its limit; refusals are exit 2 for numbers, 12 for
    data. What was encoded decodes to itself, also by the model, at any level
    and with skipped files; the same stream with edits is held to the model again.
    """
    _packed.check(CODEC, data)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Of the encoder, of plans, and at the edges of the framing; the longest block, and one more."""
    yield "empty_block", b"\0\1\0\x40\1\0\0"
    for size in (MAX_LZ4_BLOCK, MAX_LZ4_BLOCK + 1):
        packed = bytes(library.compress(bytes(size), store_size=False))
        yield f"block.{size}", b"\0\0\x40" + bytes((len(packed),)) + packed
    yield from _packed.seeds(CODEC)
