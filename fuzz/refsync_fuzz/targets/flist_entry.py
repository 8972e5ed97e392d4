"""Entries of a file list: every flag, every set of preserved attributes, every dialect.

Input: a byte for the dialect, three for what is preserved, one for the list's
first index, one for how the rest is meant: wire bytes, or entries to encode.
"""

from __future__ import annotations

import stat
from operator import attrgetter

from refsync.wire import acl, flist, flist_usual, xattr
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import Dialect
from refsync.wire.entry import CONTENT_DIR, HLINKED, IMPLIED_DIR, TOP_DIR, FileEntry
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import varint
from refsync.wire.limits import MAX_PATH

from ..choices import Choices
from ..oracle import MORE, Outcome, Violation, check_decoder, drip, expect, same
from ..target import Surface
from ._flist_inputs import KINDS, config
from ._flist_inputs import seeds as seeds

#: What the decoder gives back on both sides of a re-encoding; flags only where they travel as such.
FIELDS = (
    "name", "mode", "size", "mtime", "nsec", "uid", "gid", "rdev_major", "rdev_minor", "link", "checksum",
    "atime", "crtime", "hlink",
)  # fmt: skip

SURFACE = Surface(
    priority=1,
    clauses=(*(f"FLIST-{number}" for number in range(2, 15)), "ACL-1", "XATTR-1"),
    code=(
        "refsync.wire.flist",
        "refsync.wire.flist_decode",
        "refsync.wire.flist_usual",
        "refsync.wire.flist_encode",
        "refsync.wire.entry",
        "refsync.wire.attached",
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
    slow="an input holds some ten entries, which are read five ways and written anew",
)


class _List:
    """A decoder with the list that it fills: what a link does for it."""

    def __init__(self, speech: Dialect, preserve: Preserve, start: int, *, usual: bool = True) -> None:
        self._decoder = FlistDecoder(speech, preserve)
        self._decoder._usual &= usual
        self._start = start
        self._entries: list[FileEntry] = []

    def decode(self, cursor: Cursor) -> tuple[object, ...]:
        value = self._decoder.decode(cursor, self._entries, self._start)
        if isinstance(value, EndOfList):
            self._entries = []  # the decoder's state lives on: the next list is a sub-list
            return ("end", value.io_error)
        self._entries.append(value)
        return _plain(value)


def _plain(entry: FileEntry) -> tuple[object, ...]:
    """All fields; attributes as what they hold, since they are compared by identity."""
    if entry.xattrs is None:
        return entry.value()
    held = tuple((one.name, one.size, one.value, one.digest, one.number) for one in entry.xattrs)
    return tuple(held if slot == "xattrs" else getattr(entry, slot) for slot in FileEntry.__slots__)


def _valid(value: tuple[object, ...], speech: Dialect, missing: bool) -> None:
    entry = FileEntry()
    for slot, field in zip(FileEntry.__slots__, value, strict=True):
        setattr(entry, slot, field)
    expect(len(entry.name) < MAX_PATH, f"a name of {len(entry.name)} bytes")
    if entry.link is not None:
        expect(len(entry.link) < MAX_PATH and b"\0" not in entry.link, f"the target {entry.link!r}")
    expect(entry.size >= 0 and 0 <= entry.nsec < 10**9, f"size {entry.size}, {entry.nsec} ns")
    expect(speech.protocol >= 31 or not entry.nsec, f"{entry.nsec} ns in protocol {speech.protocol}")
    if entry.mode or not missing:
        expect(stat.S_IFMT(entry.mode) in KINDS and entry.mode >> 16 == 0, f"mode {entry.mode:o}")
    expect(0 <= entry.uid < 1 << 32 and 0 <= entry.gid < 1 << 32, "ids of more than 32 bits")
    expect(entry.hlink >= -1, f"hard link {entry.hlink}")


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces the same entries, each within its limits; a strict prefix wants more.

    A list that was decoded re-encodes to one that decodes to the same
    entries; so does one that was made up. The short way of a usual entry gives
    what the general one gives, and takes the same bytes. A name of few bytes can't take
    more than 255 of the one before it.
    """
    choices = Choices(data)
    speech, preserve, start = config(choices)
    made_up = choices.byte()
    rest = choices.rest()
    if made_up & 1:
        entries = _made_up(Choices(rest), speech, preserve, start)
        if speech.inc_recurse:
            _in_two_lists(entries, speech, preserve, start)
        return
    check_decoder(lambda: _List(speech, preserve, start).decode, rest)
    values, end = drip(_List(speech, preserve, start).decode, rest, [])
    # entries are read anew for each piece, so only some come byte by byte
    pieces = [1 + made_up // 8, *[1] * 20, 7 + len(rest) // 8] if len(rest) < 300 else [200 + made_up]
    same(drip(_List(speech, preserve, start).decode, rest, pieces), (values, end), "in pieces")
    if flist_usual.serves(speech, preserve):
        general = _List(speech, preserve, start, usual=False)
        same(drip(general.decode, rest, []), (values, end), "without the short way")
    for value in values:
        if value[0] != "end":
            _valid(value, speech, preserve.missing_args)
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


_fields = attrgetter(*FIELDS)


def _compare(sent: list[FileEntry], came: list[FileEntry], speech: Dialect, preserve: Preserve) -> None:
    same(len(came), len(sent), "entries")
    for one, other in zip(sent, came, strict=True):
        if _fields(one) != _fields(other):  # which of them, and in which words, only where it matters
            for field in FIELDS:
                if field != "hlink" or preserve.hard_links:
                    same(getattr(other, field), getattr(one, field), f"{field} of {one!r}, encoded again")
        if preserve.acls and not one.is_link:
            wanted, got = (
                acl.stripped(each.acl or acl.of_mode(each.mode), one.mode) for each in (one, other)
            )
            same(got.key, wanted.key, f"access to {one!r}, encoded again")
        if preserve.acls and one.is_dir:
            default = acl.with_mask(one.default_acl or acl.EMPTY, acl.DEFAULT, 0)
            same((other.default_acl or acl.EMPTY).key, default.key, f"default of {one!r}, encoded again")
        if preserve.xattrs:
            same(xattr.key(other.xattrs or []), xattr.key(one.xattrs or []), f"attributes of {one!r}")
        if speech.varints and one.is_dir:
            mask = TOP_DIR | CONTENT_DIR | IMPLIED_DIR
            same(other.flags & mask, one.flags & mask, f"flags of {one!r}")


def _made_up(choices: Choices, speech: Dialect, preserve: Preserve, start: int) -> list[FileEntry]:
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
        _attach(entry, choices, preserve)
        if kind == stat.S_IFDIR:
            entry.flags = (CONTENT_DIR, CONTENT_DIR | TOP_DIR, IMPLIED_DIR, 0)[bits >> 4 & 3]
        elif preserve.hard_links and (bits & 0x40 if speech.extended_flags else kind == stat.S_IFREG):
            _link(entry, choices, leaders, len(entries) + start, speech)
        entries.append(entry)
    encoder = FlistEncoder(speech, preserve)
    wire = b"".join(encoder.encode(entry, start + at, start) for at, entry in enumerate(entries))
    wire += encoder.encode_end(5)
    if flist_usual.serves(speech, preserve):
        general = FlistEncoder(speech, preserve)
        general._usual = False
        plain = b"".join(general.encode(entry, start + at, start) for at, entry in enumerate(entries))
        same(wire, plain + general.encode_end(5), "the short way to encode")
    came, end = _decode_one(wire, speech, preserve, start)
    same(end, EndOfList(5 if speech.safe_flist else 0), "the end of a made-up list")
    for entry in entries:
        entry.hlink = -1 if entry.ino < 0 else leaders[entry.dev, entry.ino].hlink
    _compare(entries, came, speech, preserve)
    for value in came:
        _valid(value.value(), speech, False)
    same(_decode_one(wire[:-1], speech, preserve, start)[1] == MORE, True, "a list without its last byte")
    return entries


def _in_two_lists(entries: list[FileEntry], speech: Dialect, preserve: Preserve, start: int) -> None:
    """The same entries as a list and a sub-list: a link into the first list is not left short (FLIST-12)."""
    half = (len(entries) + 1) // 2
    encoder, decoder = FlistEncoder(speech, preserve), FlistDecoder(speech, preserve)
    came: list[FileEntry] = []
    for first, part in ((start, entries[:half]), (start + half, entries[half:])):
        wire = b"".join(encoder.encode(entry, first + at, first) for at, entry in enumerate(part))
        cursor, own = Cursor(wire), list[FileEntry]()
        while cursor.pos < len(wire):
            value = decoder.decode(cursor, own, first)
            if isinstance(value, EndOfList):
                raise Violation("an entry was taken for the end of a list")
            own.append(value)
        came += own
    _compare(entries, came, speech, preserve)


def _attach(entry: FileEntry, choices: Choices, preserve: Preserve) -> None:
    """Lists of its own, which later entries share if they are the same."""
    if preserve.acls and (bits := choices.byte()):
        names = tuple(
            acl.Named(number, bits & 7, bool(number & 1), b"n%d" % number) for number in range(bits >> 6)
        )
        mask = bits & 7 if names or bits & 8 else acl.NO_ENTRY
        entry.acl = acl.Acl(entry.mode >> 6 & 7, bits >> 3 & 7, mask, entry.mode & 7, names)
        if entry.is_dir and bits & 0x10:
            entry.default_acl = acl.Acl(7, 5, acl.NO_ENTRY, bits & 7, names)
    if preserve.xattrs:
        values = [choices.take(choices.byte() % 40) for _ in range(choices.byte() % 3)]
        entry.xattrs = [
            xattr.make(b"user.%d" % at, value, lambda value: value[:16], at)
            for at, value in enumerate(values, 1)
        ]


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
    entry.acl, entry.default_acl, entry.xattrs = leader.acl, leader.default_acl, leader.xattrs
