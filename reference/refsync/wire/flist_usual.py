"""The usual entry of a long list, in one piece: a regular file that differs from the one before it in name,
size and times only, in the newest form. The general codec gives the same for it and takes all others.

Clauses FLIST-2 to FLIST-8, as in ``flist_encode`` and ``flist_decode``; upstream
``flist.c:send_file_entry``, ``recv_file_entry``.
"""

from __future__ import annotations

from ..records import names
from .cursor import Buffer
from .dialect import Dialect
from .entry import FileEntry
from .flist import X_MOD_NSEC, X_SAME_GID, X_SAME_MODE, X_SAME_NAME, X_SAME_TIME, X_SAME_UID, Preserve
from .integers import varint

_SAME = X_SAME_MODE | X_SAME_UID | X_SAME_GID
_FLAGS = {
    bits: varint(bits)
    for name in (0, X_SAME_NAME)
    for time in (0, X_SAME_TIME)
    for nsec in (0, X_MOD_NSEC)
    for bits in (_SAME | name | time | nsec,)
}
#: What may be preserved without a regular file's entry having anything more.
_MATTER_TO_OTHERS = frozenset(
    ("links", "uid", "gid", "devices", "specials", "recurse", "relative", "max_value")
)
#: No such entry is longer: flags, two lengths, a name, size, time and nanoseconds.
LONGEST = 5 + 1 + 1 + 255 + 3 + 4 + 5


def serves(dialect: Dialect, preserve: Preserve, *, digests: bool = False) -> bool:
    """Whether entries of the session may have this form; ``digests``: with ``--checksum`` digests."""
    spared = _MATTER_TO_OTHERS | {"checksum_length"} if digests else _MATTER_TO_OTHERS
    more = any(getattr(preserve, name) for name in names(preserve) if name not in spared)
    return dialect.flist_flags_varint and dialect.varints and dialect.nanoseconds and not more


def encode(entry: FileEntry, old_name: bytes, old_mtime: int) -> bytes | None:
    """A regular file with the mode and ids of the entry before it; None if it takes the general form."""
    name, size, mtime, nsec = entry.name, entry.size, entry.mtime, entry.nsec
    limit = min(len(old_name), len(name), 255)
    differ = int.from_bytes(old_name[:limit]) ^ int.from_bytes(name[:limit])
    shared = limit - (differ.bit_length() + 7 >> 3)
    rest = name[shared:]
    length = len(rest)
    if length > 255 or not 0 <= size < 0x800000 or not 0 <= mtime < 0x80000000 or nsec < 0:
        return None
    flags = _SAME
    if shared:
        flags |= X_SAME_NAME
        head = bytes((shared, length))
    else:
        head = bytes((length,))
    if mtime == old_mtime:
        flags |= X_SAME_TIME
        tail = bytes((size >> 16, size & 0xFF, size >> 8 & 0xFF))
    else:
        tail = bytes(
            (
                size >> 16,
                size & 0xFF,
                size >> 8 & 0xFF,
                mtime >> 24,
                mtime & 0xFF,
                mtime >> 8 & 0xFF,
                mtime >> 16 & 0xFF,
            )
        )
    if not nsec:
        return b"".join((_FLAGS[flags], head, rest, tail))
    if 0x200000 <= nsec < 0x10000000:
        fine = bytes((0xE0 | nsec >> 24, nsec & 0xFF, nsec >> 8 & 0xFF, nsec >> 16 & 0xFF))
    else:
        fine = varint(nsec)
    return b"".join((_FLAGS[flags | X_MOD_NSEC], head, rest, tail, fine))


def decode(
    data: Buffer, pos: int, old_name: bytes, old_mtime: int, mode: int, uid: int, gid: int
) -> tuple[FileEntry, int] | None:
    """(entry, position behind it), or None if the general decoder has to look at it.

    ``data`` holds ``LONGEST`` bytes from ``pos``, and ``mode`` is that of a regular file.
    """
    flags = data[pos]
    pos += 1
    if flags & 0x80:  # FLIST-2 as a varint of two or three bytes; more is not usual
        if flags < 0xC0:
            flags = (flags & 0x3F) << 8 | data[pos]
            pos += 1
        elif flags < 0xE0:
            flags = (flags & 0x1F) << 16 | data[pos + 1] << 8 | data[pos]
            pos += 2
        else:
            return None
    if flags & ~(X_SAME_NAME | X_SAME_TIME | X_MOD_NSEC) != _SAME:
        return None
    shared = 0
    if flags & X_SAME_NAME:
        shared = data[pos]
        pos += 1
    end = pos + 1 + data[pos]
    name = old_name[:shared] + data[pos + 1 : end]
    top = data[end]
    if top & 0x80:
        return None
    size = top << 16 | data[end + 2] << 8 | data[end + 1]
    pos = end + 3
    mtime = old_mtime
    if not flags & X_SAME_TIME:
        top = data[pos]
        if top & 0x80:
            return None
        mtime = top << 24 | data[pos + 3] << 16 | data[pos + 2] << 8 | data[pos + 1]
        pos += 4
    entry = FileEntry(name, mode, size, mtime)
    entry.uid, entry.gid = uid, gid
    if flags & X_MOD_NSEC:
        lead = data[pos]
        if lead & 0xF0 == 0xE0:
            entry.nsec = (lead & 0x0F) << 24 | data[pos + 3] << 16 | data[pos + 2] << 8 | data[pos + 1]
            pos += 4
        elif lead & 0xF8 == 0xF0:
            entry.nsec = data[pos + 4] << 24 | data[pos + 3] << 16 | data[pos + 2] << 8 | data[pos + 1]
            pos += 5
        else:
            return None
        if entry.nsec > 999_999_999:
            return None
    return entry, pos
