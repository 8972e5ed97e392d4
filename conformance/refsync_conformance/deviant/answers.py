"""Senders whose answers are not what was asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from refsync.delta import checksums
from refsync.engine import sender
from refsync.wire import items, stats, sumhead
from refsync.wire.integers import int32
from refsync.wire.ndx import NdxCodec
from refsync.wire.sumhead import SumHead
from refsync.wire.tokens import PlainEncoder

from .table import HARMLESS, NEWER, REFUSED, SKIPPED, deviation, wrap


def _head(make_head: Callable[[SumHead], SumHead]) -> None:
    wrap(sumhead, "encode", lambda encode: lambda head: encode(make_head(head)))


def _index(change: Callable[[int], int]) -> None:
    """Change the indexes of files in all that goes out."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda self, ndx: encode(self, change(ndx) if ndx >= 0 else ndx)

    wrap(NdxCodec, "encode", make)


def _tokens(change: Callable[[bytes], bytes]) -> None:
    wrap(PlainEncoder, "literal", lambda literal: lambda self, data: change(literal(self, data)))


@deviation(40, "answer-for-no-file", "An answer for an index beyond the list", clause="NDX-5", side="sender")
def answer_for_no_file() -> None:
    """Every index is 100,000 more than it should be."""
    _index(lambda ndx: ndx + 100_000)


@deviation(
    41,
    "answer-for-directory",
    "Data for a directory",
    clause="XFER-7",
    side="sender",
    advisory="CVE-2026-43620",
)
def answer_for_directory() -> None:
    """Every answer is for the first entry, which is no file."""
    _index(lambda ndx: 0)


@deviation(42, "data-unasked", "The data of another file", clause="XFER-7", side="sender", expect=HARMLESS)
def data_unasked() -> None:
    """Answers name the neighbour of the file that was asked for: each file is whole or as it was."""
    _index(lambda ndx: ndx + 1)


@deviation(
    43,
    "block-out-of-range",
    "A block that the basis does not have",
    clause="TOK-3",
    side="sender",
    expect=REFUSED,
    options=("--no-whole-file", "--existing"),
)
def block_out_of_range() -> None:
    """Literal data is replaced by block 1,000,000."""
    _tokens(lambda token: int32(-1_000_001))


@deviation(
    44,
    "block-without-basis",
    "A block of a file that is not there",
    clause="TOK-3",
    side="sender",
    expect=REFUSED,
    advisory="match-while-discarding",
)
def block_without_basis() -> None:
    """Block 0, though there were no sums."""
    _tokens(lambda token: int32(-1))


@deviation(
    45,
    "literal-of-2-gib",
    "A literal run of 2 GiB",
    clause="TOK-2",
    side="sender",
    expect=SKIPPED | {30},
    options=("--timeout=1",),
)
def literal_of_2_gib() -> None:
    """The length is announced, the data never comes: no memory is to be taken."""
    _tokens(lambda token: int32(0x7FFFFFFF) + token[4:])


@deviation(
    46,
    "token-smallest",
    "The smallest int as a token",
    clause="TOK-3",
    side="sender",
    expect=REFUSED,
    advisory="CVE-2026-43618",
)
def token_smallest() -> None:
    """-2,147,483,648 is no block's number."""
    _tokens(lambda token: int32(-(1 << 31)))


@deviation(
    47,
    "digest-wrong",
    "A digest that is never right",
    clause="XFER-15",
    side="sender",
    expect=frozenset((23,)),
)
def digest_wrong() -> None:
    """The file is asked for once more, then given up; what was there stays."""

    def make(new_file: Callable[..., Any]) -> Callable[..., Any]:
        def spoiled(self: checksums.Checksums) -> Any:
            hasher = new_file(self)
            hasher.update(b"spoiled")
            return hasher

        return spoiled

    wrap(checksums.Checksums, "new_file", make)


@deviation(
    48,
    "hang-up-in-data",
    "Hanging up in the middle of a file",
    clause="END-8",
    side="sender",
    expect=frozenset((10, 12, 20, 23)),
)
def hang_up_in_data() -> None:
    """The temporary file goes away, what was there stays."""

    def make(literal: Callable[..., bytes]) -> Callable[..., bytes]:
        def last(self: PlainEncoder, data: bytes) -> bytes:
            os._exit(9)

        return last

    wrap(PlainEncoder, "literal", make)


