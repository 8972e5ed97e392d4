"""The compressed token stream of zlibx: matched blocks left out.

Input: as ``_packed`` says.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ..target import Surface
from . import _packed

SURFACE = Surface(
    priority=1,
    clauses=("COMP-1", "COMP-6", "COMP-7", "COMP-8", "COMP-9"),
    code=("refsync.wire.zlib_tokens", "refsync.wire.packed"),
    oracle="ECRMD",
    dictionary={
        **_packed.DICTIONARY,
        "stored": b"\x40\x0b\0\5\0\xfa\xffhello\0",
        "fixed": b"\x40\2\x4b\4",
        "last": b"\x40\5\1\0\0\xff\xff",
        "far_back": b"\x40\4\x63\0\2\0",
    },
    max_length=4096,
    slow="each stream is inflated three times and deflated, at any level",
)


class Inflate:
    """zlib's own inflater; blocks leave it alone."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(-15)

    def feed(self, packed: bytes) -> bytes:
        if not packed:
            raise ValueError("nothing")
        return self._inflate(packed)

    def close(self) -> None:
        """What is told apart by a stored block that says what it holds."""
        try:
            told = self._inflater.copy().decompress(b"\5\0\xfa\xffhello")
        except zlib.error as error:
            raise ValueError(error) from None
        if told != b"hello":
            raise ValueError("not at a flush")
        self._inflate(b"\0\0\xff\xff")

    def block(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        self._inflater = zlib.decompressobj(-15)

    def _inflate(self, packed: bytes) -> bytes:
        try:
            data = self._inflater.decompress(packed)
        except zlib.error as error:
            raise ValueError(error) from None
        if self._inflater.eof:
            raise ValueError("the end of the stream")
        return data


CODEC = _packed.Codec("zlibx", Inflate)


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces, the tokens of a naive model with the library's decompressor, or both refuse.

    No step gives more than its limit; refusals are exit 2 for numbers, 12 for
    data. What was encoded decodes to itself, also by the model, at any level
    and with skipped files; the same stream with edits is held to the model again.
    """
    _packed.check(CODEC, data)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Of the encoder, of plans, and at the edges of the framing."""
    yield from _packed.seeds(CODEC)
