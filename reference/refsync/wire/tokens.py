"""The plain token stream of a file: literal runs and block references.

An int: positive, so many literal bytes follow; negative, block
``-(n + 1)`` of the basis; zero, the end. Clauses TOK-1 to TOK-4; upstream
``token.c:simple_send_token``, ``simple_recv_token``.
"""

from __future__ import annotations

from .cursor import Cursor
from .errors import ProtocolError
from .integers import int32, read_int32
from .limits import MAX_LITERAL

#: Longest literal run that is sent; every known receiver takes it (TOK-2).
CHUNK_SIZE = 32 * 1024
END = b"\0\0\0\0"


def encode_literal_head(length: int) -> bytes:
    """TOK-2: what stands before ``length`` literal bytes."""
    return int32(length)


def encode_block(index: int) -> bytes:
    """TOK-3: a reference to block ``index`` of the basis."""
    return int32(-(index + 1))


def decode(cursor: Cursor) -> int:
    """TOK-1: the token; a literal run is refused past the limit before any memory is taken for it."""
    start = cursor.pos
    token = read_int32(cursor)
    if token > MAX_LITERAL:
        raise ProtocolError(f"literal run of {token} bytes", clause="TOK-2", offset=start)
    return token