@deviation(
    49,
    "basis-unasked",
    "A basis outside of the destination",
    clause="HOST-4",
    side="sender",
    advisory="CVE-2024-12086",
    expect=SKIPPED,
    protocols=NEWER,
)
def basis_unasked() -> None:
    """The answer names ``../outside/secret`` as a similar file, though nobody looked for one."""
    attributes(items.BASIS_FUZZY, b"../outside/secret")


@deviation(
    50,
    "basis-number-unasked",
    "A basis directory that was not given",
    clause="HOST-4",
    side="sender",
    expect=SKIPPED,
    protocols=NEWER,
)
def basis_number_unasked() -> None:
    """The answer says that the file of directory 77 of ``--compare-dest`` is the basis."""
    attributes(77, None)


@deviation(
    51,
    "basis-name-long",
    "A basis with a name of 60,000 bytes",
    clause="XFER-5",
    side="sender",
    protocols=NEWER,
)
def basis_name_long() -> None:
    """Longer than any path: refused when its length is read."""
    wrap(
        items,
        "encode",
        lambda encode: (
            lambda attributes: (
                encode(attributes)[:1] + bytes((0x80 | items.XNAME_FOLLOWS >> 8,)) + b"\xff\xff" + b"x" * 4000
            )
        ),
    )


def attributes(basis: int, name: bytes | None) -> None:
    """Let each answer with data name this basis."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(found: items.ItemAttrs) -> bytes:
            if not found.iflags & items.TRANSFER:
                return encode(found)
            flags = found.iflags | items.BASIS_TYPE_FOLLOWS | (items.XNAME_FOLLOWS if name else 0)
            return encode(items.ItemAttrs(flags, basis, name))

        return changed

    wrap(items, "encode", make)


@deviation(
    52,
    "head-with-many-blocks",
    "An answer with more blocks than fit",
    clause="SUM-2",
    side="sender",
    expect=HARMLESS,
)
def head_with_many_blocks() -> None:
    """2,147,483,647 blocks of 128 KiB, of which none is used: refused, or without effect."""
    _head(lambda head: SumHead(0x7FFFFFFF, 131072, 2, 0))


@deviation(
    53,
    "head-negative",
    "An answer with a negative count",
    clause="SUM-2",
    side="sender",
    advisory="CVE-2003-0962",
)
def head_negative() -> None:
    """-1 blocks."""
    _head(lambda head: SumHead(-1, 700, 2, 0))


@deviation(
    54,
    "totals-absurd",
    "Totals beyond counting",
    clause="END-4",
    side="sender",
    expect=HARMLESS,
    judges=("client",),
)
def totals_absurd() -> None:
    """Negative and huge totals: the summary is still printed."""
    huge = stats.SessionStats(-1, (1 << 62), -(1 << 61), (1 << 40), (1 << 40))
    wrap(stats, "encode_stats", lambda encode: lambda found, dialect: encode(huge, dialect))


@deviation(
    55,
    "goodbye-missing",
    "No goodbye",
    clause="END-5",
    side="sender",
    expect=frozenset((0, 2, 12, 20, 23, 30)),
    options=("--timeout=1",),
)
def goodbye_missing() -> None:
    """All is sent but the last word, then the connection closes: every file is whole."""

    async def nothing(self: sender.Sender) -> None:
        await self._session.link.flush()
        os._exit(0)

    wrap(sender.Sender, "goodbye", lambda goodbye: nothing)


@deviation(
    56,
    "stalled-data",
    "Data that stops coming",
    clause="END-6",
    side="sender",
    expect=frozenset((12, 20, 30)),
    options=("--timeout=1",),
)
def stalled_data() -> None:
    """Half a file, then silence: the timeout ends it and the temporary file goes away."""

    def make(literal: Callable[..., bytes]) -> Callable[..., bytes]:
        def stall(self: PlainEncoder, data: bytes) -> bytes:
            if stall.__dict__.setdefault("said", 0):
                time.sleep(3)
                os._exit(0)
            stall.__dict__["said"] = 1
            return literal(self, data)

        return stall

    wrap(PlainEncoder, "literal", make)


@deviation(
    57,
    "answer-past-int",
    "An index past the largest int",
    clause="NDX-4",
    side="sender",
    advisory="index-overflow",
)
def answer_past_int() -> None:
    """2,147,483,647, and then 100 more."""
    wrap(NdxCodec, "encode", lambda encode: lambda self, ndx: b"\xfe\xff\xff\xff\xff" + b"\xfe\0\x64")
