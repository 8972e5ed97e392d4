"""What the engine tells about a run, and to whom.

On a client ``cli.messages`` prints it; on a server ``RemoteReporter`` sends it
as messages. Upstream ``log.c:rwrite``, ``log_item``, ``log_delete``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..files.charset import Charset
from ..options.model import Options
from ..session.link import Link
from ..typed import Protocol
from ..wire import mux
from ..wire.entry import FileEntry
from ..wire.limits import MAX_MESSAGE_TEXT
from .listed import listing_line
from .module import ModuleContext


class Reporter(Protocol):
    """Texts are bytes and end in a newline; names are relative to the transfer's root."""

    @property
    def logs(self) -> bool:
        """Whether there is a log file."""

    def listed(self, entry: FileEntry) -> None:
        """An entry of a run that only lists."""

    def deleted(self, name: bytes, is_dir: bool) -> None:
        """Something was deleted, of which only the client can tell."""

    def info(self, text: bytes) -> None:
        """Something that a person may want to know."""

    def client(self, text: bytes) -> None:
        """The same, but not for the log file (upstream ``FCLIENT``)."""

    def log(self, text: bytes) -> None:
        """For the log file only (upstream ``FLOG``)."""

    def warning(self, text: bytes) -> None:
        """Something is odd; the exit code is not affected."""

    def error(self, text: bytes) -> None:
        """An error; the exit code comes from elsewhere."""

    def error_xfer(self, text: bytes) -> None:
        """A file or attribute could not be transferred: exit 23."""

    def wire(self, code: int, text: bytes) -> None:
        """A text of the peer's: in UTF-8 if names are converted (ICONV-5). ``code`` as in ``mux``."""

    def list_started(self, *, sending: bool, incremental: bool) -> None:
        """The first file list begins."""

    def list_grew(self, count: int) -> None:
        """It has so many entries by now."""

    def list_finished(self, count: int) -> None:
        """It is whole."""

    def file_progress(self, done: int, total: int) -> None:
        """So many of the file's bytes are done."""

    def file_done(self, total: int) -> None:
        """The file's data has moved."""

    def phase_done(self) -> None:
        """A file list, or a phase of the transfer, is finished."""


_SPECIAL = rb"|\\(?=#[0-9]{3})"
_UNPRINTABLE = rb"[^\t -~]" + _SPECIAL
_CONTROL = rb"[\x00-\x08\x0a-\x1f]" + _SPECIAL


def _escaped(text: bytes, *, eight_bit: bool) -> bytes:
    """OUT-7: what a server itself writes for the user, whose locale it does not know."""
    import re

    body = text.removesuffix(b"\n")
    pattern = _CONTROL if eight_bit else _UNPRINTABLE
    return re.sub(pattern, lambda found: b"\\#%03o" % found[0][0], body) + text[len(body) :]


class RemoteReporter:
    """A server's reporter: texts travel as messages, or go to standard error where that leads to the user.

    Lines about items are the client's to print, from the indexes that it sees.
    ``log`` takes what a log file is to have.
    """

    def __init__(
        self,
        link: Link,
        module: ModuleContext | None = None,
        options: Options | None = None,
        log: Callable[[bytes], None] | None = None,
    ) -> None:
        self._link = link
        self._module = module
        self._options = options or Options(server=True)
        self._log = log
        self.old = False  # below protocol 30
        self.failed = False
        self.charset: Charset | None = None

    @property
    def logs(self) -> bool:
        return self._log is not None

    def listed(self, entry: FileEntry) -> None:
        self.info(listing_line(entry, 1, atimes=bool(self._options.atimes)) + b"\n")

    def deleted(self, name: bytes, is_dir: bool) -> None:
        if self.charset is not None:
            name = self.charset.text_to_wire(name)
        self._link.message(mux.DELETED, name + b"\0" if is_dir else name)

    def info(self, text: bytes) -> None:
        self.log(text)
        self.client(text)

    def client(self, text: bytes) -> None:
        if not self._options.quiet:
            self._send(mux.INFO, text)

    def log(self, text: bytes) -> None:
        if self._log is not None:
            self._log(self._module.shown(text) if self._module else text)

    def warning(self, text: bytes) -> None:
        self.log(text)
        self._send(mux.WARNING, text)

    def error(self, text: bytes) -> None:
        self.log(text)
        self._send(mux.ERROR, text)

    def error_xfer(self, text: bytes) -> None:
        self.failed = True
        self.log(text)
        self._send(mux.ERROR_XFER, text)

    def wire(self, code: int, text: bytes) -> None:
        self.failed |= code == mux.ERROR_XFER
        self.log(text)
        if self.charset is None:
            self._send(code, text)
        elif self._to_stderr(code):
            os.write(2, self.charset.shown(text))
        else:
            self._carry(code, text)

    def list_started(self, *, sending: bool, incremental: bool) -> None:
        self.log(b"building file list\n" if sending else b"receiving file list\n")

    def list_grew(self, count: int) -> None:
        pass

    def list_finished(self, count: int) -> None:
        pass

    def file_progress(self, done: int, total: int) -> None:
        pass

    def file_done(self, total: int) -> None:
        pass

    def phase_done(self) -> None:
        pass

    def _send(self, code: int, text: bytes) -> None:
        """OUT-15: where a text of ours goes."""
        if self._to_stderr(code):
            os.write(2, _escaped(text, eight_bit=self._options.eight_bit))
            return
        if self._module:
            text = self._module.shown(text)
        self._carry(code, text if self.charset is None else self.charset.text_to_wire(text))

    def _to_stderr(self, code: int) -> bool:
        way = self._options.stderr
        return way == "all" or (way == "errors" and code != mux.INFO)

    def _carry(self, code: int, text: bytes) -> None:
        """A client below protocol 30 knows fewer codes (MUX-8)."""
        if self.old:
            code = {mux.ERROR: mux.ERROR_XFER, mux.WARNING: mux.INFO}.get(code, code)
        if self._link.framed_out:
            self._link.message(code, text[: MAX_MESSAGE_TEXT - 1])
