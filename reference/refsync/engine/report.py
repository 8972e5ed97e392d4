"""What the engine tells about a run, and to whom.

On a client ``cli.messages`` prints it; on a server ``RemoteReporter`` sends it
as messages. Upstream ``log.c:rwrite``, ``log_item``, ``log_delete``.
"""

from __future__ import annotations

from typing import Protocol

from ..session.link import Link
from ..wire import mux
from ..wire.entry import FileEntry
from ..wire.limits import MAX_MESSAGE_TEXT
from .listed import listing_line
from .module import ModuleContext


class Reporter(Protocol):
    """Texts are bytes and end in a newline; names are relative to the transfer's root."""

    def item(self, entry: FileEntry, iflags: int, *, xname: bytes = b"") -> None:
        """An entry was transferred or changed, or (with no significant flag) looked at."""

    def listed(self, entry: FileEntry) -> None:
        """An entry of a run that only lists."""

    def deleted(self, name: bytes, is_dir: bool) -> None:
        """Something was deleted."""

    def info(self, text: bytes) -> None:
        """Something that a person may want to know."""

    def warning(self, text: bytes) -> None:
        """Something is odd; the exit code is not affected."""

    def error(self, text: bytes) -> None:
        """An error; the exit code comes from elsewhere."""

    def error_xfer(self, text: bytes) -> None:
        """A file or attribute could not be transferred: exit 23."""

    def file_started(self, entry: FileEntry) -> None:
        """The data of a file begins to move."""

    def file_progress(self, done: int, total: int) -> None:
        """So many of the file's bytes are done."""

    def file_done(self, total: int) -> None:
        """The file's data has moved."""


class RemoteReporter:
    """The server's reporter: the client prints items from the indexes it sees, texts travel as messages."""

    def __init__(self, link: Link, module: ModuleContext | None = None) -> None:
        self._link = link
        self._module = module
        self.failed = False

    def item(self, entry: FileEntry, iflags: int, *, xname: bytes = b"") -> None:
        pass

    def listed(self, entry: FileEntry) -> None:
        self.info(listing_line(entry, 1) + b"\n")

    def deleted(self, name: bytes, is_dir: bool) -> None:
        self._link.message(mux.DELETED, name + b"\0" if is_dir else name)

    def info(self, text: bytes) -> None:
        self._send(mux.INFO, text)

    def warning(self, text: bytes) -> None:
        self._send(mux.WARNING, text)

    def error(self, text: bytes) -> None:
        self._send(mux.ERROR, text)

    def error_xfer(self, text: bytes) -> None:
        self.failed = True
        self._send(mux.ERROR_XFER, text)

    def file_started(self, entry: FileEntry) -> None:
        pass

    def file_progress(self, done: int, total: int) -> None:
        pass

    def file_done(self, total: int) -> None:
        pass

    def _send(self, code: int, text: bytes) -> None:
        if self._module:
            text = self._module.shown(text)
        if self._link.framed_out:
            self._link.message(code, text[: MAX_MESSAGE_TEXT - 1])
