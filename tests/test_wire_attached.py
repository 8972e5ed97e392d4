"""Access lists and attributes on the wire: limits, numbers, and entries that arrive in pieces."""

from __future__ import annotations

import hashlib
import stat

import pytest
from refsync.wire import acl, dialect, xattr
from refsync.wire.acl import Acl, Named
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError
from refsync.wire.flist import Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder
from refsync.wire.integers import varint


def md5(value: bytes) -> bytes:
    return hashlib.md5(value, usedforsecurity=False).digest()


def entries(count: int) -> list[FileEntry]:
    made = []
    for number in range(count):
        entry = FileEntry(b"f%d" % number, stat.S_IFREG | 0o640)
        if number % 3 == 1:
            entry = FileEntry(b"d%d" % number, stat.S_IFDIR | 0o750)
            entry.default_acl = Acl(7, 5, 7, 0, (Named(number % 2, 3, False, b"g"),))
        if number % 3 == 2:
            entry = FileEntry(b"l%d" % number, stat.S_IFLNK | 0o777)
            entry.link = b"f"
        else:
            entry.acl = Acl(6, 4, 4, 0, (Named(1000 + number % 2, 6, True, b"eva"),))
        entry.xattrs = [xattr.make(b"user.a", bytes(number % 4 * 20), md5, 1)]
        made.append(entry)
    return made


@pytest.mark.parametrize("flags", [0, 0x1FE, 0x1FF])
def test_entries_in_any_pieces_share_their_lists(flags: int) -> None:
    speech = dialect.build(31, flags)
    preserve = Preserve(links=True, acls=True, xattrs=True)
    encoder, decoder = FlistEncoder(speech, preserve), FlistDecoder(speech, preserve)
    sent = entries(24)
    wire = b"".join(encoder.encode(entry, at, 0) for at, entry in enumerate(sent))
    cursor, came = Cursor(bytearray()), list[FileEntry]()
    for byte in wire:
        cursor.data += bytes((byte,))  # type: ignore[operator]
        try:
            value = decoder.decode(cursor, came, 0)
        except NeedMoreData:
            continue
        assert isinstance(value, FileEntry)
        came.append(value)
    assert len(came) == len(sent)
    for one, other in zip(sent, came, strict=True):
        assert other.xattrs is not None and one.xattrs is not None
        assert xattr.key(other.xattrs) == xattr.key(one.xattrs)
        if one.is_link:
            assert other.acl is None
            continue
        assert one.acl is not None and other.acl is not None
        assert other.acl.names[0].id == one.acl.names[0].id
        assert other.acl.mask == 4
        if one.is_dir:
            assert one.default_acl is not None and other.default_acl is not None
            assert other.default_acl.key == one.default_acl.key
    assert came[0].xattrs is came[12].xattrs
    assert came[0].acl is came[12].acl


def test_names_of_ids_go_out_once_and_only_with_incremental_lists() -> None:
    for flags, times in ((0x1FF, 2), (0x1FE, 0)):
        encoder = FlistEncoder(dialect.build(32, flags), Preserve(acls=True))
        wire = b"".join(encoder.encode(entry, at, 0) for at, entry in enumerate(entries(12)))
        assert wire.count(b"eva") == times  # ids 1000 and 1001


@pytest.mark.parametrize(
    ("wire", "clause", "code"),
    [
        (b"\1", "XATTR-1", Exit.STREAM_IO),
        (varint(-1), "XATTR-1", Exit.STREAM_IO),
        (b"\0" + varint(65537), "XATTR-2", Exit.PROTOCOL),
        (b"\0" + varint(-1), "XATTR-2", Exit.PROTOCOL),
        (b"\0\1\0\0", "XATTR-2", Exit.PROTOCOL),
        (b"\0\1" + varint(1026) + b"\0", "XATTR-2", Exit.PROTOCOL),
        (b"\0\1" + varint((1 << 31) - 1) + varint((1 << 31) - 1), "XATTR-2", Exit.PROTOCOL),
        (b"\0\1\2" + varint(-1), "XATTR-2", Exit.PROTOCOL),
        (b"\0\1\2" + varint((64 << 20) + 1), "XATTR-2", Exit.PROTOCOL),
        (b"\0\1\2\0ab", "XATTR-2", Exit.FILE_IO),
    ],
)
def test_lists_of_attributes_that_are_refused(wire: bytes, clause: str, code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        xattr.XattrDecoder().decode(Cursor(wire))
    assert (caught.value.clause, caught.value.code) == (clause, code)


@pytest.mark.parametrize(
    ("wire", "clause", "code"),
    [
        (b"\1", "ACL-1", Exit.STREAM_IO),
        (varint(-1), "ACL-1", Exit.STREAM_IO),
        (b"\0\1\x08", "ACL-2", Exit.STREAM_IO),
        (b"\0\2" + varint(-1), "ACL-2", Exit.STREAM_IO),
        (b"\0\x10" + varint(65537), "ACL-2", Exit.PROTOCOL),
        (b"\0\x10" + varint(-1), "ACL-2", Exit.PROTOCOL),
        (b"\0\x10\1\1" + varint(8 << 2), "ACL-2", Exit.STREAM_IO),
    ],
)
def test_access_lists_that_are_refused(wire: bytes, clause: str, code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        acl.AclDecoder(acl.ACCESS).decode(Cursor(wire), 0)
    assert (caught.value.clause, caught.value.code) == (clause, code)


def test_fake_super_takes_any_bits() -> None:
    got, _ = acl.AclDecoder(acl.ACCESS, wide=True).decode(Cursor(b"\0\x10\1\1" + varint(8 << 2)), 0o070)
    assert (got.names[0].access, got.mask) == (8, 7)


def long_list() -> xattr.XattrList:
    return [xattr.Xattr(b"user.%d" % at, 33, None, bytes(16), at) for at in (1, 2, 3)] + [
        xattr.Xattr(b"user.s", 1, b"s", b"", 4)
    ]


@pytest.mark.parametrize(
    "wire",
    [b"\5", b"\4", varint(-1), b"\1" + varint(-1), varint((1 << 31) - 1) * 2, b"\1\1" + varint(-1) + b"\0"],
)
def test_requests_for_what_is_not_there_are_refused(wire: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        xattr.decode_request(Cursor(wire + b"\0"), long_list())
    assert (caught.value.clause, caught.value.code) == ("XATTR-4", Exit.PROTOCOL)


def test_a_value_is_asked_for_once() -> None:
    attributes = long_list()
    (wanted,) = xattr.decode_request(Cursor(b"\2\0"), attributes)
    wanted.asked = True
    with pytest.raises(ProtocolError, match="internal abbrev error"):
        xattr.decode_request(Cursor(b"\2\0"), attributes)


@pytest.mark.parametrize(
    "wire", [b"\5\0", b"\4\0", b"\1" + varint(-1), b"\1" + varint((64 << 20) + 1), b"\1\1a" + varint(-1)]
)
def test_answers_that_are_refused(wire: bytes) -> None:
    answers = xattr.AnswerDecoder(long_list())
    cursor = Cursor(wire)
    with pytest.raises(ProtocolError) as caught:
        while answers.decode(cursor) is not None:
            pass
    assert caught.value.clause == "XATTR-5"


def test_a_value_that_is_there_needs_no_answer() -> None:
    attributes = long_list()
    attributes[0].value = bytes(33)
    with pytest.raises(ProtocolError, match="internal abbrev error"):
        xattr.AnswerDecoder(attributes).decode(Cursor(b"\1\1a\0"))
