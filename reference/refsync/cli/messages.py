"""What a client prints while it runs: lines about items, messages of either side, progress.

Clauses OUT-3, OUT-5, OUT-7, OUT-14 to OUT-16; upstream ``log.c:rwrite``,
``generator.c:list_file_entry``, ``flist.c:start_filelist_progress``.
"""

from __future__ import annotations

import os
import sys
import time

from ..engine.listed import listing_line
from ..engine.stats import Statistics
from ..files.charset import Charset
from ..options.model import Options
from ..transport.childerr import pass_on
from ..typed import TYPE_CHECKING, BinaryIO
from ..wire import mux
from ..wire.entry import FileEntry

if TYPE_CHECKING:
    from ..files.log import Log
    from ..session.link import Link
    from .progress import Progress

#: What is escaped even if any other byte may be printed.
_CONTROLS = rb"[\x00-\x08\x0a-\x1f]|\\(?=#[0-9]{3})"
#: Output that nobody watches is passed on at least this often, in seconds.
FLUSH_EVERY = 0.25


def _decoding() -> tuple[str, str]:
    """How bytes become characters in the user's locale, whatever Python makes of it."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return ("utf-8" if "utf" in named.lower() else "ascii"), "surrogateescape"


_DECODING = _decoding()


class Printer:
    """The client's reporter (``engine.report.Reporter``); texts to errors also end an unfinished line."""

    def __init__(self, options: Options, log: Log | None = None) -> None:
        self._options = options
        self._log = log
        self._out: BinaryIO = sys.stderr.buffer if options.stderr == "all" else sys.stdout.buffer
        self._live = (options.outbuf or "")[:1].upper() in ("N", "U", "L") or self._out.isatty()
        self._flushed = 0.0
        self._open_line = False  # what was printed last has no newline yet
        self._counting = False  # a running count of the file list stands there
        levels = options.info["PROGRESS"]
        self._progress: Progress | None = None
        if levels and not options.quiet:
            from .progress import Progress

            self._progress = Progress(options, self._rewrite)
        self._stats = Statistics()
        self.link: Link | None = None  # what counts the bytes of a run that fails
        self._shows_list = options.info["FLIST"] > 0
        self.charset: Charset | None = None  # that of names, if they are converted

    def attach(self, stats: Statistics) -> None:
        """The counters that progress lines and the log's totals show."""
        self._stats = stats
        if self._progress:
            self._progress.stats = stats

    def log_totals(self, code: int, *, by_peer: bool = False) -> None:
        """OUT-14: the log's last line, but for an error. Of a run that failed only a sender knows them."""
        told = self._options.info["STATS"] and (by_peer or not code)
        if not told and (self._options.sender or not code):
            stats, link = self._stats, self.link
            sent, received = stats.total_written, stats.total_read
            if self._options.sender and link is not None:
                sent, received = link.bytes_out, link.bytes_in
            self.log(stats.totals_line(sent, received))

    # -- texts ------------------------------------------------------------

    @property
    def logs(self) -> bool:
        return self._log is not None

    def info(self, text: bytes) -> None:
        self.log(text)
        self.client(text)

    def client(self, text: bytes) -> None:
        if not self._options.quiet:
            self._print(escape(text, eight_bit=self._options.eight_bit))

    def _print(self, text: bytes) -> None:
        self._finish_line(self._out)
        self._out.write(text)
        if self._live:
            self._out.flush()
            return
        now = time.monotonic()
        if now - self._flushed > FLUSH_EVERY:
            self._flushed = now
            self._out.flush()

    def log(self, text: bytes) -> None:
        if self._log is not None:
            self._log.write(text)

    def wire(self, code: int, text: bytes) -> None:
        """ICONV-5: what names are converted to is also what the peer's texts are shown in."""
        self.log(text)
        if code == mux.INFO and self._options.quiet:
            return
        if self.charset is None:
            shown = escape(text, eight_bit=self._options.eight_bit)
        else:
            shown = escape(text, charset=self.charset)
        if code == mux.INFO:
            self._print(shown)
        else:
            self._complain(shown)

    def warning(self, text: bytes) -> None:
        self.error(text)

    def error_xfer(self, text: bytes) -> None:
        self.error(text)

    def error(self, text: bytes) -> None:
        self.log(text)
        self._complain(escape(text, eight_bit=self._options.eight_bit))

    def _complain(self, text: bytes) -> None:
        self._out.flush()
        self._finish_line(sys.stderr.buffer)
        sys.stderr.buffer.write(text)
        sys.stderr.buffer.flush()

    def interject(self, data: bytes) -> None:
        """What a remote shell says on its standard error: as it is, after what we have said so far."""
        self._out.flush()
        self._finish_line(sys.stderr.buffer)
        pass_on(data)

    def flush(self) -> None:
        self._out.flush()

    def finish(self) -> None:
        """The run ends: no line is left open. Upstream's last newline goes to standard output in any case."""
        self._out.flush()
        self._finish_line(sys.stdout.buffer)
        sys.stdout.buffer.flush()

    def _rewrite(self, text: bytes, ends: bool) -> None:
        """Progress: over the line that stands there."""
        self._out.write(text)
        self._open_line = not ends
        if not ends:
            self._out.flush()

    def _finish_line(self, out: BinaryIO) -> None:
        if self._open_line:
            self._open_line = False
            out.write(b"\n")

    # -- items and lists --------------------------------------------------

    def deleted(self, name: bytes, is_dir: bool) -> None:
        """Only a server passes this on."""

    def listed(self, entry: FileEntry) -> None:
        """OUT-5: a line of ``--list-only``."""
        options = self._options
        self.info(listing_line(entry, options.human_readable, atimes=bool(options.atimes)) + b"\n")

    def list_started(self, *, sending: bool, incremental: bool) -> None:
        """OUT-16: what ``FLIST`` tells of the first list."""
        self.log(b"building file list\n" if sending else b"receiving file list\n")
        options = self._options
        if not self._shows_list:
            return
        if incremental:
            self.client((b"sending" if sending else b"receiving") + b" incremental file list\n")
            self._shows_list = False
        elif options.recurse or options.dirs:
            if not options.quiet:
                self._rewrite(b"building file list ... " if sending else b"receiving file list ... ", False)
        else:
            self._shows_list = False

    def list_grew(self, count: int) -> None:
        if self._shows_list and self._options.info["FLIST"] > 1 and not self._options.quiet:
            if self._open_line and not self._counting:
                self._finish_line(self._out)
            self._counting = True
            self._rewrite(b" %d files...\r" % count, False)

    def list_finished(self, count: int) -> None:
        if self._shows_list:
            self._open_line = False
            self.info(
                (b"1 file to consider\n" if count == 1 else b"%d files to consider\n" % count)
                if self._options.info["FLIST"] > 1
                else b"done\n"
            )

    # -- progress ---------------------------------------------------------

    def file_progress(self, done: int, total: int) -> None:
        if self._progress:
            self._progress.update(done, total)

    def file_done(self, total: int) -> None:
        if self._progress:
            self._progress.finish(total)

    def phase_done(self) -> None:
        if self._progress and self._options.info["PROGRESS"] > 1:
            self._progress.finish(0)


def escape(text: bytes, *, eight_bit: bool = False, charset: Charset | None = None) -> bytes:
    """OUT-7: control characters and what is no text in this locale as ``\\#ooo``; a last newline is kept.

    With ``eight_bit`` whatever is not a control character is left as it is, with ``charset`` what
    that set can show of UTF-8.
    """
    end = b"\n" if text.endswith(b"\n") else b""
    body = text[: len(text) - len(end)]
    if body.isascii() and body.decode("ascii").isprintable() and b"\\#" not in body:
        return text
    out: list[bytes] = []
    if charset is not None or eight_bit:
        import re

        body = re.sub(_CONTROLS, lambda found: b"\\#%03o" % found[0][0], body)
        return (charset.shown(body) if charset is not None else body) + end
    for at, char in enumerate(shown := body.decode(*_DECODING)):
        raw = char.encode("utf-8", "surrogateescape")
        escaped = char == "\\" and shown[at + 1 : at + 2] == "#" and shown[at + 2 : at + 5].isdecimal()
        if char == "\t" or (char.isprintable() and not escaped):
            out.append(raw)
        else:
            out += [b"\\#%03o" % byte for byte in raw]
    return b"".join(out) + end
