"""The filter list on the wire: for each rule an int of its length and its text; a zero ends it.

Clauses FILT-1, FILT-2; upstream ``exclude.c:send_filter_list``, ``recv_filter_list``.
"""

from __future__ import annotations

from collections.abc import Iterable

from .cursor import Cursor
from .errors import NeedMoreData, ProtocolError
from .integers import int32, read_int32
from .limits import MAX_FILTER_BYTES, MAX_FILTER_RULE


def encode(texts: Iterable[bytes]) -> bytes:
    """The whole list with its end."""
    return b"".join(int32(len(text)) + text for text in texts) + int32(0)


def decode(cursor: Cursor) -> list[bytes]:
    """The whole list; a rule past the limit is refused before it is read."""
    start = cursor.pos
    texts: list[bytes] = []
    total = 0
    try:
        while True:
            at = cursor.pos
            length = read_int32(cursor)
            if length == 0:
                return texts
            total += max(length, 0)
            if not 0 < length < MAX_FILTER_RULE or total > MAX_FILTER_BYTES:
                raise ProtocolError(f"filter rule of {length} bytes", clause="FILT-2", offset=at)
            texts.append(cursor.take(length))
    except NeedMoreData:
        cursor.pos = start
        raise
