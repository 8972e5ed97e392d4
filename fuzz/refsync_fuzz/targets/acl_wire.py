"""Access control lists: flags, permissions, named entries, numbers of lists; and how the system keeps them.

Input: a byte for the kind and for whether any bits are taken, two for the mode, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from refsync.files import acls
from refsync.wire import acl
from refsync.wire.acl import NO_ENTRY, Acl, Named
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.integers import varint
from refsync.wire.limits import MAX_ACL_COUNT

from ..choices import Choices
from ..oracle import MORE, check_decoder, drip, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=2,
    clauses=("ACL-1", "ACL-2", "ACL-3", "ACL-4", "ACL-5"),
    code=("refsync.wire.acl", "refsync.files.acls"),
    oracle="ETRBM",
    dictionary={
        "names": b"\x00\x10\x01",
        "all": b"\x00\x1f",
        "named_user": varint(6 << 2 | 3) + b"\4user",
        "count_limit": varint(MAX_ACL_COUNT + 1),
        "eight": varint(8),
        "no_id": varint(-1),
    },
    max_length=400,
)


def _decoder(kind: str, wide: bool, mode: int) -> Callable[[Cursor], Acl]:
    decoder = acl.AclDecoder(kind, wide=wide)

    def decode(cursor: Cursor) -> Acl:
        value, new = decoder.decode(cursor, mode)
        if new:
            decoder.remember(value)
        return value

    return decode


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces the same lists, each within its limits and with a mask if it has names.

    They encode to bytes that decode to the same; an access list that is
    stripped by a mode and comes back is, with that mode, the list it was. The
    kernel's form and that of ``--fake-super`` give back what was put in.
    """
    choices = Choices(data)
    switches, mode = choices.byte(), choices.integer(2) & 0o7777
    kind, wide = (acl.DEFAULT if switches & 1 else acl.ACCESS), bool(switches & 2)
    wire = choices.rest()
    check_decoder(lambda: _decoder(kind, wide, mode), wire)
    values, end = drip(_decoder(kind, wide, mode), wire, [])
    same(drip(_decoder(kind, wide, mode), wire, [2, 1]), (values, end), "in pieces")
    encoder = acl.AclEncoder(lambda is_user, number: True)
    out = b""
    for value in values:
        expect(not value.names or value.mask != NO_ENTRY, "named entries without a mask")
        if not wide:
            objects = (value.user, value.group, value.mask, value.other)
            expect(all(one <= 7 or one == NO_ENTRY for one in objects), f"permissions {objects}")
            expect(all(one.access <= 7 for one in value.names), "permissions of names")
            _stored(value, mode)
        out += encoder.encode(value)
    again, end = drip(_decoder(kind, wide, mode), out, [])
    same(end, MORE, "the end of what was encoded")
    same([one.key for one in again], [one.key for one in values], "encoded again")


def _stored(value: Acl, mode: int) -> None:
    full, now = acls.merged(value, mode, mode)
    same(now, mode, "the mode of a list that was merged with it")
    same(_sorted(acls.unpack(acls.pack(full))), _sorted(full), "the kernel's form")
    same(acls.unpack_fake(acls.pack_fake(full), mode).key, full.key, "the form of --fake-super")
    if full.mask == acl.NO_ENTRY and full.group != mode >> 3 & 7:
        return  # no file has such a list: without a mask its group's entry is the mode's
    entry = FileEntry(b"f", 0o100000 | mode)
    sent = acl.with_mask(acl.stripped(full, entry.mode), acl.ACCESS, entry.mode)
    expect(acls.equal_enough(full, sent, mode), f"{full} is not {sent} with {mode:o}")
    same(_sorted(acls.merged(sent, mode, mode)[0]), _sorted(full), "stripped and merged")


def _sorted(value: Acl) -> tuple[object, ...]:
    names = sorted((one.is_user, one.id, one.access) for one in value.names)
    return value.user, value.group, value.mask, value.other, names


def seeds() -> Iterator[tuple[str, bytes]]:
    """Lists with and without names and masks, one that comes again, limits."""
    lists = [
        Acl(),
        Acl(7, 5, 7, 1, (Named(1000, 6, True, b"user"), Named(5, 4, False))),
        Acl(mask=4, names=(Named(0xFFFFFFFE, 7, True),)),
        Acl(names=(Named(1, 1, False, b"g" * 255),)),
    ]
    for switches in range(4):
        encoder = acl.AclEncoder(lambda is_user, number: True)
        wire = b"".join(map(encoder.encode, [*lists, lists[1]]))
        yield f"lists.{switches}", bytes((switches, 0xB4, 1)) + wire
    yield "index", b"\0\0\0\2"
    yield "access", b"\0\0\0\0\1\x08"
    yield "access_wide", b"\2\0\0\0\1\x08"
    yield "named_access", b"\0\0\0\0\x10\1\1" + varint(8 << 2)
    yield "mask_same", b"\0\xa4\1\0\x1f\6\4\4\4\1" + varint(1000) + varint(6 << 2 | 1)
    yield "count", b"\0\0\0\0\x10" + varint(MAX_ACL_COUNT + 1)
