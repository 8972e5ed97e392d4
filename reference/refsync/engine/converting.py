"""The entries of a list between this side's character set and UTF-8, in which they travel.

Clauses ICONV-1, ICONV-4; upstream ``flist.c:send_file_name``, ``recv_file_entry``.
"""

from __future__ import annotations

import os

from ..files.charset import Charset, Unconvertible
from ..files.sources import join
from ..wire import mux
from ..wire.entry import HLINKED, UNNAMED, FileEntry
from .session import IOERR_GENERAL, Session


class Outgoing:
    """On a sender. A name or a target that has no form in UTF-8 keeps its entry out of the list."""

    def __init__(self, session: Session, charset: Charset) -> None:
        self._session = session
        self._charset = charset

    def entry(self, entry: FileEntry) -> FileEntry | None:
        """The entry as it is to be sent; None after telling why it can't be."""
        from copy import copy

        sent = copy(entry)
        try:
            sent.name = self._charset.to_wire(entry.name)
        except Unconvertible as error:
            self._refused(b"filename: " + entry.name, error)
            return None
        if entry.link is None or not self._session.agreement.links_converted:
            return sent
        try:
            sent.link = self._charset.to_wire(entry.link)
        except Unconvertible as error:
            path = os.path.abspath(join(entry.path, entry.name))
            self._refused(b'symlink data for: "' + path + b'"', error)
            return None
        return sent

    def _refused(self, what: bytes, error: Unconvertible) -> None:
        session = self._session
        session.io_error |= IOERR_GENERAL
        session.xfer_error = True
        session.reporter.error_xfer(b"[sender] cannot convert %s (%s)\n" % (what, error.reason.encode()))


class Incoming:
    """On a receiver. An entry whose name or target can't be had here only holds its number."""

    def __init__(self, session: Session, charset: Charset) -> None:
        self._session = session
        self._charset = charset
        self.who = b"Receiver"  # upstream's name for itself before it becomes two

    def entry(self, entry: FileEntry, ndx: int, start: int) -> None:
        """Convert in place. ``ndx`` is the entry's own number, ``start`` the first of its list.

        A further name of a file in the same list has its target from there, converted already.
        """
        session, named = self._session, entry.name
        try:
            entry.name = self._charset.from_wire(named)
        except Unconvertible as error:
            text = b"[%s] cannot convert filename: %s (%s)\n" % (self.who, named, error.reason.encode())
            # as an error of the transfer: by upstream's FERROR_UTF8 the client of a daemon would end with 0
            session.xfer_error = True
            session.reporter.wire(mux.ERROR_XFER, text)
            self._drop(entry)
            return
        copied = entry.flags & HLINKED and start <= entry.hlink != ndx
        if entry.link is None or copied or not session.agreement.links_converted:
            return
        try:
            entry.link = self._charset.from_wire(entry.link)
        except Unconvertible as error:
            path = os.path.abspath(entry.name)
            text = b'[%s] cannot convert symlink data for: "%s" (%s)\n' % (
                self.who,
                path,
                error.reason.encode(),
            )
            session.xfer_error = True
            session.reporter.error_xfer(text)
            self._drop(entry)

    def _drop(self, entry: FileEntry) -> None:
        self._session.io_error |= IOERR_GENERAL
        entry.name = b""
        entry.flags |= UNNAMED
