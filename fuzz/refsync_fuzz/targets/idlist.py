"""Lists of user or group names.

Input: a byte of switches, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import idlist
from refsync.wire.cursor import Cursor
from refsync.wire.integers import int32, varint

from ..choices import Choices
from ..oracle import MORE, Outcome, Refused, Value, check_decoder, expect, outcome, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FLIST-21", "FLIST-22"),
    code=("refsync.wire.idlist",),
    oracle="ERTMD",
    dictionary={
        "root": varint(0) + b"\4root",
        "user": varint(1000) + b"\4user",
        "user_old": int32(1000) + b"\4user",
        "nobody": varint(-2) + b"\6nobody",
        "longest": varint(7) + b"\xff" + b"n" * 255,
    },
    max_length=2048,
)


def _model(wire: bytes, varints: bool, id0_names: bool) -> Outcome:
    names: dict[int, bytes] = {}
    at = 0
    while True:
        if varints:
            lead = wire[at : at + 1]
            extra = min(f"{lead[0]:08b}".find("0") % 9, 6) if lead else 0
            if lead and extra > 4:
                return Refused("INT-5", 12, at)
            if len(wire) < at + 1 + extra:
                return MORE
            if not lead:
                return MORE
            low = int.from_bytes(wire[at + 1 : at + 1 + extra], "little")
            number = (lead[0] % (1 << (7 - extra)) << 8 * extra) + low if extra < 4 else low
            at += 1 + extra
        else:
            if len(wire) < at + 4:
                return MORE
            number = int.from_bytes(wire[at : at + 4], "little")
            at += 4
        if number == 0 and not id0_names:
            return Value(names, at)
        if len(wire) < at + 1 or len(wire) < at + 1 + wire[at]:
            return MORE
        name = wire[at + 1 : at + 1 + wire[at]]
        at += 1 + len(name)
        if name:
            names[number] = name
        if number == 0:
            return Value(names, at)


def fuzz_one(data: bytes) -> None:
    """Oracle: the names of an independent model; encoded again they decode to themselves.

    There are never more names than a third of the bytes.
    """
    choices = Choices(data)
    switches = choices.byte()
    varints = switches & 1 == 0
    id0_names = varints and switches & 2 == 0
    wire = choices.rest()

    def decode(cursor: Cursor) -> dict[int, bytes]:
        return idlist.decode(cursor, varints=varints, id0_names=id0_names)

    got = check_decoder(lambda: decode, wire)
    same(got, _model(wire, varints, id0_names), "names")
    if isinstance(got, Value) and isinstance(got.value, dict):
        expect(3 * len(got.value) <= got.consumed, f"{len(got.value)} names from {got.consumed} bytes")
        again = idlist.encode(
            got.value.items(), varints=varints, id0_name=got.value.get(0, b"") if id0_names else None
        )
        same(outcome(decode, again), Value(got.value, len(again)), "encoded again")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Lists with and without a name for id 0, in both integer forms, with the longest name."""
    names = [(1000, b"user"), (33, b"www-data"), (0xFFFFFFFE, b"nobody"), (70000, b"n" * 255)]
    for switches in range(4):
        varints = switches & 1 == 0
        id0 = b"root" if switches == 0 else None
        yield f"names.{switches}", bytes((switches,)) + idlist.encode(names, varints=varints, id0_name=id0)
        yield f"empty.{switches}", bytes((switches,)) + idlist.encode([], varints=varints, id0_name=id0)
    yield "empty_name", b"\0" + varint(5) + b"\0" + varint(0) + b"\0"
    yield "twice", b"\0" + varint(5) + b"\1a" + varint(5) + b"\1b" + varint(0) + b"\1r"
    yield "overflow", b"\0" + b"\xf8\0\0\0\0\0"
