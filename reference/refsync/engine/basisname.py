"""Which file a peer's basis type and name mean, as far as that can be told without a look at the disk.

Clauses HOST-4, XFER-18, ALT-6, ALT-13, ALT-14; upstream ``receiver.c:recv_files``.
"""

from __future__ import annotations

from enum import Enum

from ..records import dataclass
from ..wire import items
from ..wire.errors import ProtocolError


class Whose(Enum):
    """What kind of file a basis is."""

    ITSELF = "the file that is to be replaced"
    PART = "its part from an earlier run"
    BACKUP = "its backup"
    ELSEWHERE = "a file of the same path below another directory"
    SIMILAR = "a file of another name, here or below another directory"


@dataclass(frozen=True, slots=True)
class Possible:
    """What the options of a run make possible: so many other directories, and so often ``--fuzzy``."""

    others: int = 0
    fuzzy: int = 0
    parts: bool = False
    backups: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """``number`` is that of the other directory, -1 for the destination; ``name`` lies below either."""

    whose: Whose
    name: bytes
    number: int = -1


def named(attrs: items.ItemAttrs, name: bytes, directory: bytes, possible: Possible) -> Named:
    """HOST-4: what the options do not make possible is an attack: ``ProtocolError``.

    ``name`` is the file that is to be made, ``directory`` that in which similar ones are, empty at the top.
    """
    kind = attrs.basis_type
    if kind < possible.others:
        return Named(Whose.ELSEWHERE, name, kind)
    if kind == items.BASIS_FNAME:
        return Named(Whose.ITSELF, name)
    if kind == items.BASIS_PARTIAL_DIR and possible.parts:
        return Named(Whose.PART, name)
    if kind == items.BASIS_BACKUP and possible.backups:
        return Named(Whose.BACKUP, name)
    number = kind - items.BASIS_FUZZY - 1
    most = possible.others if possible.fuzzy > 1 else 0
    if number < -1 or not possible.fuzzy or number >= most:
        raise ProtocolError(f"basis type {kind:#x} was not asked for", clause="HOST-4")
    xname = attrs.xname or b""
    if not xname or b"/" in xname or b"\0" in xname or xname in (b".", b".."):
        shown = xname.decode("utf-8", "backslashreplace")
        raise ProtocolError(f'"{shown}" is no name of a similar file', clause="ALT-14")
    return Named(Whose.SIMILAR, directory + b"/" + xname if directory else xname, number)
