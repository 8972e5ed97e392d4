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
