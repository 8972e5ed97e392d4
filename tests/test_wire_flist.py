"""File list entries: what is encoded is decoded, in every dialect, however the bytes are cut."""

from __future__ import annotations

import stat

from hypothesis import given
from hypothesis import strategies as st
from refsync.wire import compat, dialect
from refsync.wire.cursor import Cursor
from refsync.wire.entry import CONTENT_DIR, FileEntry
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder

MODERN = compat.INC_RECURSE | compat.VARINT_FLIST_FLAGS | compat.SAFE_FLIST
names = st.lists(
    st.binary(min_size=1, max_size=9).filter(lambda b: b"/" not in b and b"\0" not in b),
    min_size=1,
    max_size=4,
).map(b"/".join)


@st.composite
def entries(draw: st.DrawFn) -> FileEntry:
    kind = draw(
        st.sampled_from(
            [
                stat.S_IFREG,
                stat.S_IFDIR,
                stat.S_IFLNK,
                stat.S_IFCHR,
                stat.S_IFBLK,
                stat.S_IFIFO,
                stat.S_IFSOCK,
            ]
        )
    )
    entry = FileEntry(draw(names), kind | draw(st.integers(0, 0o7777)))
    entry.size = draw(st.integers(0, 1 << 50)) if kind in (stat.S_IFREG, stat.S_IFDIR) else 0
    entry.mtime = draw(st.integers(0, 0xFFFFFFFF))
    entry.nsec = draw(st.sampled_from([0, 0, 1, 999_999_999]))
    entry.uid, entry.gid = draw(st.integers(0, 0xFFFFFFFF)), draw(st.integers(0, 5))
    if kind == stat.S_IFLNK:
        entry.link = draw(st.binary(min_size=1, max_size=300).filter(lambda target: b"\0" not in target))
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry.rdev_major, entry.rdev_minor = draw(st.integers(0, 4095)), draw(st.integers(0, 0xFFFFF))
    if kind == stat.S_IFDIR:
        entry.flags = CONTENT_DIR
    elif draw(st.booleans()):
        entry.dev, entry.ino = 5, draw(st.integers(1, 4))
    if kind == stat.S_IFREG:
        entry.checksum = b"0123456789abcdef"
    return entry


@given(
    st.lists(entries(), max_size=12),
    st.sampled_from([(27, 0), (28, 0), (29, 0), (30, 0), (30, MODERN), (31, 0), (32, MODERN)]),
    st.booleans(),
)
def test_round_trip(items: list[FileEntry], version: tuple[int, int], hard_links: bool) -> None:
    speech = dialect.build(*version)
    preserve = Preserve(
        links=True,
        uid=True,
        gid=True,
        devices=True,
        specials=True,
        hard_links=hard_links,
        recurse=True,
        checksum_length=16,
    )
    if not speech.rdev_split:
        for item in items:  # a device number of 32 bits is all that version 27 can carry
            item.rdev_major, item.rdev_minor = item.rdev_major & 0xFF, item.rdev_minor & 0xFF
            if item.is_reg and hard_links and item.ino < 0:
                item.dev, item.ino = 7, id(item)  # version 27 sends the inode of every regular file
            elif not item.is_reg:
                item.dev = item.ino = -1
    if not speech.hard_links_by_index or not hard_links:
        pass
    else:  # names of one inode are the same file
        first: dict[int, FileEntry] = {}
        for item in items:
            if item.ino >= 0:
                leader = first.setdefault(item.ino, item)
                for slot in (
                    "mode",
                    "size",
                    "mtime",
                    "nsec",
                    "uid",
                    "gid",
                    "rdev_major",
                    "rdev_minor",
                    "link",
                    "checksum",
                ):
                    setattr(item, slot, getattr(leader, slot))
    encoder, decoder = FlistEncoder(speech, preserve), FlistDecoder(speech, preserve)
    data = b"".join(
        encoder.encode(item, number + 1, 1) for number, item in enumerate(items)
    ) + encoder.encode_end(3)
    cursor = Cursor(bytearray())
    got: list[FileEntry] = []
    end = None
    for byte in data:
        assert end is None
        cursor.data.append(byte)  # type: ignore[union-attr]
        before = cursor.pos
        try:
            value = decoder.decode(cursor, got, 1)
        except NeedMoreData:
            assert cursor.pos == before
            continue
        if isinstance(value, EndOfList):
            end = value
        else:
            got.append(value)
    assert end == EndOfList(3 if speech.safe_flist else 0)
    for sent, came in zip(items, got, strict=True):
        assert (came.name, came.mode, came.mtime, came.uid, came.gid) == (
            sent.name, sent.mode, sent.mtime, sent.uid, sent.gid,
        )  # fmt: skip
        assert came.size == sent.size
        assert came.nsec == (sent.nsec if speech.nanoseconds else 0)
        assert came.link == sent.link
        assert (came.rdev_major, came.rdev_minor) == (sent.rdev_major, sent.rdev_minor)
        assert came.checksum == sent.checksum
    if hard_links and (speech.hard_links_by_index or speech.extended_flags):
        for a, came_a in zip(items, got, strict=True):
            for b, came_b in zip(items, got, strict=True):
                if a.ino >= 0 and b.ino >= 0:
                    assert (a.ino == b.ino) == (came_a.hlink == came_b.hlink)


