"""The sender's lists of whole directories: looked at and encoded in a call or two, where all is plain.

What can't go this way takes ``ListSender.children`` and ``FlistEncoder.encode``, which make the same of it.
Clauses FLIST-2 to FLIST-11; upstream ``flist.c:send_directory``, ``make_file``, ``send_file_entry``.
"""

from __future__ import annotations

import os

from .. import native
from ..files.links import follows_links
from ..filters.rulelist import FilterList
from ..typed import TYPE_CHECKING
from ..wire import flist_usual
from ..wire.flist_encode import FlistEncoder
from ..wire.limits import MAX_PATH
from .rowlist import RowList
from .session import Session

if TYPE_CHECKING:
    from ..native.rows import State


class RowSender:
    """For one sender. ``checksum`` is that of ``--checksum``, None without it."""

    def __init__(self, session: Session, encoder: FlistEncoder, checksum: str | None) -> None:
        from ..native import rows

        self._session = session
        self._encoder = encoder
        self._checksum = checksum
        self._digest_length = rows.digest_size(checksum)
        self._rows = rows
        self._state: State = rows.State()

    def look(self, path: bytes, prefix: bytes, base: bytes) -> RowList | None:
        """What is in a directory; None if it can't all be looked at, so that somebody has to say so."""
        session = self._session
        if len(prefix) + 255 >= MAX_PATH:
            return None
        try:
            fd = session.files.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            found = self._rows.Rows.scan(fd, self._checksum, session.checksums.open_flags)
        finally:
            os.close(fd)
        return None if found is None else RowList(found, prefix, base, self._digest_length)

    def encode(self, listing: RowList, start: int) -> tuple[int, bytes]:
        """How many usual entries there are from ``start`` on (0: the next one is not), and their bytes."""
        encoder, preserve = self._encoder, self._session.preserve
        before = encoder.state()
        self._state.set(*before)
        count, data = listing.rows.encode(
            start,
            len(listing),
            listing.prefix,
            self._state,
            uid=preserve.uid,
            gid=preserve.gid,
            digest_length=self._digest_length,
        )
        if count:
            encoder.passed(*self._state.get())
        return count, data


def row_sender(session: Session, filters: FilterList, encoder: FlistEncoder) -> RowSender | None:
    """None where the kernel, the options or the rules rule it out."""
    options, module = session.options, session.module
    checksum = list_checksum(session)
    unusual = (
        not session.dialect.inc_recurse,
        bool(filters.rules) or filters.daemon is not None,
        session.charset is not None,
        session.recorder is not None,
        follows_links(options),
        options.copy_dirlinks,
        options.copy_devices,
        options.one_file_system,
        options.fake_super,
        bool(options.chmod) or bool(options.module_chmod),
        options.debug["FLIST"] > 1,
        options.debug["FILTER"],
        module is not None and module.ignore_nonreadable,
    )
    if not native.HAVE_BULK or checksum == "" or any(unusual):
        return None
    if not flist_usual.serves(session.dialect, session.preserve, digests=True):
        return None
    return RowSender(session, encoder, checksum)


def list_checksum(session: Session) -> str | None:
    """The checksum of ``--checksum``; None if there is none, empty if it is not one of the kernel's."""
    if not session.preserve.checksum_length:
        return None
    if not native.HAVE_BULK:
        return ""
    from ..native.bulk import KINDS

    name = session.checksums.listing
    return name if name in KINDS else ""
