"""The usual entries of a long list, read and written by the C kernel in runs.

Input: a byte for the list's directory, whether digests follow, how much is asked for at once; then
wire bytes that follow the entry of the directory itself.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from refsync import native
from refsync.wire import compat, dialect, flist, order
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import varint

from ..choices import Choices
from ..oracle import Violation, expect, same
from ..target import Surface

SPEECH = dialect.build(32, compat.VARINT_FLIST_FLAGS | compat.SAFE_FLIST | compat.INC_RECURSE)
PREFIXES = (b"", b"d/", b"a/long/way/to/it/", b"../")
USUAL = flist.X_SAME_UID | flist.X_SAME_GID
#: Times, ids and names of the entry that stands before the others.
MTIME, UID, GID = 5, 7, 8

SURFACE = Surface(
    priority=1,
    clauses=("FLIST-2", "FLIST-5", "FLIST-7", "FLIST-8", "HOST-1", "HOST-3"),
    code=("refsync.native.rows",),
    oracle="DMRT",
    dictionary={
        "same": varint(USUAL | flist.X_SAME_MODE),
        "same_time": varint(USUAL | flist.X_SAME_MODE | flist.X_SAME_TIME),
        "nsec": varint(USUAL | flist.X_SAME_MODE | flist.X_MOD_NSEC),
        "shared": varint(USUAL | flist.X_SAME_NAME | flist.X_SAME_MODE),
        "regular": (stat.S_IFREG | 0o644).to_bytes(4, "little"),
        "parent": b"\2..",
        "dot": b"\1.",
        "slash": b"\3d/x",
        "nsec_most": varint(999_999_999),
        "nsec_past": varint(1_000_000_000),
    },
    max_length=1200,
)


def _preserve(digest: int) -> Preserve:
    return Preserve(links=True, uid=True, gid=True, recurse=True, checksum_length=digest)


def _first(prefix: bytes) -> FileEntry:
    entry = FileEntry(prefix.rstrip(b"/") or b".", stat.S_IFDIR | 0o755, 4096, MTIME)
    entry.uid, entry.gid = UID, GID
    return entry


def fuzz_one(data: bytes) -> None:
    """Oracle: each row is the entry that the general decoder reads there, and ends where it ends.

    None is of another directory, has no name or a strange one. A part of the bytes gives a part of the
    rows; what rows are written as is what the general encoder writes, and their order is that of entries.
    Without the kernel there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    from refsync.engine.rowlist import RowList
    from refsync.native.rows import Rows, State

    choices = Choices(data)
    switches = choices.byte()
    prefix, digest = PREFIXES[switches & 3], (0, 16)[switches >> 2 & 1]
    wire = choices.rest()
    decoder = FlistDecoder(SPEECH, _preserve(digest))
    decoder._usual = False  # the short way of Python is compared elsewhere
    opening = FlistEncoder(SPEECH, _preserve(digest))
    decoder.decode(Cursor(opening.encode(_first(prefix), 0, 0)), [], 0)
    before = decoder.state()
    rows, state = Rows(), State()
    state.set(*before)
    most = 1 + (switches >> 3)
    count, used = rows.decode(wire, 0, prefix, state, digest_length=digest, most=most)
    same(len(rows), count, "rows counted")
    expect(count <= most and used <= len(wire), f"{count} rows of {used} bytes")
    entries = _read(count, used, decoder, wire, prefix)
    if count:
        same(state.get(), decoder.state()[:3], "what the next entry is told as the difference from")
    _in_part(wire[: used // 2], wire, count, prefix, digest, before)
    _again(rows, entries, prefix, digest, before)
    listing = RowList(rows, prefix, b"", digest)  # which makes objects of rows: no more are written then
    same([one.value() for one in listing], [one.value() for one in entries], "rows as entries")
    _ordered(rows, entries, prefix)


def _read(count: int, used: int, decoder: FlistDecoder, wire: bytes, prefix: bytes) -> list[FileEntry]:
    """The entries that the rows have to be."""
    cursor, entries = Cursor(wire), list[FileEntry]()
    for place in range(count):
        try:
            entry = decoder.decode(cursor, [], 0)
        except (NeedMoreData, ProtocolError) as error:
            raise Violation(f"row {place} of what the general decoder does not take: {error!r}") from None
        if isinstance(entry, EndOfList):
            raise Violation(f"row {place} of the end of a list")
        expect(entry.name.startswith(prefix) and entry.is_reg, f"{entry!r} below {prefix!r}")
        name = entry.name[len(prefix) :]
        expect(name not in (b"", b".", b"..") and not {0, 0x2F} & set(name), f"the name {name!r}")
        entries.append(entry)
    same(cursor.pos, used, "bytes used")
    return entries


def _in_part(
    part: bytes, wire: bytes, count: int, prefix: bytes, digest: int, before: tuple[bytes, int, int, int, int]
) -> None:
    from refsync.native.rows import Rows, State

    rows, state = Rows(), State()
    state.set(*before)
    fewer, used = rows.decode(part, 0, prefix, state, digest_length=digest, most=64)
    expect(fewer <= count, f"{fewer} rows of a part, {count} of all")
    more, end = rows.decode(wire, used, prefix, state, digest_length=digest, most=count - fewer)
    same(fewer + more, count, "rows in two parts")
    expect(end <= len(wire), "past the end")


def _again(
    rows: Rows, entries: list[FileEntry], prefix: bytes, digest: int, before: tuple[bytes, int, int, int, int]
) -> None:
    from refsync.native.rows import State

    encoder = FlistEncoder(SPEECH, _preserve(digest))
    encoder._usual = False
    encoder.encode(_first(prefix), 0, 0)
    state = State()
    state.set(*before)
    count, wire = rows.encode(0, len(rows), prefix, state, uid=True, gid=True, digest_length=digest)
    wanted = b"".join(encoder.encode(entry, at, 0) for at, entry in enumerate(entries[:count]))
    same(wire, wanted, f"{count} of {len(entries)} rows written")
    if count < len(entries):  # a time before 1970, or nothing that is shared of a long name
        last = entries[count]
        expect(last.mtime < 0 or len(last.name) > 255, f"{last!r} is not written")


def _ordered(rows: Rows, entries: list[FileEntry], prefix: bytes) -> None:
    plain = rows.sort()
    names = [entry.name for entry in entries]
    same(plain, len(entries) if len(set(names)) == len(names) else -1, f"how many of {names} are files")
    if plain >= 0:
        order.sort(entries, True)
        same([prefix + name for name in rows.names()], [entry.name for entry in entries], "the order")


if native.HAVE_BULK:
    from refsync.native.rows import Rows


def seeds() -> Iterator[tuple[str, bytes]]:
    """Files below each directory, with digests and without; what is not usual, and what may not be there."""
    for number, prefix in enumerate(PREFIXES):
        for digest in (0, 16):
            encoder = FlistEncoder(SPEECH, _preserve(digest))
            encoder._usual = False
            encoder.encode(_first(prefix), 0, 0)
            wire = b""
            for at, (name, size, mtime, nsec, mode) in enumerate(
                (
                    (b"one", 0, 5, 0, 0o644), (b"other", 300, 5, 7, 0o644), (b"third", 1 << 20, 6, 0, 0o600),
                    (b"z" * 200, 1 << 40, 1 << 33, 999_999_999, 0o7777), (b"z" * 200 + b"y", 5, -1, 0, 0o600),
                    (b".x", 1, 6, 1 << 20, 0o600), (b"...", 1, 6, 0, 0o600),
                )
            ):  # fmt: skip
                entry = FileEntry(prefix + name, stat.S_IFREG | mode, size, mtime)
                entry.nsec, entry.uid, entry.gid = nsec, UID, GID
                entry.checksum = bytes(range(at, at + digest)) or None
                wire += encoder.encode(entry, at, 0)
            yield f"files.{number}.{digest}", bytes((number | digest >> 2 | 0xF8,)) + wire + b"\0\0"
    usual = varint(USUAL | flist.X_SAME_TIME)
    regular = bytes(3) + (stat.S_IFREG | 0o644).to_bytes(4, "little")
    for title, switches, wire in (
        ("parent", 0xF8, usual + b"\2.." + regular),
        ("dot", 0xF8, usual + b"\1." + regular),
        ("slash", 0xF9, usual + b"\5d/a/b" + regular),
        ("other_directory", 0xF9, usual + b"\3e/a" + regular),
        ("nothing", 0xF9, usual + b"\2d/" + regular),
        ("nul", 0xF8, usual + b"\2a\0" + regular),
        ("escape", 0xFB, usual + b"\4../a" + regular),
        ("directory", 0xF8, usual + b"\1a" + bytes(3) + (stat.S_IFDIR | 0o755).to_bytes(4, "little")),
        ("high_mode", 0xF8, usual + b"\1a" + bytes(3) + (0x18000).to_bytes(4, "little")),
        ("ten_bytes", 0xF8, usual + b"\1a\xfc" + bytes(8) + regular[3:]),
        ("huge", 0xF8, usual + b"\1a\xf8" + b"\xff" * 8 + regular[3:]),
        ("shared_past", 0xF8, varint(USUAL | flist.X_SAME_TIME | flist.X_SAME_NAME) + b"\x63\1a" + regular),
        ("twice", 0xF8, (usual + b"\1a" + regular) * 2),
    ):
        yield title, bytes((switches,)) + wire
