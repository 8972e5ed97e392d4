"""The compressed token stream of zstd: one stream for the session.

Input: as ``_packed`` says.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire.limits import MAX_ZSTD_WINDOW_LOG
from refsync.wire.zstd_tokens import library

from ..target import Surface
from . import _packed

SURFACE = Surface(
    priority=1,
    clauses=("COMP-1", "COMP-4", "COMP-6", "COMP-7", "COMP-8"),
    code=("refsync.wire.zstd_tokens", "refsync.wire.packed"),
    oracle="ECRMD",
    dictionary={
        **_packed.DICTIONARY,
        "magic": b"\x28\xb5\x2f\xfd",
        "skippable": b"\x40\x09\x50\x2a\x4d\x18\1\0\0\0x",
        "rle_bomb": b"\x40\x0a\x28\xb5\x2f\xfd\0\x88\2\0\x10a",
        "window": b"\x40\x09\x28\xb5\x2f\xfd\0\xa0\1\0\0",
    },
    max_length=4096,
    slow="each stream is decompressed three times and compressed; a context costs more than a token",
)


class Frames:
    """zstd's own decompressor, given each piece at once."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        limits = {library.DecompressionParameter.window_log_max: MAX_ZSTD_WINDOW_LOG}
        self._stream = library.ZstdDecompressor(options=limits)

    def feed(self, packed: bytes) -> bytes:
        out = b""
        while True:
            if self._stream.eof:
                self._begin()
            try:
                out += bytes(self._stream.decompress(packed, 2 * _packed.ENOUGH))
            except library.ZstdError as error:
                raise ValueError(error) from None
            if not self._stream.eof or not (packed := self._stream.unused_data):
                return out

    def close(self) -> None:
        pass

    def block(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass


CODEC = _packed.Codec("zstd", Frames)


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
