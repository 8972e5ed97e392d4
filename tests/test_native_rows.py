"""Rows in the C kernel do what the general code does for each entry, or leave it to that."""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.delta.checksums import Checksums
from refsync.engine.rowlist import RowList
from refsync.files.ids import IdNames
from refsync.files.scan import stat_entry
from refsync.options.model import Options
from refsync.wire import dialect, order
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.flist import Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder

if not native.HAVE_BULK:
    pytest.skip("the C kernel is missing", allow_module_level=True)

from refsync.native.rows import Rows, Rules, State
from refsync.records import replace

DIALECT = dialect.build(32, 0x1FF)
NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not {0, 47} & set(name) and name not in (b".", b"..")
)
FILES = st.builds(
    lambda name, mode, size, mtime, nsec: (name, 0o100000 | mode, size, mtime, nsec),
    NAMES,
    st.sampled_from([0o644, 0o755, 0o600, 0o7777]),
    st.one_of(st.integers(0, 300), st.integers(0, 2**63 - 1)),
    st.one_of(st.integers(0, 3), st.integers(0, 2**40)),
    st.one_of(st.just(0), st.integers(0, 999_999_999)),
)


def general(codec: FlistEncoder | FlistDecoder) -> None:
    codec._usual = False  # the way for long lists is another thing to be compared


def entry_of(prefix: bytes, row: tuple[bytes, int, int, int, int], digest: bytes = b"") -> FileEntry:
    name, mode, size, mtime, nsec = row
    entry = FileEntry(prefix + name, mode, size, mtime)
    entry.nsec, entry.checksum = nsec, digest or None
    entry.uid, entry.gid = 7, 8
    return entry


def preserve(digest: int) -> Preserve:
    return Preserve(links=True, uid=True, gid=True, recurse=True, checksum_length=digest)


def first(prefix: bytes) -> FileEntry:
    entry = FileEntry(prefix.rstrip(b"/") or b".", 0o40755, 4096, 5)
    entry.uid, entry.gid = 7, 8
    return entry


@given(st.lists(FILES, max_size=12), st.sampled_from([b"", b"d/", b"a/long/way/to/it/"]), st.booleans())
def test_entries_cross_the_wire_as_the_general_codec_has_them(
    files: list[tuple[bytes, int, int, int, int]], prefix: bytes, sums: bool
) -> None:
    digest = b"0123456789abcdef" if sums else b""
    encoder = FlistEncoder(DIALECT, preserve(len(digest)))
    general(encoder)
    encoder.encode(first(prefix), 0, 0)
    before = encoder.state()
    wanted = b"".join(encoder.encode(entry_of(prefix, file, digest), 1, 0) for file in files)
    state = State()
    state.set(*before)
    rows = Rows()
    read, used = rows.decode(wanted, 0, prefix, state, digest_length=len(digest), most=100)
    assert (read, used) == (len(files), len(wanted))
    listing = RowList(rows, prefix, b"", len(digest))
    state.set(*before)
    count, data = rows.encode(0, len(rows), prefix, state, uid=True, gid=True, digest_length=len(digest))
    assert (count, data) == (len(files), wanted)
    if files:
        assert state.get() == (encoder.state()[0], encoder.state()[1], encoder.state()[2])
    got = [entry.value() for entry in listing]
    assert got == [entry_of(prefix, file, digest).value() for file in files]
    assert all(listing[at] is listing[at] for at in range(len(files)))