@st.composite
def long_lists(draw: st.DrawFn) -> list[FileEntry]:
    """Mostly files in the same few directories, with what a list of a tree has in between."""
    found = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from([b"a/", b"a/b/", b"a/" + b"x" * 250 + b"/", b""])) + draw(names)
        entry = FileEntry(name, draw(st.sampled_from([0o100644, 0o100644, 0o100755, 0o40755])))
        entry.size = draw(st.one_of(st.integers(0, 100), st.integers(0x7FFFF0, 0x800010), st.just(1 << 40)))
        entry.mtime = draw(st.sampled_from([5, 5, 1_600_000_000, 0x7FFFFFFF, 0x80000000, -1]))
        entry.nsec = draw(st.one_of(st.just(0), st.integers(0, 999_999_999), st.integers(0x1FFFF0, 0x200010)))
        entry.uid, entry.gid = draw(st.sampled_from([0, 0, 1000])), draw(st.sampled_from([0, 0, 7]))
        found.append(entry)
    return found


@given(long_lists(), st.booleans(), st.booleans())
def test_the_usual_form_is_what_the_general_codec_says(found: list[FileEntry], uid: bool, gid: bool) -> None:
    speech, preserve = dialect.build(32, MODERN), Preserve(uid=uid, gid=gid)
    encoder, general = FlistEncoder(speech, preserve), FlistEncoder(speech, preserve)
    general._usual = False
    wire = b""
    for number, entry in enumerate(found):
        piece = encoder.encode(entry, number, 0)
        assert piece == general.encode(entry, number, 0)
        wire += piece
    decoder, slow = FlistDecoder(speech, preserve), FlistDecoder(speech, preserve)
    slow._usual = False
    for data in (wire, wire + bytes(300)):  # with and without room behind the last one
        fast_at, slow_at = Cursor(data), Cursor(data)
        for _ in found:
            assert decoder.decode(fast_at, [], 0).value() == slow.decode(slow_at, [], 0).value()  # type: ignore[union-attr]
            assert fast_at.pos == slow_at.pos
        decoder, slow = FlistDecoder(speech, preserve), FlistDecoder(speech, preserve)
        slow._usual = False


@given(st.binary(max_size=40), st.binary(min_size=300, max_size=300))
def test_any_bytes_mean_the_same_to_both_decoders(start: bytes, rest: bytes) -> None:
    first = FlistEncoder(dialect.build(32, MODERN), Preserve(uid=True)).encode(
        FileEntry(b"a/b", 0o100644), 0, 0
    )
    ends = []
    for usual in (True, False):
        decoder, cursor = (
            FlistDecoder(dialect.build(32, MODERN), Preserve(uid=True)),
            Cursor(first + start + rest),
        )
        decoder._usual = usual
        decoder.decode(cursor, [], 0)
        seen: list[object] = []
        try:
            while len(seen) < 20:
                entry = decoder.decode(cursor, [], 0)
                seen.append((entry.value() if isinstance(entry, FileEntry) else entry, cursor.pos))
        except (NeedMoreData, ProtocolError) as error:
            seen.append(str(error))
        ends.append(seen)
    assert ends[0] == ends[1]
