"""Small files by the fast way, where all is plain: one native call for each, sent or received.

What can't go this way is left as it was for the general loops, which do the same with the same bytes and
say what is wrong. Clauses XFER-11, XFER-12, FS-2, FS-4, TOK-1; upstream ``sender.c:send_files``,
``receiver.c:recv_files``.
"""

from __future__ import annotations

import os

from .. import native
from ..files.ids import NO_ID, may_set_group
from ..files.rank import FAKE, rank
from ..files.temp import temp_stem
from ..typed import TYPE_CHECKING
from ..wire import items
from ..wire.entry import FileEntry
from ..wire.tokens import CHUNK_SIZE
from .session import Session

if TYPE_CHECKING:
    from ..native.small import SmallReader, SmallWriter
    from .target import Target


def reader(session: Session) -> SmallReader | None:
    """For a sender; None where the kernel, the checksum or the options rule it out."""
    name = _checksum(session)
    if name is None or session.recorder is not None or session.options.copy_devices:
        return None
    from ..native.small import SmallReader

    return SmallReader(name)


def _checksum(session: Session) -> str | None:
    """The transfer's checksum, if the kernel has it and plain tokens carry the data."""
    name = session.checksums.transfer
    if not native.HAVE_BULK or session.agreement.compression not in (None, "none"):
        return None
    from ..native.bulk import KINDS

    return name if name in KINDS else None


#: A file that is sent in one piece must fit into one token.
LONGEST = CHUNK_SIZE


class SmallIn:
    """For one receiver."""

    def __init__(self, session: Session, target: Target, writer: SmallWriter) -> None:
        self._session = session
        self._target = target
        self._writer = writer
        self._rank = rank(session.options)

    def take(self, entry: FileEntry, attrs: items.ItemAttrs, name: bytes) -> tuple[int, bytes] | None:
        """The length and the digest of a file that is in its place now; None if it goes another way.

        Only files that are new here, and of which everything has been received.
        """
        link, options, target = self._session.link, self._session.options, self._target
        if not attrs.iflags & items.IS_NEW or attrs.basis_type != items.BASIS_FNAME or entry.size > LONGEST:
            return None
        cursor = link.waiting
        start = cursor.pos
        if not isinstance(cursor.data, bytearray) or len(cursor.data) - start < entry.size + 20:
            return None
        uid = entry.uid if self._rank and options.owner else -1
        gid = entry.gid if options.group and may_set_group(entry.gid, self._rank) else -1
        if NO_ID in (uid, gid) or b"\0" in name:
            return None
        mode = entry.mode
        target.fix_mode(entry, None)
        try:
            directory, base = target.dest.place_of(name)
        except OSError:
            entry.mode = mode
            return None
        used, length = self._writer.write(
            cursor.data,
            start,
            directory,
            temp_stem(base) + b".",
            base,
            entry.mode,
            uid=uid,
            gid=gid,
            mtime=(entry.mtime, entry.nsec) if options.times else None,
        )
        if not used:
            entry.mode = mode
            return None
        digest = bytes(cursor.data[start + used - self._writer.digest_length : start + used])
        cursor.pos = start + used
        self._session.stats.literal_data += length
        return length, digest


def suits(session: Session, target: Target) -> bool:
    """Whether a receiver can put files in place natively: kernel, checksum and options allow it."""
    options = session.options
    unusual = (
        options.inplace,
        options.append,
        options.partial,
        options.partial_dir is not None,
        options.delay_updates,
        options.backup,
        options.sparse,
        options.preallocate,
        options.acls,
        options.xattrs,
        options.atimes,
        options.crtimes,
        options.write_devices,
        options.keep_dirlinks,
        options.module_chmod,
        options.temp_dir is not None,
        options.info["PROGRESS"],
        options.only_write_batch is not None,
        session.replay is not None,
        rank(options) == FAKE,
        target.local_name is not None,
        not session.dialect.iflags,
        bool(session.checksums.open_flags & ~getattr(os, "O_NOATIME", 0)),
    )
    return _checksum(session) is not None and not any(unusual)


def writer(session: Session, target: Target) -> SmallIn | None:
    """For a receiver; None where that is ruled out. With ``--fsync`` a file waits for others."""
    if session.options.fsync or not suits(session, target):
        return None
    from ..native.small import SmallWriter

    return SmallIn(session, target, SmallWriter(session.checksums.transfer))
