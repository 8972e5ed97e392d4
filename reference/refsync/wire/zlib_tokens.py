"""Compressed tokens by zlib, with the matched blocks in its history (``zlib``) or without (``zlibx``).

Raw deflate with a window of 32 KiB, started afresh for each file. A run of
data ends with a sync flush, whose last four bytes, 00 00 FF FF, don't travel.
With history both sides then take the block as if it had been sent: upstream
gives it to its compressor and throws the output away, or, with the zlib that
it carries, has it inserted without output; the receiver inflates a stored
block that it makes up. Only the last 32 KiB of it all can ever be referred
to. Clauses COMP-2, COMP-3, COMP-9; upstream ``token.c:send_deflated_token``,
``recv_deflated_token``, ``see_deflate_token``.
"""

from __future__ import annotations

import zlib

from .cursor import Buffer
from .limits import MAX_INFLATED
from .packed import PackedDecoder, PackedEncoder, broken

WINDOW = 32 * 1024
#: What a sync flush ends with; it is left out and put back.
SYNC_TAIL = b"\0\0\xff\xff"
#: Longest stored block, and so the longest part of a matched block that enters the history at once.
MAX_STORED = 0xFFFF
#: From so many bytes on a compressor is cheaper made anew, with the history as its dictionary, than fed them.
RENEW_FROM = 8 * 1024


class History:
    """The end of what can be referred to. ``quirk``: as below protocol 31 (COMP-3)."""

    def __init__(self, *, quirk: bool) -> None:
        self._quirk = quirk
        self._kept = bytearray()
        self.new = 0  # bytes of matched blocks that the codec has not seen, or the window if there were more

    def add_data(self, data: Buffer) -> None:
        """Bytes that went through the codec."""
        self._keep(data)

    def add_block(self, data: Buffer) -> None:
        """A matched block, in parts of ``MAX_STORED``; with the quirk each part is the start of the block."""
        view = memoryview(data)
        if self._quirk and len(view) > MAX_STORED:
            self._keep(view[:MAX_STORED])  # the last whole part: what is before it is out of sight
            self._keep(view[: len(view) % MAX_STORED])
        else:
            self._keep(view)
        self.new = min(self.new + len(view), WINDOW)

    def _keep(self, data: Buffer) -> None:
        self._kept += memoryview(data)[-WINDOW:]
        if len(self._kept) > 4 * WINDOW:
            del self._kept[:-WINDOW]

    def unseen(self) -> bytes:
        """The end of the blocks that the codec has not seen; from now on it has."""
        count, self.new = self.new, 0
        return bytes(self._kept[-count:]) if count else b""

    def window(self) -> bytes:
        """All that can be referred to."""
        return bytes(self._kept[-WINDOW:])

    def clear(self) -> None:
        self._kept.clear()
        self.new = 0


class ZlibEncoder(PackedEncoder):
    """COMP-2, COMP-9. Without ``history`` it is zlibx."""

    def __init__(self, level: int, *, history: bool, quirk: bool = False) -> None:
        super().__init__()
        self._full_level = self._level = level
        self._history = History(quirk=quirk) if history else None
        self._deflater: zlib._Compress | None = None
        self._held = bytearray()
        self._open = False  # data has gone in since the last flush

    def begin(self, *, skip: bool) -> None:
        """COMP-11: the stream of a file is its own, so its level is too; 0 only stores."""
        super().begin(skip=skip)
        self._level = 0 if skip else self._full_level
        self._deflater = None
        self._held.clear()
        self._open = False
        if self._history:
            self._history.clear()

    def match(self, index: int, data: Buffer) -> bytes:
        sent = super().match(index, data)
        if self._history:
            self._history.add_block(data)
        return sent

    def end(self) -> bytes:
        tail = super().end()
        self.begin(skip=False)
        return tail

    def _compress(self, data: Buffer) -> bytes:
        if self._deflater is None or (self._history and self._history.new):
            self._deflater = self._caught_up()
        self._held += self._deflater.compress(data)
        self._open = True
        if self._history:
            self._history.add_data(data)
        ready = len(self._held) - len(self._held) % 0x3FFF
        out = bytes(self._held[:ready])
        del self._held[:ready]
        return out

    def _caught_up(self) -> zlib._Compress:
        """A compressor that has seen the blocks too."""
        history, deflater = self._history, self._deflater
        if history is None or not history.new:
            return zlib.compressobj(self._level, zlib.DEFLATED, -15, 8)
        if deflater is not None and history.new < RENEW_FROM:
            deflater.compress(history.unseen())
            deflater.flush(zlib.Z_SYNC_FLUSH)  # the receiver has these bytes: nobody needs them again
            return deflater
        history.new = 0
        return zlib.compressobj(self._level, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, history.window())

    def _close(self) -> bytes:
        if not self._open or self._deflater is None:
            return b""
        self._held += self._deflater.flush(zlib.Z_SYNC_FLUSH)
        out = bytes(self._held[: -len(SYNC_TAIL)])
        self._held.clear()
        self._open = False
        return out


class ZlibDecoder(PackedDecoder):
    """COMP-2, COMP-8, COMP-9."""

    def __init__(self, *, history: bool, quirk: bool = False) -> None:
        super().__init__()
        self._history = History(quirk=quirk) if history else None
        self._inflater = zlib.decompressobj(-15)
        self._fresh = True
        self._full = False  # the last step stopped at the limit

    def saw_block(self, data: Buffer) -> None:
        if self._history:
            self._history.add_block(data)

    def missed_block(self, size: int) -> None:
        """COMP-13: zeros as far as can be referred to; what comes of them is not wanted."""
        self.saw_block(bytes(min(size, WINDOW)))

    def _feed(self, packed: bytes) -> bytes:
        if not packed:
            raise broken("an empty piece of deflated data", "COMP-9")
        if self._history and self._history.new:
            block = self._history.unseen()
            self._history.clear()
            header = len(block).to_bytes(2, "little") + (len(block) ^ 0xFFFF).to_bytes(2, "little")
            self._inflate(b"\0" + header + block, 2 * WINDOW)
        self._fresh = False
        return self._inflate(packed, MAX_INFLATED)

    def _drain(self) -> bytes:
        if not self._full:
            return b""
        return self._inflate(self._inflater.unconsumed_tail, MAX_INFLATED)

    def _inflate(self, packed: bytes, limit: int) -> bytes:
        inflater = self._inflater
        try:
            data = inflater.decompress(packed, limit)
        except zlib.error as error:
            raise broken(f"inflate failed: {error}", "COMP-9") from None
        if inflater.eof:
            raise broken("the deflated data ends before the file does", "COMP-9")
        self._full = len(data) == limit or bool(inflater.unconsumed_tail)
        return data

    def _close(self) -> None:
        """Put the tail of the flush back; it must be what the inflater is waiting for.

        zlib tells that only by the error for a stored block with a wrong length.
        """
        probe = self._inflater.copy()
        try:
            probe.decompress(b"\0\0\0\0", 16)
        except zlib.error as error:
            if "stored block lengths" in str(error):
                self._inflate(SYNC_TAIL, 16)
                return
        raise broken("decompressor lost sync!", "COMP-9")

    def _end_file(self) -> None:
        if not self._fresh:
            self._inflater = zlib.decompressobj(-15)
            self._fresh = True
        if self._history:
            self._history.clear()
