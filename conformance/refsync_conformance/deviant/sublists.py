"""Senders whose sub-lists, and ends of lists, are not what they should be."""

from __future__ import annotations

import stat
from collections.abc import Callable

from refsync.wire.entry import FileEntry
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.ndx import NDX_FLIST_EOF, NDX_FLIST_OFFSET, NdxCodec

from .entries import INNER, change_entry, rename
from .table import HARMLESS, NEWER, deviation, wrap


@deviation(
    8,
    "symlink-has-list",
    "A list for a directory that is a symlink",
    clause="HOST-5",
    side="sender",
    expect=HARMLESS,
    advisory="CVE-2024-12087",
)
def symlink_has_list() -> None:
    """The directory ``sub`` is announced, then sent again as a symlink that leads out."""

    def change(entry: FileEntry) -> None:
        entry.name = b"sub"
        entry.mode = stat.S_IFLNK | 0o777
        entry.link = b"../outside"

    change_entry(change)


@deviation(
    19,
    "list-of-no-directory",
    "A list for a directory that does not exist",
    clause="IREC-5",
    side="sender",
    advisory="CVE-2024-12087",
    protocols=NEWER,
)
def list_of_no_directory() -> None:
    """The directory's number is far beyond the last one."""
    _directory(lambda number: number + 5000)


@deviation(
    20,
    "list-twice",
    "Two lists for one directory",
    clause="IREC-6",
    side="sender",
    advisory="CVE-2024-12087",
    protocols=NEWER,
)
def list_twice() -> None:
    """Every list is said to be that of the first directory."""
    _directory(lambda number: 1)


def _directory(change: Callable[[int], int]) -> None:
    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: NdxCodec, ndx: int) -> bytes:
            if ndx <= NDX_FLIST_OFFSET:
                ndx = NDX_FLIST_OFFSET - change(NDX_FLIST_OFFSET - ndx)
            return encode(self, ndx)

        return changed

    wrap(NdxCodec, "encode", make)


@deviation(
    21,
    "list-of-strangers",
    "A list whose entries lie elsewhere",
    clause="HOST-3",
    side="sender",
    advisory="CVE-2024-12087",
    protocols=NEWER,
)
def list_of_strangers() -> None:
    """In the list of ``sub`` is a file ``more/inner``."""
    rename(b"more/planted", INNER)


@deviation(
    22, "eof-twice", "The end of the lists is told twice", clause="IREC-4", side="sender", expect=HARMLESS
)
def eof_twice() -> None:
    """``NDX_FLIST_EOF`` two times over."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: NdxCodec, ndx: int) -> bytes:
            once = encode(self, ndx)
            return once + encode(self, ndx) if ndx == NDX_FLIST_EOF else once

        return changed

    wrap(NdxCodec, "encode", make)


@deviation(
    24,
    "end-with-odd-errors",
    "An io_error of unknown bits",
    clause="FLIST-15",
    side="sender",
    expect=HARMLESS,
    advisory="io-error-bits",
)
def end_with_odd_errors() -> None:
    """Bits that mean nothing are masked: the exit code is one of rsync's."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda self, io_error: encode(self, 0x7FFFFF00 | io_error)

    wrap(FlistEncoder, "encode_end", make)


@deviation(
    25,
    "endless-list",
    "A list that never ends",
    clause="FLIST-1",
    side="sender",
    expect=frozenset((2, 4, 12, 22, 30)),
    options=("--timeout=1",),
)
def endless_list() -> None:
    """After the first entries nothing more comes: the timeout ends it."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda self, io_error: b""

    wrap(FlistEncoder, "encode_end", make)
