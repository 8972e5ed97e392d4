"""Entries of a file list: every flag, every set of preserved attributes, every dialect.

Input: a byte for the dialect, three for what is preserved, one for the list's
first index, one for how the rest is meant: wire bytes, or entries to encode.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from refsync.wire import compat, dialect, flist
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import Dialect
from refsync.wire.entry import CONTENT_DIR, HLINKED, IMPLIED_DIR, TOP_DIR, FileEntry
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import int32, varint
from refsync.wire.limits import MAX_PATH

from ..choices import Choices
from ..oracle import MORE, Outcome, check_decoder, drip, expect, same
from ..target import Surface

MODERN = compat.VARINT_FLIST_FLAGS | compat.SAFE_FLIST | compat.ID0_NAMES
VERSIONS = (
    (27, 0), (28, 0), (29, 0), (30, 0), (30, compat.SAFE_FLIST), (30, MODERN | compat.INC_RECURSE),
    (31, 0), (31, compat.INC_RECURSE), (31, MODERN), (32, MODERN | compat.INC_RECURSE), (32, MODERN), (32, 0),
)  # fmt: skip
DIALECTS = tuple(dialect.build(*version) for version in VERSIONS)
DIGESTS = (0, 16, 8, 1)
STARTS = (0, 1, 70)
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
#: What the decoder gives back on both sides of a re-encoding; flags only where they travel as such.
FIELDS = (
    "name", "mode", "size", "mtime", "nsec", "uid", "gid", "rdev_major", "rdev_minor", "link", "checksum",
    "atime", "crtime", "hlink",
)  # fmt: skip

SURFACE = Surface(
    priority=1,
    clauses=tuple(f"FLIST-{number}" for number in range(2, 15)),
    code=(
        "refsync.wire.flist",
        "refsync.wire.flist_decode",
        "refsync.wire.flist_usual",
        "refsync.wire.flist_encode",
        "refsync.wire.entry",
    ),
    oracle="ECTRBM",
    dictionary={
        **{name.lower(): varint(getattr(flist, name)) for name in dir(flist) if name.startswith("X_")},
        "io_error_end": (flist.X_EXTENDED | flist.X_IO_ERROR_END).to_bytes(2, "little"),
        "regular": (stat.S_IFREG | 0o644).to_bytes(4, "little"),
        "directory": (stat.S_IFDIR | 0o755).to_bytes(4, "little"),
        "symlink": (stat.S_IFLNK | 0o777).to_bytes(4, "little"),
        "device": (stat.S_IFBLK | 0o600).to_bytes(4, "little"),
        "nsec_most": varint(999_999_999),
        "path_most": varint(MAX_PATH - 1),
        "path_limit": varint(MAX_PATH),
        "longint": b"\xff\xff\xff\xff",
    },
    max_length=MAX_PATH + 600,
)


def _config(choices: Choices) -> tuple[Dialect, Preserve, int]:
    """Only what the options allow together: times of access and creation came late."""
    speech = choices.pick(DIALECTS)
    bits = choices.integer(2)
    extra = choices.byte()
    preserve = Preserve(
        links=bool(bits & 1),
        uid=bool(bits & 2),
        gid=bool(bits & 4),
        devices=bool(bits & 8),
        specials=bool(bits & 16),
        hard_links=bool(bits & 32),
        recurse=bool(bits & 64),
        relative=bool(bits & 128),
        atimes=bool(bits & 256) and speech.varints,
        crtimes=bool(bits & 512) and speech.flist_flags_varint,
        checksum_length=DIGESTS[extra & 3],
    )
    return speech, preserve, choices.pick(STARTS)


class _List:
    """A decoder with the list that it fills: what a link does for it."""

    def __init__(self, speech: Dialect, preserve: Preserve, start: int) -> None:
        self._decoder = FlistDecoder(speech, preserve)
        self._start = start
        self._entries: list[FileEntry] = []

    def decode(self, cursor: Cursor) -> tuple[object, ...]:
        value = self._decoder.decode(cursor, self._entries, self._start)
        if isinstance(value, EndOfList):
            self._entries = []  # the decoder's state lives on: the next list is a sub-list
            return ("end", value.io_error)
        self._entries.append(value)
        return value.value()


def _valid(value: tuple[object, ...], speech: Dialect) -> None:
    entry = FileEntry()
    for slot, field in zip(FileEntry.__slots__, value, strict=True):
        setattr(entry, slot, field)
    expect(len(entry.name) < MAX_PATH, f"a name of {len(entry.name)} bytes")
    if entry.link is not None:
        expect(len(entry.link) < MAX_PATH and b"\0" not in entry.link, f"the target {entry.link!r}")
    expect(entry.size >= 0 and 0 <= entry.nsec < 10**9, f"size {entry.size}, {entry.nsec} ns")
    expect(speech.protocol >= 31 or not entry.nsec, f"{entry.nsec} ns in protocol {speech.protocol}")
    expect(stat.S_IFMT(entry.mode) in KINDS and entry.mode >> 16 == 0, f"mode {entry.mode:o}")
    expect(0 <= entry.uid < 1 << 32 and 0 <= entry.gid < 1 << 32, "ids of more than 32 bits")
    expect(entry.hlink >= -1, f"hard link {entry.hlink}")


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces the same entries, each within its limits; a strict prefix wants more.

    A list that was decoded re-encodes to one that decodes to the same
    entries; so does one that was made up. A name of few bytes can't take
    more than 255 of the one before it.
    """
    choices = Choices(data)
    speech, preserve, start = _config(choices)
    made_up = choices.byte()
    rest = choices.rest()
    if made_up & 1:
        _made_up(Choices(rest), speech, preserve, start)
        return
    check_decoder(lambda: _List(speech, preserve, start).decode, rest)
    values, end = drip(_List(speech, preserve, start).decode, rest, [])
    pieces = [1 + made_up // 8, 1] if len(rest) < 300 else [200 + made_up]
    same(drip(_List(speech, preserve, start).decode, rest, pieces), (values, end), "in pieces")
    for value in values:
        if value[0] != "end":
            _valid(value, speech)
    at = FileEntry.__slots__.index("name")
    total = len(b"".join(value[at] for value in values if value[0] != "end"))  # type: ignore[misc]
    expect(total <= 256 * len(rest), f"{total} bytes of names from {len(rest)}")
    _first_list_again(rest, speech, preserve, start)


def _first_list_again(wire: bytes, speech: Dialect, preserve: Preserve, start: int) -> None:
    entries, end = _decode_one(wire, speech, preserve, start)
    if not isinstance(end, EndOfList) or not _links_are_whole(entries, preserve, speech, start):
        return
    again, io_error = _decode_one(
        _encode(entries, end.io_error, speech, preserve, start), speech, preserve, start
    )
    same(io_error, end if speech.safe_flist else EndOfList(), "the end, encoded again")
    _compare(entries, again, speech, preserve)


def _decode_one(
    wire: bytes, speech: Dialect, preserve: Preserve, start: int
) -> tuple[list[FileEntry], EndOfList | Outcome]:
    decoder, entries = FlistDecoder(speech, preserve), list[FileEntry]()
    cursor = Cursor(wire)

    def one(cursor: Cursor) -> bool:
        value = decoder.decode(cursor, entries, start)
        if isinstance(value, EndOfList):
            ends.append(value)
            raise _Ended
        entries.append(value)
        return True

    ends: list[EndOfList] = []
    try:
        _, outcome = drip(one, bytes(cursor.data), [])
    except _Ended:
        return entries, ends[0]
    return entries, outcome


class _Ended(Exception):
    """The list has come to its end."""


def _links_are_whole(entries: list[FileEntry], preserve: Preserve, speech: Dialect, start: int) -> bool:
    """True if each hard link leads to an entry of the list that says it is the first of its group.

    A peer may send others; they decode, but a sender has no files that are so.
    """
    if not preserve.hard_links or not speech.hard_links_by_index:
        return True
    for entry in entries:
        if entry.flags & HLINKED and not (
            entry.hlink >= start and entries[entry.hlink - start].hlink == entry.hlink
        ):
            return False
    return True


def _encode(
    entries: list[FileEntry], io_error: int, speech: Dialect, preserve: Preserve, start: int
) -> bytes:
    encoder = FlistEncoder(speech, preserve)
    out = b""
    for number, entry in enumerate(entries):
        if entry.flags & HLINKED:
            entry.dev, entry.ino = 1, entry.hlink
        out += encoder.encode(entry, start + number, start)
    return out + encoder.encode_end(io_error)


def _compare(sent: list[FileEntry], came: list[FileEntry], speech: Dialect, preserve: Preserve) -> None:
    same(len(came), len(sent), "entries")
    for one, other in zip(sent, came, strict=True):
        for field in FIELDS:
            if field == "hlink" and not preserve.hard_links:
                continue
            same(getattr(other, field), getattr(one, field), f"{field} of {one!r}, encoded again")
        if speech.varints and one.is_dir:
            mask = TOP_DIR | CONTENT_DIR | IMPLIED_DIR
            same(other.flags & mask, one.flags & mask, f"flags of {one!r}")


def _made_up(choices: Choices, speech: Dialect, preserve: Preserve, start: int) -> None:
    entries: list[FileEntry] = []
    leaders: dict[tuple[int, int], FileEntry] = {}
    name = b"n"
    while choices and len(entries) < 30:
        kind = choices.pick(KINDS)
        bits = choices.byte()
        name = name[: choices.byte()] + choices.text().replace(b"\0", b"/") * (16 if bits == 255 else 1)
        name = name[: MAX_PATH - 1] or b"."
        entry = FileEntry(name, kind | choices.integer(2) & 0o7777)
        entry.size = (
            choices.integer(1 + bits % 7) if kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK) else 0
        )
        entry.mtime = choices.integer(4)
        if speech.varints and bits & 1:
            entry.mtime = choices.integer(8, signed=True)
        entry.nsec = choices.integer(4) % 10**9 if bits & 2 and speech.nanoseconds else 0
        entry.uid = choices.integer(1 + bits % 4) if preserve.uid else 0
        entry.gid = choices.integer(1 + bits % 4) if preserve.gid else 0
        if bits & 4:
            entry.uname, entry.gname = choices.text(), b"group"
        if kind in flist.DEVICES and preserve.devices:
            entry.rdev_major, entry.rdev_minor = choices.integer(2), choices.integer(3)
            if not speech.rdev_split:
                entry.rdev_major, entry.rdev_minor = entry.rdev_major & 0xFFF, entry.rdev_minor & 0xFFFFF
        if kind == stat.S_IFLNK and preserve.links:
            entry.link = choices.text().replace(b"\0", b"0")
        if kind == stat.S_IFREG and preserve.checksum_length:
            entry.checksum = choices.take(preserve.checksum_length).ljust(preserve.checksum_length, b"\1")
        if preserve.atimes and kind != stat.S_IFDIR:
            entry.atime = choices.integer(5, signed=True)
        if preserve.crtimes:
            entry.crtime = choices.integer(5, signed=True) if bits & 8 else entry.mtime
        if kind == stat.S_IFDIR:
            entry.flags = (CONTENT_DIR, CONTENT_DIR | TOP_DIR, IMPLIED_DIR, 0)[bits >> 4 & 3]
        elif preserve.hard_links and (bits & 0x40 if speech.extended_flags else kind == stat.S_IFREG):
            _link(entry, choices, leaders, len(entries) + start, speech)
        entries.append(entry)
    encoder = FlistEncoder(speech, preserve)
    wire = b"".join(encoder.encode(entry, start + at, start) for at, entry in enumerate(entries))
    wire += encoder.encode_end(5)
    came, end = _decode_one(wire, speech, preserve, start)
    same(end, EndOfList(5 if speech.safe_flist else 0), "the end of a made-up list")
    for entry in entries:
        entry.hlink = -1 if entry.ino < 0 else leaders[entry.dev, entry.ino].hlink
    _compare(entries, came, speech, preserve)
    for value in came:
        _valid(value.value(), speech)
    same(_decode_one(wire[:-1], speech, preserve, start)[1] == MORE, True, "a list without its last byte")


