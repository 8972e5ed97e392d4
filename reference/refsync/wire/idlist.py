"""Names of the user and group ids, sent after a list that is not incremental.

Clause FLIST-21 and FLIST-22; upstream ``uidlist.c:send_one_list``, ``recv_id_list``.
"""

from __future__ import annotations

from collections.abc import Iterable

from .cursor import Cursor
from .errors import NeedMoreData
from .integers import read_varint30, varint30
from .limits import MAX_ID_NAME


def encode(names: Iterable[tuple[int, bytes]], *, varints: bool, id0_name: bytes | None) -> bytes:
    """One list of (id, name); ``id0_name`` follows the end if both sides know CF_ID0_NAMES, else None."""
    parts = []
    for number, name in names:
        if number and name:
            parts.append(_one(number, name, varints))
    parts.append(varint30(0, varints) if id0_name is None else _one(0, id0_name, varints))
    return b"".join(parts)


def _one(number: int, name: bytes, varints: bool) -> bytes:
    name = name[:MAX_ID_NAME]
    signed = number - (1 << 32) if number > 0x7FFFFFFF else number
    return varint30(signed, varints) + bytes((len(name),)) + name


def decode(cursor: Cursor, *, varints: bool, id0_names: bool) -> dict[int, bytes]:
    """One whole list as {id: name}; an id with an empty name is left out."""
    start = cursor.pos
    names: dict[int, bytes] = {}
    try:
        while True:
            number = read_varint30(cursor, varints) & 0xFFFFFFFF
            if number == 0 and not id0_names:
                return names
            name = cursor.take(cursor.byte())
            if name:
                names[number] = name
            if number == 0:
                return names
    except NeedMoreData:
        cursor.pos = start
        raise
