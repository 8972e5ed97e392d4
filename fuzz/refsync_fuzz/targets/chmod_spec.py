"""The language of --chmod and of a daemon's chmod parameters.

Input: a byte for the umask, two for a mode, then the text.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from refsync.options.chmod import parse, tweak

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("CHMOD-1", "CHMOD-2"),
    code=("refsync.options.chmod",),
    oracle="ERM",
    dictionary={word: word.encode() for word in ("D", "F", "u+x", "go=", "a-w", "X", "s", "t", "2775", ",")},
    max_length=80,
)
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO)


def _model(clause: str, mode: int, umask: int, ran: bool) -> int | None:
    """One clause on one mode, by its words; None for one that is not in the language."""
    body = clause.lstrip("DFugoa")
    head = clause[: len(clause) - len(body)]
    if "D" in head and "F" in head:
        return None
    wanted = not (("D" in head) ^ stat.S_ISDIR(mode)) if "D" in head or "F" in head else True
    who = [one for one in "ugo" if one in head or "a" in head]
    if body.isascii() and body.isdigit():
        if set(body) - set("01234567") or any(one in head for one in "ugoa") or int(body, 8) > 0o7777:
            return None
        return stat.S_IFMT(mode) | int(body, 8) if wanted else mode
    if body[:1] not in ("+", "-", "=") or not body or set(body[1:]) - set("rwxXst"):
        return None
    bits = special = 0
    for one in who or "ugo":
        shift = {"u": 6, "g": 3, "o": 0}[one]
        for letter, value in (("r", 4), ("w", 2), ("x", 1), ("X", 1)):
            if letter in body:
                bits |= value << shift
    if not who:
        bits &= ~umask
    named = (0o4000 if "u" in head else 0) | (0o2000 if "g" in head else 0)
    for letter in body[1:]:
        if letter == "s":  # without a letter for whom it also takes back a "t", as it does in upstream
            special = special | named if named else 0o4000
        elif letter == "t":
            special |= 0o1000
    if not wanted:
        return mode
    added = bits | special
    if "X" in body and not ran and not stat.S_ISDIR(mode):
        added &= ~0o111
    if body[0] == "-":
        return mode & ~(bits | special)
    if body[0] == "=":
        cleared = sum(7 << {"u": 6, "g": 3, "o": 0}[one] for one in who or "ugo")
        mode &= ~(cleared | (named if special else 0))
    return mode | added


def fuzz_one(data: bytes) -> None:
    """Oracle: what a model that takes the words one by one makes of a mode; refused alike.

    The type of a file never changes.
    """
    choices = Choices(data)
    umask, kind, mode = choices.byte() % 64 * 8 % 512, choices.pick(KINDS), choices.integer(2) & 0o7777
    text = choices.rest().decode("utf-8", "surrogateescape")
    expected: int | None = kind | mode
    for clause in text.split(","):
        if expected is not None:
            expected = _model(clause, expected, umask, bool(mode & 0o111))
    try:
        changes = parse(text, umask)
    except ValueError:
        expect(expected is None, f"{text!r} is refused")
        return
    got = tweak(kind | mode, changes)
    expect(stat.S_IFMT(got) == kind, f"type {got:o}")
    same(got, expected, f"{text!r} of {kind | mode:o}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """The manual's examples and each letter."""
    texts = (
        "u+s,=tss",
        "=ts",
        "+st",
        "Dg+s,ug+w,Fo-w,+X",
        "D2775,F664",
        "u=rwX,go=rX",
        "a-s,+t",
        "go=",
        "F+X,D-X",
        "u+s,g=s",
        "7777",
        "DF+x",
        "u7",
        "",
    )
    for number, text in enumerate(texts):
        yield f"text.{number}", bytes((number * 3, number, 0xA4, 1)) + text.encode()
