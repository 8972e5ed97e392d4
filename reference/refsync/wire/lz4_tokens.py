"""Compressed tokens by lz4: each piece of data is a block of its own.

Up to 16383 bytes of the file go into a block; what does not fit a piece once
compressed is halved until it does. Clauses COMP-5, COMP-8; upstream
``token.c:send_compressed_token``, ``recv_compressed_token``.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from ..typed import Any
from .cursor import Buffer
from .limits import MAX_LZ4_BLOCK
from .packed import MAX_DATA, PackedDecoder, PackedEncoder, broken, data_tokens


def _library() -> ModuleType | None:
    try:
        return importlib.import_module("lz4.block")
    except ImportError:
        return None


library: Any = _library()


class Lz4Encoder(PackedEncoder):
    """COMP-5. There are no levels, and nothing is held back."""

    def _tokens(self, data: Buffer) -> bytes:
        out = bytearray()
        view = memoryview(data)
        at, size = 0, MAX_DATA
        while at < len(view):
            piece = view[at : at + size]
            packed = self._compress(piece)
            if len(packed) > MAX_DATA:
                size = len(piece) // 2
                continue
            out += data_tokens(packed)
            at, size = at + len(piece), MAX_DATA
        return bytes(out)

    def _compress(self, data: Buffer) -> bytes:
        return bytes(library.compress(data, store_size=False))

    def _close(self) -> bytes:
        return b""


class Lz4Decoder(PackedDecoder):
    """COMP-5, COMP-8: a block is no longer than upstream's buffer for one."""

    def _feed(self, packed: bytes) -> bytes:
        try:
            data = bytes(library.decompress(packed, uncompressed_size=MAX_LZ4_BLOCK))
        except (library.LZ4BlockError, ValueError, OverflowError) as error:
            raise broken(f"uncompress failed: {error}", "COMP-5") from None
        if not data:
            raise broken("an empty lz4 block", "COMP-5")
        return data
