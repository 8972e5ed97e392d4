"""The basis that a peer names for a file: by type, by number, by a name of its own.

Input: a byte for the options, the directory's name behind its length, then wire bytes of an item.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.engine.basisname import Named, Possible, Whose, named
from refsync.wire import items
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.items import ItemAttrs

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("HOST-4", "ALT-6", "ALT-13", "ALT-14"),
    code=("refsync.engine.basisname",),
    oracle="EM",
    dictionary={
        "similar": bytes((items.BASIS_FUZZY,)),
        "similar_elsewhere": bytes((items.BASIS_FUZZY + 1,)),
        "up": b"\x02..",
        "way_out": b"\x05../xy",
        "absolute": b"\x02/x",
    },
    max_length=300,
)
BOTH = items.TRANSFER | items.BASIS_TYPE_FOLLOWS | items.XNAME_FOLLOWS


def _options(byte: int) -> Possible:
    return Possible(byte & 7, (byte >> 3) % 3, bool(byte & 0x40), bool(byte & 0x80))


def _allowed(possible: Possible) -> dict[int, tuple[Whose, int]]:
    """Every type that the options allow, and what it means."""
    types = {0x80: (Whose.ITSELF, -1)}
    if possible.parts:
        types[0x81] = (Whose.PART, -1)
    if possible.backups:
        types[0x82] = (Whose.BACKUP, -1)
    if possible.fuzzy:
        types[0x83] = (Whose.SIMILAR, -1)
    for number in range(possible.others):
        types[number] = (Whose.ELSEWHERE, number)
        if possible.fuzzy == 2:
            types[0x84 + number] = (Whose.SIMILAR, number)
    return types


def fuzz_one(data: bytes) -> None:
    """Oracle: only what a table of the allowed types has, and a name of one component in the directory."""
    choices = Choices(data)
    possible = _options(choices.byte())
    directory = b"/".join(part for part in choices.text().split(b"/") if part not in (b"", b".", b".."))
    try:
        attrs = items.decode(Cursor(choices.rest()))
    except (NeedMoreData, ProtocolError):
        return
    allowed = _allowed(possible).get(attrs.basis_type)
    similar = allowed is not None and allowed[0] is Whose.SIMILAR
    plain = attrs.xname not in (None, b"", b".", b"..") and not {*b"/\0"} & {*(attrs.xname or b"")}
    name = (directory + b"/" if directory else b"") + b"made"
    try:
        found = named(attrs, name, directory, possible)
    except ProtocolError as error:
        expect(allowed is None or (similar and not plain), f"{attrs} is refused with {possible}")
        same(error.clause, "ALT-14" if similar else "HOST-4", "clause")
        return
    expect(allowed is not None and (plain or not similar), f"{attrs} is taken with {possible}")
    assert allowed is not None
    above, _, base = found.name.rpartition(b"/")
    same(above, directory, "directory")
    same(found, Named(allowed[0], found.name, allowed[1]), "what it means")
    same(base, attrs.xname if similar else b"made", "last component")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Every type with and without the options for it, and names that lead elsewhere."""
    for kind in (0, 1, 6, 7, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0x8A, 0x8B, 0xFF):
        attrs = items.encode(ItemAttrs(BOTH, kind, b"near"))
        for options in (0, 0xD7, 0xCF, 0xC7):
            yield f"type_{kind:02x}_{options:02x}", bytes((options, 3)) + b"d/e" + attrs
    for number, xname in enumerate((b"", b".", b"..", b"../x", b"a/b", b"/x", b"x\0", b"...", b"\xff")):
        yield f"name_{number}", b"\x0f\0" + items.encode(ItemAttrs(BOTH, items.BASIS_FUZZY, xname))
    yield "no_name", b"\x0f\0" + items.encode(ItemAttrs(BOTH & ~items.XNAME_FOLLOWS, items.BASIS_FUZZY))
