"""Streams of compressed tokens that no sender makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refsync.wire import packed

from .table import REFUSED, deviation, wrap

ZLIB = ("--compress-choice=zlibx", "--no-whole-file")
ZSTD = ("--compress-choice=zstd", "--no-whole-file")
#: So that every file that is sent has a basis.
BASED = (*ZSTD, "--existing")


def _before_the_end(token: bytes) -> None:
    """Put bytes in front of what ends a file, so that the data before it is right."""

    def make(end: Callable[..., bytes]) -> Callable[..., bytes]:
        def longer(self: Any) -> bytes:
            tail = end(self)
            return tail[:-1] + token + tail[-1:]

        return longer

    wrap(packed.PackedEncoder, "end", make)


@deviation(
    150,
    "packed-block-negative",
    "A negative block in a compressed stream",
    clause="COMP-7",
    side="sender",
    expect=REFUSED,
    options=ZLIB,
    advisory="CVE-2026-43618",
)
def packed_block_negative() -> None:
    """Block -1, by a long token."""
    _before_the_end(b"\x20\xff\xff\xff\xff")


@deviation(
    151,
    "packed-run-overflow",
    "A run past the last block's number",
    clause="COMP-7",
    side="sender",
    expect=REFUSED,
    options=ZLIB,
    advisory="CVE-2026-43618",
)
def packed_run_overflow() -> None:
    """A run of 65,536 blocks from 2,147,483,646 on: a counter of 32 bits would become negative."""
    _before_the_end(b"\x21\xfe\xff\xff\x7f\xff\xff")


@deviation(
    152,
    "packed-run-empty",
    "A run that is none",
    clause="COMP-7",
    side="sender",
    expect=REFUSED,
    options=BASED,
)
def packed_run_empty() -> None:
    """A run of no blocks: a counter that is taken down before it is looked at would take all there are."""
    _before_the_end(b"\xc0\0\0")


@deviation(
    153,
    "deflate-broken",
    "Data that is not deflated",
    clause="COMP-8",
    side="sender",
    options=ZLIB,
    advisory="CVE-2002-0059",
)
def deflate_broken() -> None:
    """A piece that begins with a kind of block that there is not."""
    _before_the_end(b"\x40\x04\x07\xff\xff\xff")


@deviation(
    154,
    "deflate-unflushed",
    "Deflated data that stops in the middle",
    clause="COMP-9",
    side="sender",
    options=ZLIB,
)
def deflate_unflushed() -> None:
    """A stored block of five bytes of which two come."""
    _before_the_end(b"\x40\x07\0\5\0\xfa\xffhe")


@deviation(
    155,
    "zstd-broken",
    "Data that is no frame of zstd",
    clause="COMP-8",
    side="sender",
    options=ZSTD,
)
def zstd_broken() -> None:
    """A block of the reserved kind goes on the stream."""
    _before_the_end(b"\x40\x03\x07\0\0")


def _bits(*fields: tuple[int, int]) -> bytes:
    """(value, width) one after another, lowest bit first, as deflate has them."""
    number = place = 0
    for value, width in fields:
        number |= value << place
        place += width
    return number.to_bytes((place + 7) // 8, "little")


def _deflated(piece: bytes) -> bytes:
    """A literal token with this piece of a deflated stream."""
    return bytes((0x40 | len(piece) >> 8, len(piece) & 0xFF)) + piece


@deviation(
    156,
    "deflate-tables",
    "Huffman tables with more codes than there are bits for",
    clause="COMP-8",
    side="sender",
    options=ZLIB,
    advisory="CVE-2005-2096",
)
def deflate_tables() -> None:
    """A block whose 19 code lengths are all 1."""
    _before_the_end(_deflated(_bits((0, 1), (2, 2), (0, 5), (0, 5), (15, 4), *[(1, 3)] * 19, (0, 40))))


@deviation(
    157,
    "deflate-distance",
    "A copy from before the beginning of the data",
    clause="COMP-8",
    side="sender",
    options=ZLIB,
    advisory="CVE-2005-1849",
)
def deflate_distance() -> None:
    """Three bytes from 32,768 bytes ago, when so many have not been."""
    code = (0b1000000, 7), (0b10111, 5), (0x1FFF, 13)  # codes stand with their highest bit first
    _before_the_end(_deflated(_bits((0, 1), (1, 2), *code, (0, 40))))
