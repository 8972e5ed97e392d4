"""Compressed tokens by zstd: one stream for the whole session.

A file's data refers to the files before it. Each run of data is flushed, so
that the receiver can go on to the block behind it; no frame ever ends, though
a receiver takes several. Clauses COMP-4, COMP-8; upstream
``token.c:send_zstd_token``, ``recv_zstd_token``.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from ..typed import Any
from .cursor import Buffer
from .limits import MAX_INFLATED, MAX_ZSTD_WINDOW_LOG
from .packed import MAX_DATA, PackedDecoder, PackedEncoder, broken


def _library() -> ModuleType | None:
    """The standard library's from Python 3.14 on, else the package that brings it to older ones."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


library: Any = _library()


def level_bounds() -> tuple[int, int]:
    """The least and the greatest level."""
    least, most = library.CompressionParameter.compression_level.bounds()
    return int(least), int(most)


class ZstdEncoder(PackedEncoder):
    """COMP-4. A level can't change inside a stream: ``skip`` has no effect."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._stream = library.ZstdCompressor(level=level)
        self._held = bytearray()
        self._open = False

    def _compress(self, data: Buffer) -> bytes:
        self._held += self._stream.compress(data)
        self._open = True
        ready = len(self._held) - len(self._held) % MAX_DATA
        out = bytes(self._held[:ready])
        del self._held[:ready]
        return out

    def _close(self) -> bytes:
        if not self._open:
            return b""
        out: bytes = bytes(self._held) + self._stream.flush(self._stream.FLUSH_BLOCK)
        self._held.clear()
        self._open = False
        return out


class ZstdDecoder(PackedDecoder):
    """COMP-4, COMP-8: a window of more than 128 MiB is refused, as by zstd itself."""

    def __init__(self) -> None:
        super().__init__()
        self._stream = self._new()
        self._left = b""  # input behind the end of a frame

    @staticmethod
    def _new() -> Any:
        return library.ZstdDecompressor(
            options={library.DecompressionParameter.window_log_max: MAX_ZSTD_WINDOW_LOG}
        )

    def _feed(self, packed: bytes) -> bytes:
        return self._step(self._left + packed)

    def _drain(self) -> bytes:
        stream = self._stream
        if stream.eof:
            return self._step(self._left) if self._left else b""
        return b"" if stream.needs_input else self._step(b"")

    def _step(self, packed: bytes) -> bytes:
        self._left = b""
        if self._stream.eof:
            self._stream = self._new()
        try:
            data = bytes(self._stream.decompress(packed, MAX_INFLATED))
        except library.ZstdError as error:
            raise broken(f"zstd failed: {error}", "COMP-4") from None
        if self._stream.eof:
            self._left = self._stream.unused_data
        return data
