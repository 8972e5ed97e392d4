"""How near two names are, and which suffix of a name counts: names are a peer's and a disk's.

Input: the limit in units, then two texts behind their lengths.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.engine.nearness import BEYOND, SUFFIX_WEIGHT, UNIT, distance, nearness, suffix_of

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("ALT-12",),
    code=("refsync.engine.nearness",),
    oracle="DM",
    dictionary={
        "backup": b".bak",
        "old": b".old",
        "original": b".orig",
        "numbered": b".~1~",
        "digits": b".12",
    },
    max_length=130,
)
#: The fractions of so many edits make no whole one.
LONGEST = 60


def _edits(one: bytes, other: bytes) -> int:
    """Levenshtein's distance, by the whole table."""
    table = [[max(row, column) for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            changed = table[row - 1][column - 1] + (one[row - 1] != other[column - 1])
            table[row][column] = min(table[row - 1][column] + 1, table[row][column - 1] + 1, changed)
    return table[-1][-1]


def _suffix(name: bytes) -> bytes:
    """The suffix, from the name's pieces between dots."""
    while name[:1] == b".":
        name = name[1:]
    body = name[:-1] if name[-1:] == b"~" and len(name) > 1 else name
    pieces = body.split(b".")
    best = b""
    while len(pieces) > 1 and len(b".".join(pieces)) > 1:
        piece = pieces.pop()
        behind = name[len(b".".join(pieces)) :]
        numbered = body != name and len(piece) > 1 and piece[:1] == b"~" and b"0" <= piece[1:2] <= b"9"
        if behind in (b".bak", b".old", b".orig") or (numbered and len(piece) not in (3, 4)):
            continue
        best = b"." + piece
        if not piece or piece.strip(b"0123456789"):
            break
    return best


def fuzz_one(data: bytes) -> None:
    """Oracle: whole units are Levenshtein's distance, none between the same names; a model's suffix."""
    choices = Choices(data)
    limit = choices.byte() * UNIT
    one, other = choices.text()[:LONGEST], choices.text()[:LONGEST]
    far = distance(one, other, limit)
    if abs(len(one) - len(other)) * UNIT > limit:
        same(far, BEYOND, "lengths that differ by more than the limit")
    else:
        edits = _edits(one, other)
        same(far >> 16, edits, f"edits from {one!r} to {other!r}")
        expect((far == 0) == (one == other), "no distance")
        expect(far & 0xFFFF <= 255 * (len(one) + len(other)), "fractions")
    found = suffix_of(one)
    same(found, _suffix(one), f"the suffix of {one!r}")
    expect(not found or (found[:1] == b"." and found in one), "a part of the name")
    whole = nearness(one, found, other, suffix_of(other), limit)
    part = distance(found, suffix_of(other), BEYOND)
    same(whole, far if far == BEYOND else far + SUFFIX_WEIGHT * part, "nearness")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Names as people give them, with and without suffixes of backups."""
    names = (
        *(b"a.c", b"a.c~", b"a.c.bak", b"a.c.bak~", b"a.old.c", b"b.~1~", b"b.~12~", b"b.~123~", b"x.orig"),
        *(
            b".hidden.c",
            b"a.123.c",
            b"a..c",
            b"a.c.",
            b"zz",
            b"A.C",
            b"...",
            b"",
            b"caf\xc3\xa9.txt",
            b"1.2.3",
        ),
    )
    for number, name in enumerate(names):
        other = names[(number * 7 + 3) % len(names)]
        for limit in (1, 25):
            text = bytes((limit, len(name))) + name + bytes((len(other),)) + other
            yield f"names.{number}.{limit}", text
