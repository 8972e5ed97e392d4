"""What the inputs of ``flist_entry`` begin with, and its seeds.

Four bytes choose the dialect and what is preserved, one the list's first index.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from refsync.wire import compat, dialect, flist
from refsync.wire.dialect import Dialect
from refsync.wire.entry import CONTENT_DIR, TOP_DIR, FileEntry
from refsync.wire.flist import Preserve
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import int32, varint
from refsync.wire.limits import MAX_PATH

from ..choices import Choices

MODERN = compat.VARINT_FLIST_FLAGS | compat.SAFE_FLIST | compat.ID0_NAMES
VERSIONS = (
    (27, 0), (28, 0), (29, 0), (30, 0), (30, compat.SAFE_FLIST), (30, MODERN | compat.INC_RECURSE),
    (31, 0), (31, compat.INC_RECURSE), (31, MODERN), (32, MODERN | compat.INC_RECURSE), (32, MODERN), (32, 0),
)  # fmt: skip
DIALECTS = tuple(dialect.build(*version) for version in VERSIONS)
DIGESTS = (0, 16, 8, 1)
STARTS = (0, 1, 70)
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


def config(choices: Choices) -> tuple[Dialect, Preserve, int]:
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
        acls=bool(extra & 4) and speech.varints,
        xattrs=bool(extra & 8) and speech.varints,
        missing_args=bool(extra & 16),
    )
    return speech, preserve, choices.pick(STARTS)


def seeds() -> Iterator[tuple[str, bytes]]:
    """A small tree in every dialect with all attributes and with none, limits, made-up lists."""
    for number, (protocol, flags) in enumerate(VERSIONS):
        for bits in (0, 0x7F, 0x3FF):
            head = bytes((number, bits & 0xFF, bits >> 8, 1 if bits else 0, 1, 0))
            speech, preserve, start = config(Choices(head))
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
    for number in (5, 6, 8, 9, 10):
        yield (
            f"attached.{VERSIONS[number][0]}.{VERSIONS[number][1]:x}",
            (bytes((number, 0x20, 0, 0x0C, 1, 1)) + _attached_entries()),
        )
        yield f"usual.{VERSIONS[number][0]}.{VERSIONS[number][1]:x}", _usual_entries(number)
    yield from _usual_edges()
    relative = bytes((2, 0xC0, 0, 0, 0, 0))
    directory = bytes(3) + bytes(4) + b"\xed\x41\0\0"
    yield "relative_dot", relative + b"\1\4ab/." + bytes(1) + directory + b"\x42\4\2/c\0\0\0\0\2\1d\0"
    yield "missing_arg", bytes((10, 0, 0, 16, 0, 0)) + varint(1) + b"\1a" + bytes(11) + b"\0"
    yield "linked_directory", bytes((10, 0x20, 0, 0, 0, 0)) + (
        varint(flist.X_HLINKED | flist.X_HLINK_FIRST) + b"\1d" + bytes(3) + bytes(4) + b"\xed\x41\0\0"
        + varint(flist.X_HLINKED) + b"\1e\0\0\0"
    )  # fmt: skip
    for number in (0, 1, 3, 10):
        yield f"devices.{VERSIONS[number][0]}", _devices(number)
    yield "no_type", bytes((6, 0, 0, 0, 0, 0)) + b"\x01\1a" + bytes(3) + bytes(4) + bytes(4)
    yield "negative_size", bytes((0, 0, 0, 0, 0, 0)) + b"\x01\1a" + b"\xff" * 12 + bytes(4) + b"\xa4\x81\0\0"


def _attached_entries() -> bytes:
    """For ``_made_up``: files and directories with lists, some of them the same; names of one inode."""
    parts = []
    for at, kind in enumerate((0, 1, 2, 0, 0, 0, 1)):
        linked = kind == 0 and at != 3
        parts.append(bytes((kind, 0x70 * linked, 0, 1, 0x61 + at, 0xA4, 1, at, 1, 2, 3, 4)))
        parts.append(bytes((0xD6 - 8 * (at % 3), 2, 3, 1, 2, 3, 35)) + bytes(35))
        parts.append(bytes((1, 7)) if linked else b"")
    return b"".join(parts)


def _usual_entries(number: int) -> bytes:
    """Regular files that differ in little: what the short way is for, and what it must leave alone."""
    head = bytes((number, 0x06, 0, 0, 0, 0))
    speech, preserve, start = config(Choices(head))
    encoder = FlistEncoder(speech, preserve)
    entries = [FileEntry(b"d/file%d" % at, stat.S_IFREG | 0o644, at, 1_700_000_000 + at) for at in range(4)]
    for at, nsec in enumerate((0, 7, 0x300000, 999_999_999)):
        entries.append(FileEntry(b"d/nsec%d" % at, stat.S_IFREG | 0o644, 1 << 22, 1_700_000_000 + at))
        entries[-1].nsec = nsec
    for name, size, mtime in (
        (b"d/large", 0x800000, 5), (b"d/old", 1, -1), (b"d/late", 1, 1 << 31), (b"e" * 256, 1, 5),
        (b"e" * 255, 1, 5), (b"d/huge", 1 << 40, 5), (b"d", 1, 5), (b"d/x", 1, 5), (b"f", 1, 5),
    ):  # fmt: skip
        entries.append(FileEntry(name, stat.S_IFREG | 0o644, size, mtime))
    entries.append(FileEntry(b"d/ids", stat.S_IFREG | 0o644, 1, 5))
    entries[-1].uid = 7
    wire = b"".join(encoder.encode(entry, at, start) for at, entry in enumerate(entries))
    return head + wire + encoder.encode_end(0)


def _usual_edges() -> Iterator[tuple[str, bytes]]:
    """What only a strange sender makes of the usual form: flags in long, wrong nanoseconds, long numbers."""
    speech, preserve, start = config(Choices(head := bytes((10, 0, 0, 0, 0, 0))))
    first = FlistEncoder(speech, preserve).encode(FileEntry(b"a", stat.S_IFREG | 0o644, 1, 5), 0, start)
    usual = flist.X_SAME_MODE | flist.X_SAME_UID | flist.X_SAME_GID
    nsec = usual | flist.X_MOD_NSEC | flist.X_SAME_TIME
    for name, wire in (
        ("flags_3", b"\xc0" + usual.to_bytes(2, "little") + b"\1b" + bytes(7)),
        ("flags_4", b"\xe0" + usual.to_bytes(3, "little") + b"\1b" + bytes(7)),
        ("long_size", varint(usual) + b"\1b\x80\0\0\0" + bytes(4)),
        ("long_time", varint(usual) + b"\1b\0\0\0\x80\0\0\0\1"),
        ("nsec_short", varint(nsec) + b"\1b\0\0\0\x05"),
        ("nsec_long", varint(nsec) + b"\1b\0\0\0\xf0\1\2\3\4"),
        ("nsec_most", varint(nsec) + b"\1b\0\0\0" + varint(999_999_999)),
        ("nsec_past", varint(nsec) + b"\1b\0\0\0" + varint(1_000_000_000)),
    ):
        yield f"usual_{name}", head + first + wire + bytes(300)


def _devices(number: int) -> bytes:
    """Devices with a file between them, names that share their start: short, so it is cut everywhere."""
    head = bytes((number, 0x1F, 0, 0, 1, 0))
    speech, preserve, start = config(Choices(head))
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