@given(st.data())
def test_bytes_of_any_kind_are_read_as_by_the_general_codec_or_not_at_all(data: st.DataObject) -> None:
    prefix, digest = data.draw(st.sampled_from([b"", b"d/"])), data.draw(st.sampled_from([0, 16]))
    encoder, decoder = FlistEncoder(DIALECT, preserve(digest)), FlistDecoder(DIALECT, preserve(digest))
    general(encoder)
    general(decoder)
    decoder.decode(Cursor(encoder.encode(first(prefix), 0, 0)), [], 0)
    raw = bytearray()
    for file in data.draw(st.lists(FILES, max_size=4)):
        raw += encoder.encode(entry_of(prefix, file, bytes(digest)), 1, 0)
    for _ in range(data.draw(st.integers(0, 3))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw += data.draw(st.binary(max_size=30))
    rows, state = Rows(), State()
    state.set(*decoder.state())
    count, used = rows.decode(bytes(raw), 0, prefix, state, digest_length=digest, most=100)
    cursor = Cursor(bytes(raw))
    listing = RowList(rows, prefix, b"", digest)
    for place in range(count):
        entry = decoder.decode(cursor, [], 0)
        assert isinstance(entry, FileEntry) and entry.value() == listing[place].value()
        assert entry.dirname == prefix.rstrip(b"/") and entry.basename not in (b"", b".", b"..")
        assert b"\0" not in entry.name
    assert cursor.pos == used
    if count:
        assert state.get() == decoder.state()[:3]


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=12), st.booleans())
def test_the_order_is_that_of_both_sides(found: list[tuple[bytes, bool]], root: bool) -> None:
    prefix = b"" if root else b"d/"
    entries = [FileEntry(prefix + name, 0o40755 if is_dir else 0o100644) for name, is_dir in found]
    if root:
        entries.insert(len(entries) // 2, FileEntry(b".", 0o40755))
    listing = RowList(Rows(), prefix, b"", 0)
    for entry in entries:
        listing.add(entry)
    if len({name for name, _ in found}) < len(found):
        assert not listing.sort()
        return
    assert listing.sort()
    order.sort(entries, True)
    assert list(listing) == entries and listing.has_root is root
    assert listing.directories() == [entry for entry in entries if entry.is_dir]
    assert listing.names() == {entry.name for entry in entries}


def test_a_directory_is_looked_at_as_entry_by_entry(tmp_path: pathlib.Path) -> None:
    for number, name in enumerate((b"b", b"a.x", b"a", b"\xff", b".hidden")):
        path = os.path.join(os.fsencode(tmp_path), name)
        pathlib.Path(os.fsdecode(path)).write_bytes(bytes(number))
        os.utime(path, ns=(0, 10**9 * number + number))
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("a")
    fd = os.open(tmp_path, os.O_RDONLY)
    found = Rows.scan(fd, "xxh128", 0)
    os.close(fd)
    assert found is not None
    place = os.fsencode(tmp_path)
    assert found.names() == sorted(os.listdir(place))
    sums = Checksums("xxh128", "xxh128", 0, 32, True)
    for at in range(len(found)):
        row = found.at(at, 16)
        path = os.path.join(place, row.name)
        entry = stat_entry(path, row.name, Options(), IdNames(False))
        assert (row.mode, row.mtime, row.nsec) == (entry.mode, entry.mtime, entry.nsec)
        assert (row.uid, row.gid, row.made) == (entry.uid, entry.gid, -1)
        if entry.is_reg:
            assert row.size == entry.size
            assert row.digest == sums.file_digest(path, entry.size)
        else:
            assert row.digest is None
    assert found.total(0, 0) == 0


PLAIN = Rules(window=0, checksum=None, flags=0, any_time=False, times=True, mode=True, uid=True, gid=True)


@pytest.mark.parametrize(
    ("change", "rules", "same"),
    [
        ("nothing", PLAIN, True),
        ("size", PLAIN, False),
        ("time", PLAIN, False),
        ("time", replace(PLAIN, window=1), True),
        ("time", replace(PLAIN, any_time=True), False),
        ("time", replace(PLAIN, any_time=True, times=False), True),
        ("time", replace(PLAIN, times=False), False),
        ("nanoseconds", PLAIN, True),
        ("nanoseconds", replace(PLAIN, window=-1), False),
        ("nanoseconds", replace(PLAIN, checksum="xxh3"), False),
        ("nanoseconds", replace(PLAIN, checksum="xxh3", times=False), True),
        ("content", PLAIN, True),
        ("content", replace(PLAIN, checksum="xxh3"), False),
        ("content", replace(PLAIN, checksum="xxh3", any_time=True), False),
        ("mode", PLAIN, False),
        ("mode", replace(PLAIN, mode=False), True),
        ("gone", PLAIN, False),
        ("directory", PLAIN, False),
        ("link", PLAIN, False),
    ],
)
def test_what_needs_nothing_is_told_from_what_does(
    tmp_path: pathlib.Path, change: str, rules: Rules, same: bool
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"123")
        (tmp_path / name).chmod(0o644)
        os.utime(tmp_path / name, ns=(0, 5 * 10**9))
    fd = os.open(tmp_path, os.O_RDONLY)
    rows = Rows.scan(fd, rules.checksum, 0)
    assert rows is not None
    assert rows.same(0, 3, fd, rules) == 3
    other = tmp_path / "b"
    if change == "size":
        other.write_bytes(b"1234")
    elif change == "content":
        other.write_bytes(b"124")
    elif change == "mode":
        other.chmod(0o600)
    elif change in ("gone", "directory", "link"):
        other.unlink()
    if change == "directory":
        other.mkdir()
    elif change == "link":
        other.symlink_to("a")
    if change != "gone":
        os.utime(other, ns=(0, 5 * 10**9 + {"time": 10**9, "nanoseconds": 1}.get(change, 0)))
    assert rows.same(0, 3, fd, rules) == (3 if same else 1)
    assert rows.same(2, 3, fd, rules) == 1
    owned = rows.at(0)
    rows.own(0, 1, owned.uid + 1, owned.gid)
    assert rows.same(0, 1, fd, rules) == 0
    assert rows.same(0, 1, fd, replace(rules, uid=False)) == 1
    rows.own(0, 1, owned.uid, owned.gid + 1)
    assert rows.same(0, 1, fd, rules) == 0
    os.close(fd)


def test_a_directory_that_cannot_be_read_has_no_rows() -> None:
    with tempfile.TemporaryFile() as file:
        assert Rows.scan(file.fileno(), None, 0) is None


def test_there_is_no_row_behind_the_last() -> None:
    rows = Rows()
    for ask in (rows.number, rows.at):
        with pytest.raises(IndexError):
            ask(0)
    rows.add(b"x", 0o100644, 3)
    assert rows.number(0) == 3
    with pytest.raises(IndexError):
        rows.at(-1)
