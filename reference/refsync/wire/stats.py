"""The sender's totals at the end, and the counts of deletions.

Clauses END-4 and DEL-6; upstream ``main.c:handle_stats`` and
``main.c:write_del_stats``, ``read_del_stats``.
"""

from __future__ import annotations

from ..records import dataclass
from .cursor import Cursor
from .dialect import Dialect
from .errors import NeedMoreData, ProtocolError
from .integers import longint, read_longint, read_varint, read_varlong, varint, varlong
from .limits import MAX_DELETE_STAT


@dataclass(frozen=True, slots=True)
class SessionStats:
    """Bytes the sender read, wrote and has in its list; milliseconds to build and send the list."""

    total_read: int = 0
    total_written: int = 0
    total_size: int = 0
    flist_buildtime: int = 0
    flist_xfertime: int = 0


def encode_stats(stats: SessionStats, dialect: Dialect) -> bytes:
    """END-4: three values, five from protocol 29."""
    values = [stats.total_read, stats.total_written, stats.total_size]
    if dialect.stats_have_times:
        values += [stats.flist_buildtime, stats.flist_xfertime]
    return b"".join(varlong(v, 3) if dialect.varints else longint(v) for v in values)


def decode_stats(cursor: Cursor, dialect: Dialect) -> SessionStats:
    """END-4."""
    start = cursor.pos
    try:
        values = [
            read_varlong(cursor, 3) if dialect.varints else read_longint(cursor)
            for _ in range(5 if dialect.stats_have_times else 3)
        ]
    except NeedMoreData:
        cursor.pos = start
        raise
    return SessionStats(*values)


@dataclass(slots=True)
class DeleteStats:
    """How many were deleted: of all but the other four kinds (``files``), and of each of those."""

    files: int = 0
    dirs: int = 0
    symlinks: int = 0
    devices: int = 0
    specials: int = 0

    @property
    def total(self) -> int:
        return self.files + self.dirs + self.symlinks + self.devices + self.specials


def encode_delete_stats(stats: DeleteStats) -> bytes:
    """DEL-6: five varints behind ``NDX_DEL_STATS``."""
    return b"".join(
        varint(v) for v in (stats.files, stats.dirs, stats.symlinks, stats.devices, stats.specials)
    )


def decode_delete_stats(cursor: Cursor) -> DeleteStats:
    """DEL-6: each from 0 to 2^28."""
    start = cursor.pos
    try:
        values = [read_varint(cursor) for _ in range(5)]
    except NeedMoreData:
        cursor.pos = start
        raise
    for value in values:
        if not 0 <= value <= MAX_DELETE_STAT:
            raise ProtocolError(f"deletion count {value}", clause="DEL-6", offset=start)
    return DeleteStats(*values)
