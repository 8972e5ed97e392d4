"""The language of ``--chmod``: ``Dg+s,ug+w,Fo-w,+X``, ``D2775,F664``.

Clauses, separated by commas, each do one thing. ``D`` and ``F`` in front
confine one to directories or to other files; then come who (``ugoa``), how
(``+-=``) and what (``rwxXst``), or an octal number. Clauses CHMOD-1 and
CHMOD-2; upstream ``chmod.c:parse_chmod``, ``tweak_mode``.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from ..records import dataclass

ALL = 0o7777
_WHO = {"u": (0o100, 0o4000), "g": (0o010, 0o2000), "o": (0o001, 0), "a": (0o111, 0)}
_WHAT = {"r": 4, "w": 2, "x": 1, "X": 1}


@dataclass(frozen=True, slots=True)
class Change:
    """Of a mode's permissions ``kept`` stay and ``added`` come.

    ``keep_x``: execution comes only to directories, and to files that
    somebody may execute. ``only``: ``D`` directories, ``F`` the others, or both.
    """

    kept: int
    added: int
    keep_x: bool = False
    only: str = ""


def parse(text: str, umask: int) -> tuple[Change, ...]:
    """The changes in order; ``ValueError`` if the text is not in the language."""
    return tuple(_parse_one(clause, umask) for clause in text.split(","))


def _parse_one(clause: str, umask: int) -> Change:
    at = 0
    only, who, top = "", 0, 0
    while at < len(clause) and clause[at] in "DFugoa":
        letter = clause[at]
        at += 1
        if letter in "DF":
            if only not in ("", letter):
                raise ValueError(clause)
            only = letter
        else:
            bits, special = _WHO[letter]
            who |= bits
            top |= special
    if at < len(clause) and clause[at] in "01234567":
        if who or any(digit not in "01234567" for digit in clause[at:]) or int(clause[at:], 8) > ALL:
            raise ValueError(clause)
        return Change(0, int(clause[at:], 8), only=only)
    how = clause[at : at + 1]
    if how not in ("+", "-", "="):
        raise ValueError(clause)
    what = special = 0
    for letter in clause[at + 1 :]:
        if letter in _WHAT:
            what |= _WHAT[letter]
        elif letter == "s":
            special = special | top if top else 0o4000
        elif letter == "t":
            special |= 0o1000
        else:
            raise ValueError(clause)
    bits = who * what if who else (0o111 * what) & ~umask
    keep_x = "X" in clause[at + 1 :]
    if how == "+":
        return Change(ALL, bits + special, keep_x, only)
    if how == "-":
        return Change(ALL - bits - special, 0, keep_x, only)
    return (
        Change(ALL - who * 7 - (top if special else 0), bits + special, keep_x, only)
        if who
        else Change(0o7000 - (top if special else 0), bits + special, keep_x, only)
    )


def tweak(mode: int, changes: Iterable[Change]) -> int:
    """The mode with the changes made, type bits untouched."""
    is_dir = stat.S_ISDIR(mode)
    runs = bool(mode & 0o111)
    kind = mode & ~ALL
    mode &= ALL
    for change in changes:
        if change.only and (change.only == "D") != is_dir:
            continue
        added = change.added
        if change.keep_x and not runs and not is_dir:
            added &= ~0o111
        mode = mode & change.kept | added
    return kind | mode
