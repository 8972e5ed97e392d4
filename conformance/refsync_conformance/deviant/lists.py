"""Senders whose file lists are not what they should be."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any

from refsync.wire import flist
from refsync.wire.entry import CONTENT_DIR, IMPLIED_DIR, TOP_DIR, FileEntry
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import varint, varlong

from .entries import INNER, VICTIM, change_entry, rename
from .table import HARMLESS, NEWER, SKIPPED, deviation, wrap


def _bytes(change: Callable[[bytes], bytes], name: bytes = VICTIM) -> None:
    """Change the bytes of one entry."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: FlistEncoder, entry: FileEntry, *rest: Any) -> bytes:
            encoded = encode(self, entry, *rest)
            return change(encoded) if entry.name == name else encoded

        return changed

    wrap(FlistEncoder, "encode", make)


@deviation(1, "name-above", "A name that leads above the destination", clause="HOST-1", side="sender")
def name_above() -> None:
    """A file called ``../victim``: it must not be written."""
    rename(b"../victim")


@deviation(2, "name-deep-above", "A name with .. in the middle", clause="HOST-1", side="sender")
def name_deep_above() -> None:
    """A file called ``sub/../../victim``."""
    rename(b"sub/../../victim")


@deviation(3, "name-absolute", "An absolute name", clause="HOST-1", side="sender", expect=HARMLESS)
def name_absolute() -> None:
    """A file called by an absolute path: refused, or put below the destination."""
    rename(os.getcwdb() + b"/planted")


@deviation(4, "name-empty-parts", "A name with empty parts", clause="HOST-1", side="sender", expect=HARMLESS)
def name_empty_parts() -> None:
    """A file called ``sub//./victim``: refused, or taken for what it means."""
    rename(b"sub//./victim")


@deviation(
    5,
    "name-unrequested",
    "A file that nobody asked for",
    clause="HOST-2",
    side="sender",
    judges=("client",),
    options=("--no-inc-recursive",),
    source="src",
    advisory="CVE-2022-29154",
    expect=frozenset((4, 2, 12)),
)
def name_unrequested() -> None:
    """A client asks for ``src`` and is sent ``src`` and ``.profile``."""
    rename(b".profile", b"src/victim")


@deviation(
    6,
    "name-excluded",
    "A file that the client's filter excludes",
    clause="HOST-2",
    side="sender",
    judges=("client",),
    options=("--exclude=hidden*",),
    advisory="CVE-2022-29154",
    expect=frozenset((4, 2, 12)),
)
def name_excluded() -> None:
    """A client excludes ``hidden*`` and is sent ``hidden-file``."""
    rename(b"hidden-file")


@deviation(
    7,
    "symlink-is-directory",
    "A symlink to the outside, then a file below it",
    clause="HOST-5",
    side="sender",
    options=("--no-inc-recursive",),
    expect=HARMLESS,
    advisory="CVE-2014-9512",
)
def symlink_is_directory() -> None:
    """The list has a symlink ``way`` that leads out, and a file ``way/victim``."""
    rename(b"way/victim")


@deviation(
    9,
    "root-is-file",
    "The entry . is a regular file",
    clause="HOST-1",
    side="sender",
    advisory="CVE-2026-70459",
    expect=SKIPPED,
)
def root_is_file() -> None:
    """The transfer's root is announced with the mode of a file."""

    def change(entry: FileEntry) -> None:
        entry.mode = stat.S_IFREG | 0o644

    change_entry(change, b".")


@deviation(
    10,
    "mode-without-type",
    "A mode that names no file type",
    clause="FLIST-9",
    side="sender",
    advisory="mode-without-type",
    expect=SKIPPED,
)
def mode_without_type() -> None:
    """The entry's type bits are those of nothing that exists."""

    def change(entry: FileEntry) -> None:
        entry.mode = 0o070000 | 0o644

    change_entry(change)


@deviation(
    11,
    "nanoseconds-too-many",
    "More than a second of nanoseconds",
    clause="FLIST-8",
    side="sender",
    advisory="nanoseconds",
    expect=HARMLESS,
)
def nanoseconds_too_many() -> None:
    """The entry's time has 1,999,999,999 nanoseconds."""

    def change(entry: FileEntry) -> None:
        entry.nsec = 1_999_999_999

    change_entry(change)


@deviation(12, "size-negative", "A negative file size", clause="FLIST-7", side="sender", protocols=NEWER)
def size_negative() -> None:
    """The entry's size is -1."""

    def change(encoded: bytes) -> bytes:
        size = varlong(SIZE, 3)
        assert size in encoded
        return encoded.replace(size, b"\xff" + b"\xff" * 2 + b"\xff" * 6, 1)

    _bytes(change)


#: Bytes in ``victim``.
SIZE = 12_345


@deviation(13, "name-too-long", "A name of 100,000 bytes", clause="FLIST-5", side="sender")
def name_too_long() -> None:
    """Longer than any path may be: no memory is to be taken for it."""
    rename(b"a" * 100_000)


@deviation(
    14,
    "name-length-negative",
    "A name whose length is negative",
    clause="FLIST-5",
    side="sender",
    advisory="CVE-2002-0048",
    protocols=NEWER,
)
def name_length_negative() -> None:
    """The flags say that the length is an int, and the int is -5."""

    def change(encoded: bytes) -> bytes:
        return varint(flist.X_LONG_NAME | flist.X_SAME_TIME) + varint(-5) + b"aaaa"

    _bytes(change)


