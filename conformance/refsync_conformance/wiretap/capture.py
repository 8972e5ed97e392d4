"""A conversation in a file: what each side sent, piece by piece, with the time.

The first line is JSON: the format, the transport and the server's arguments where they
are known from outside. Then follow pieces: ``>`` (client to server) or ``<``,
eight bytes of microseconds since the start, four bytes of length, little-endian, the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .between import FORMAT, PIECE, Writer

#: A header line longer than this is no capture's.
_HEADER_LIMIT = 1 << 20
#: A piece longer than this is no piece.
_PIECE_LIMIT = 1 << 26


class CaptureError(Exception):
    """A file that is no capture, or a damaged one: where, and what was wrong."""


@dataclass(frozen=True, slots=True)
class Header:
    """``transport`` is ``pipe`` or ``daemon``; ``arguments`` those after the server's program name.

    A daemon's arguments travel in the conversation, so there are none here.
    """

    transport: str
    arguments: list[str] = field(default_factory=list)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """``way`` is ``>`` for what the client says and ``<`` for the server; ``when`` in microseconds."""

    way: str
    when: int
    data: bytes


class Reader:
    """Reads a capture, also while it grows: ``pieces`` stops at what is not whole and may be called again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("rb")
        self._kept = b""
        line = self._stream.readline(_HEADER_LIMIT)
        try:
            found = json.loads(line)
            if found.pop("format") != FORMAT:
                raise ValueError
            self.header = Header(**found)
        except (ValueError, KeyError, TypeError, AttributeError):
            self._stream.close()
            raise CaptureError(f"{path} is no capture of refsync-tap's") from None

    def pieces(self) -> Iterator[Piece]:
        """All whole pieces that have not been read. ``CaptureError`` at what is none."""
        while chunk := self._stream.read(1 << 20):
            self._kept += chunk
            while len(self._kept) >= PIECE.size:
                way, when, length = PIECE.unpack_from(self._kept)
                if way not in (b">", b"<") or length > _PIECE_LIMIT:
                    raise CaptureError(f"{self._path} is damaged: a piece of {length} bytes, way {way!r}")
                if len(self._kept) < PIECE.size + length:
                    break
                data = self._kept[PIECE.size : PIECE.size + length]
                self._kept = self._kept[PIECE.size + length :]
                yield Piece(way.decode(), when, data)

    @property
    def cut_off(self) -> bool:
        """Whether the file ends inside of a piece."""
        return bool(self._kept)

    def close(self) -> None:
        self._stream.close()


__all__ = ["CaptureError", "Header", "Piece", "Reader", "Writer"]