def _link(
    entry: FileEntry,
    choices: Choices,
    leaders: dict[tuple[int, int], FileEntry],
    ndx: int,
    speech: Dialect,
) -> None:
    """Give the entry an inode; one that had it before lends all its attributes, as files do."""
    entry.dev, entry.ino = choices.byte() % 3, choices.byte() % 8
    leader = leaders.setdefault((entry.dev, entry.ino), entry)
    if leader is entry:
        entry.hlink = ndx if speech.hard_links_by_index else len(leaders) - 1
        return
    for slot in FIELDS:
        if slot not in ("name", "hlink"):
            setattr(entry, slot, getattr(leader, slot))


def seeds() -> Iterator[tuple[str, bytes]]:
    """A small tree in every dialect with all attributes and with none, limits, made-up lists."""
    for number, (protocol, flags) in enumerate(VERSIONS):
        for bits in (0, 0x7F, 0x3FF):
            head = bytes((number, bits & 0xFF, bits >> 8, 1 if bits else 0, 1, 0))
            speech, preserve, start = _config(Choices(head))
            encoder = FlistEncoder(speech, preserve)
            wire = b"".join(
                encoder.encode(entry, start + at, start) for at, entry in enumerate(_tree(preserve))
            )
            yield f"tree.{protocol}.{flags:x}.{bits:x}", head + wire + encoder.encode_end(1)
        yield f"made_up.{protocol}.{flags:x}", bytes((number, 0xFF, 3, 1, 0, 1)) + bytes(range(1, 120))
    modern = bytes((9, 0xFF, 3, 0, 1, 0))
    yield "name_limit", modern + varint(flist.X_LONG_NAME) + varint(MAX_PATH) + b"x"
    yield "link_out_of_range", modern + varint(flist.X_HLINKED) + b"\1a" + varint(99)
    yield "link_to_itself", modern + varint(flist.X_HLINKED) + b"\1a" + varint(1)
    yield "name_shared_limit", bytes(6) + (
        b"\1\xff" + b"n" * 255 + bytes(8) + b"\xa4\x81\0\0"
        + bytes((flist.X_SAME_NAME | flist.X_LONG_NAME, 255))
        + int32(4000) + b"m" * 4000 + bytes(8) + b"\xa4\x81\0\0\0"
    )  # fmt: skip
    yield (
        "target_limit",
        bytes((0, 1, 0, 0, 0, 0)) + b"\1\1l" + bytes(8) + b"\xff\xa1\0\0" + int32(4096) + b"t" * 4096,
    )
    early = flist.X_EXTENDED | flist.X_MOD_NSEC | flist.X_SAME_TIME | flist.X_SAME_MODE
    yield "early_nsec", bytes((3, 0, 0, 0, 0, 0)) + (
        b"\1\1a" + bytes(3) + bytes(4) + b"\xa4\x81\0\0"
        + early.to_bytes(2, "little") + b"\1b" + bytes(3) + b"\x11\1c"
    )  # fmt: skip
    for number in (0, 1, 3, 10):
        yield f"devices.{VERSIONS[number][0]}", _devices(number)
    yield "no_type", bytes((6, 0, 0, 0, 0, 0)) + b"\x01\1a" + bytes(3) + bytes(4) + bytes(4)
    yield "negative_size", bytes((0, 0, 0, 0, 0, 0)) + b"\x01\1a" + b"\xff" * 12 + bytes(4) + b"\xa4\x81\0\0"