@deviation(
    15,
    "link-target-too-long",
    "A symlink's target of 1 GiB",
    clause="FLIST-10",
    side="sender",
    protocols=NEWER,
)
def link_target_too_long() -> None:
    """The length is announced, the bytes never come."""

    def change(encoded: bytes) -> bytes:
        target = varint(len(LINK)) + LINK
        assert encoded.endswith(target)
        return encoded[: -len(target)] + varint(1 << 30) + LINK

    _bytes(change, b"link")


#: The target of the symlink ``link``.
LINK = b"victim"


@deviation(
    16,
    "hard-link-nowhere",
    "A hard link to an entry that does not exist",
    clause="FLIST-12",
    side="sender",
    options=("-H",),
    advisory="CVE-2011-1097",
)
def hard_link_nowhere() -> None:
    """``victim`` is said to be a further name of entry 100,000."""

    def change(encoded: bytes) -> bytes:
        name = bytes((len(VICTIM),)) + VICTIM
        return varint(flist.X_HLINKED | flist.X_EXTENDED) + name + varint(100_000)

    _bytes(change)


@deviation(
    30,
    "hard-link-unknown",
    "A hard link to an entry that has no other names",
    clause="HLINK-1",
    side="sender",
    protocols=(30, 31, 32),
    options=("-H",),
)
def hard_link_unknown() -> None:
    """``sub/inner`` is said to be a further name of entry 1, which an earlier list has and calls single."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: FlistEncoder, entry: FileEntry, *rest: Any) -> bytes:
            if entry.name == INNER:
                entry.dev = entry.ino = 1 << 40
                self._inodes[entry.dev, entry.ino] = 1
            return encode(self, entry, *rest)

        return changed

    wrap(FlistEncoder, "encode", make)


@deviation(
    17,
    "hard-link-unasked",
    "A hard link without -H",
    clause="FLIST-12",
    side="sender",
    expect=HARMLESS,
    advisory="CVE-2026-70458",
)
def hard_link_unasked() -> None:
    """The flag of a hard link in a list that has none."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: FlistEncoder, entry: FileEntry, *rest: Any) -> bytes:
            encoded = encode(self, entry, *rest)
            if entry.name != VICTIM or encoded[0] & 0x80 == 0:
                return encoded
            flags = (encoded[0] & 0x3F) << 8 | encoded[1]
            return varint(flags | flist.X_HLINKED | flist.X_HLINK_FIRST) + encoded[2:]

        return changed

    wrap(FlistEncoder, "encode", make)


@deviation(
    18, "duplicate-names", "The same name three times", clause="FLIST-20", side="sender", expect=HARMLESS
)
def duplicate_names() -> None:
    """Three files share one name: one wins, and the numbering still fits."""

    def change(entry: FileEntry) -> None:
        entry.name = b"other"

    change_entry(change)
    change_entry(change, b"third")


@deviation(
    23,
    "id-name-escape",
    "A group's name that holds escapes and slashes",
    clause="FLIST-21",
    side="sender",
    expect=HARMLESS,
    advisory="CVE-2026-53788",
)
def id_name_escape() -> None:
    """Names of ids are looked up, never printed raw or run."""

    def change(entry: FileEntry) -> None:
        entry.uname = b"\x1b[31m../../$(id)\nroot"
        entry.gname = b"x" * 255
        entry.uid, entry.gid = 54321, 54322

    change_entry(change)


@deviation(
    26, "device-numbers-huge", "Device numbers beyond any", clause="FLIST-11", side="sender", expect=HARMLESS
)
def device_numbers_huge() -> None:
    """A device 2,147,483,647:2,147,483,647 in the list."""

    def change(entry: FileEntry) -> None:
        entry.mode = stat.S_IFBLK | 0o600
        entry.size = 0
        entry.rdev_major = entry.rdev_minor = 0x7FFFFFFF

    change_entry(change)


@deviation(
    27,
    "time-absurd",
    "A time far outside of any calendar",
    clause="FLIST-8",
    side="sender",
    expect=HARMLESS,
    options=("--list-only",),
    judges=("client",),
    advisory="absurd-times",
)
def time_absurd() -> None:
    """Listing it must not fall over."""

    def change(entry: FileEntry) -> None:
        entry.mtime = -(1 << 62)

    change_entry(change)


@deviation(
    140,
    "implied-directory-with-content",
    "A directory on the way, said to be sent with all that is in it",
    clause="HOST-7",
    side="sender",
    expect=HARMLESS,
    options=("-R", "--delete"),
    source="src/./sub/deeper",
    keeps=("sub/inner", "other"),
    judges=("client",),
    protocols=(30, 32),
    advisory="CVE-2026-53789",
)
def implied_directory_with_content() -> None:
    """A client asks for ``sub/deeper`` with ``--delete``: what else is in ``sub`` has to stay."""

    def change(entry: FileEntry) -> None:
        entry.flags = (entry.flags & ~IMPLIED_DIR) | CONTENT_DIR | TOP_DIR

    change_entry(change, b"sub")
