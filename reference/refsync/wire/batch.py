"""The head of a batch file, which tells all that the stream behind it depends on.

Four little-endian bytes of stream flags; the protocol version as an int32;
from protocol 30 the compatibility flags as a varint; the checksum seed as an
int32. Behind it stands what the sender said, without frames. Clauses BATCH-1,
BATCH-2; upstream ``batch.c:write_stream_flags``, ``io.c:start_write_batch``.
"""

from __future__ import annotations

from ..records import dataclass
from .compat import explain_flags
from .cursor import Cursor
from .dialect import HIGHEST_ACCEPTED, LOWEST_KNOWN
from .errors import NeedMoreData, ProtocolError
from .integers import int32, read_int32, read_varint, varint

#: BATCH-2: name and the first protocol that looks at it, the lowest bit first.
STREAM_FLAGS: tuple[tuple[str, int], ...] = (
    ("recurse", 0),
    ("owner", 0),
    ("group", 0),
    ("links", 0),
    ("devices", 0),
    ("hard-links", 0),
    ("checksum", 0),
    ("dirs", 29),
    ("compress", 29),
    ("iconv", 30),
    ("acls", 30),
    ("xattrs", 30),
    ("inplace", 30),
    ("append", 30),
    ("append-verify", 30),
)


@dataclass(frozen=True, slots=True)
class Head:
    """``flags`` are the stream flags, ``compat`` the server's compatibility flags (0 below protocol 30)."""

    flags: int
    protocol: int
    compat: int
    seed: int


def encode(head: Head) -> bytes:
    """BATCH-1."""
    compat = varint(head.compat) if head.protocol >= 30 else b""
    return int32(head.flags) + int32(head.protocol) + compat + int32(head.seed)


def decode(cursor: Cursor) -> Head:
    """BATCH-1: ``ProtocolError`` where no version of rsync can have written it."""
    start = cursor.pos
    try:
        flags = read_int32(cursor)
        protocol = read_int32(cursor)
        if not LOWEST_KNOWN <= protocol <= HIGHEST_ACCEPTED:
            raise ProtocolError(
                f"a batch file of protocol {protocol}: this is none of rsync's",
                clause="BATCH-1",
                offset=start,
            )
        compat = read_varint(cursor) if protocol >= 30 else 0
        return Head(flags, protocol, compat, read_int32(cursor))
    except (NeedMoreData, ProtocolError):
        cursor.pos = start
        raise


def flag_names(flags: int, protocol: int) -> list[str]:
    """BATCH-2: the set flags among those that the protocol looks at."""
    return [name for bit, (name, since) in enumerate(STREAM_FLAGS) if flags >> bit & 1 and protocol >= since]


def flags_of(names: set[str]) -> int:
    """BATCH-2: the bits of these names."""
    return sum(1 << bit for bit, (name, _) in enumerate(STREAM_FLAGS) if name in names)


def explain(head: Head) -> str:
    """One line for a transcript."""
    names = " ".join(flag_names(head.flags, head.protocol)) or "none"
    compat = f", compatibility {explain_flags(head.compat)}" if head.protocol >= 30 else ""
    return f"batch head: protocol {head.protocol}, stream flags {names}{compat}, seed {head.seed}"