def _devices(number: int) -> bytes:
    """Devices with a file between them, names that share their start: short, so it is cut everywhere."""
    head = bytes((number, 0x1F, 0, 0, 1, 0))
    speech, preserve, start = _config(Choices(head))
    entries = [FileEntry(b"dev/%d" % at, stat.S_IFCHR | 0o600, 0, 5) for at in range(5)]
    for at, entry in enumerate(entries):
        entry.rdev_major, entry.rdev_minor = 1, 3 + at // 3
    entries[2].mode = stat.S_IFREG | 0o644
    entries[2].rdev_major = entries[2].rdev_minor = 0
    entries[3].rdev_minor = 3
    encoder = FlistEncoder(speech, preserve)
    wire = b"".join(encoder.encode(entry, start + at, start) for at, entry in enumerate(entries))
    return head + wire + encoder.encode_end(0)


def _tree(preserve: Preserve) -> list[FileEntry]:
    top = FileEntry(b".", stat.S_IFDIR | 0o755, 4096, 1_700_000_000)
    top.flags = TOP_DIR | CONTENT_DIR
    file = FileEntry(b"file", stat.S_IFREG | 0o644, 5, 1_700_000_001)
    file.nsec, file.uid, file.gid, file.uname, file.gname = 7, 1000, 100, b"user", b"users"
    file.checksum, file.dev, file.ino = b"\2" * 16, 2, 9
    same_file = FileEntry(b"file2", file.mode, 5, file.mtime)
    for slot in ("nsec", "uid", "gid", "checksum", "dev", "ino"):
        setattr(same_file, slot, getattr(file, slot))
    link = FileEntry(b"link", stat.S_IFLNK | 0o777, 0, 1_600_000_000)
    link.link = b"file"
    device = FileEntry(b"null", stat.S_IFCHR | 0o666, 0, 5)
    device.rdev_major, device.rdev_minor = 1, 300
    pipe = FileEntry(b"pipe", stat.S_IFIFO | 0o600, 0, 5)
    sub = FileEntry(b"sub", stat.S_IFDIR | 0o700, 0, 1 << 31)
    sub.flags = CONTENT_DIR
    deep = FileEntry(b"sub/" + b"d" * 300, stat.S_IFREG | 0o600, 1 << 33, 1 << 31)
    deep.checksum, deep.dev, deep.ino = b"\3" * 16, 2, 10
    for entry in (top, file, link, device, pipe, sub, deep):
        entry.checksum = entry.checksum and entry.checksum[: preserve.checksum_length]
    return [top, file, same_file, link, device, pipe, sub, deep]
