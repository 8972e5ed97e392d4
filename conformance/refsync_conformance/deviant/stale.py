"""Peers that speak of entries and lists which are done with, and counts that no run has."""

from __future__ import annotations

from collections.abc import Callable

from refsync.delta.signature import BLOCK_SIZE
from refsync.engine.generator import Generator
from refsync.wire import items, stats
from refsync.wire.entry import FileEntry
from refsync.wire.ndx import NDX_DONE, NdxCodec
from refsync.wire.sumhead import SumHead

from .entries import change_entry
from .requests import sums_instead
from .table import HARMLESS, NEWER, REFUSED, SKIPPED, deviation, wrap


def _after_the_first_done(ndx: int) -> None:
    """When the first list, or phase, is said to be over, an entry of it comes once more."""
    said: list[int] = []

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: NdxCodec, number: int) -> bytes:
            once = encode(self, number)
            if number != NDX_DONE or said:
                return once
            said.append(ndx)
            return once + encode(self, ndx) + items.encode(items.ItemAttrs(items.TRANSFER)) + bytes(16)

        return changed

    wrap(NdxCodec, "encode", make)


@deviation(
    60,
    "answer-of-freed-list",
    "Data for a list that is done with",
    clause="XFER-7",
    side="sender",
    expect=SKIPPED,
    protocols=NEWER,
    advisory="freed-lists",
)
def answer_of_freed_list() -> None:
    """The receiver has let go of the first list when an answer for its second entry comes."""
    _after_the_first_done(2)


@deviation(
    90,
    "request-of-freed-list",
    "A request for a list that is done with",
    clause="XFER-7",
    side="receiver",
    expect=SKIPPED,
    protocols=NEWER,
    advisory="freed-lists",
)
def request_of_freed_list() -> None:
    """The sender may let go of the first list when the receiver has said that it is over."""
    _after_the_first_done(2)


@deviation(
    61,
    "answer-for-duplicate",
    "Data for an entry that another of the same name has replaced",
    clause="FLIST-20",
    side="sender",
    expect=HARMLESS,
    advisory="cleared-entries",
)
def answer_for_duplicate() -> None:
    """Three files share a name, and answers name the neighbour: some of them entries that do not count."""

    def change(entry: FileEntry) -> None:
        entry.name = b"other"

    change_entry(change)
    change_entry(change, b"third")

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda self, ndx: encode(self, ndx + 1 if ndx > 0 else ndx)

    wrap(NdxCodec, "encode", make)


@deviation(
    87,
    "deletions-beyond-counting",
    "Counts of deletions that no run has",
    clause="DEL-6",
    side="receiver",
    expect=HARMLESS,
    options=("--delete", "--stats"),
    protocols=(31, 32),
    advisory="deletion-counts",
)
def deletions_beyond_counting() -> None:
    """Five times 2,147,483,647: their sum has more than 32 bits."""
    huge = stats.DeleteStats(*[0x7FFFFFFF] * 5)
    wrap(stats, "encode_delete_stats", lambda encode: lambda found: encode(huge))


@deviation(
    88,
    "append-to-nothing",
    "More to append to than the file has",
    clause="XFER-19",
    side="receiver",
    expect=SKIPPED | {0},
    options=("--append-verify",),
    advisory="append-to-nothing",
)
def append_to_nothing() -> None:
    """Each file is said to be there up to 100 blocks, an empty one too."""
    # the second time sums are asked for as ever
    sums_instead(lambda self, again: None if again else (SumHead(100, BLOCK_SIZE, 2, 0), b""))


@deviation(
    89,
    "last-block-next",
    "A short last block that looks like the next one",
    clause="SUM-2",
    side="receiver",
    expect=REFUSED | {0, 23},
    advisory="short-block-wanted",
)
def last_block_next() -> None:
    """Three sums of the file's own first block, the last of which stands for one byte: the search that tries
    the next block first must not read or send 700 bytes for it.
    """

    def crafted(self: Generator, again: bool) -> tuple[SumHead, bytes]:
        from refsync.native import block_weak_sums

        block = b"victim " * (BLOCK_SIZE // 7)
        one = block_weak_sums(block, BLOCK_SIZE) + self._session.checksums.block(block)[:2]
        return SumHead(3, BLOCK_SIZE, 2, 1), one * 3

    sums_instead(crafted)
