"""What a client prints while it runs: names, itemized changes, deletions, messages of the server.

Clauses OUT-1 to OUT-7; upstream ``log.c:log_formatted``, ``maybe_log_item``,
``log_delete``, ``rwrite``, ``generator.c:list_file_entry``.
"""

from __future__ import annotations

import os
import sys

from ..engine.listed import listing_line
from ..engine.stats import Statistics
from ..options.model import Options
from ..wire import items
from ..wire.entry import FileEntry
from .progress import Progress


def _decoding() -> tuple[str, str]:
    """How bytes become characters in the user's locale, whatever Python makes of it."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return ("utf-8" if "utf" in named.lower() else "ascii"), "surrogateescape"


_DECODING = _decoding()


class Printer:
    """The client's reporter (``engine.report.Reporter``).

    ``local``: both ends are here, which shows as ``>`` for every transfer.
    """

    def __init__(self, options: Options, *, local: bool) -> None:
        self._options = options
        self._local = local
        self._names = options.verbose > 0 or options.progress
        self._out = sys.stdout.buffer
        self._progress = Progress(options) if options.progress and not options.quiet else None
        self.symlink_times = True

    def attach(self, stats: Statistics) -> None:
        """The counters that progress lines show."""
        if self._progress:
            self._progress.stats = stats

    # -- texts ------------------------------------------------------------

    def _print(self, text: bytes) -> None:
        if not self._options.quiet:
            self._out.write(text)

    def info(self, text: bytes) -> None:
        self._print(escape(text))

    def warning(self, text: bytes) -> None:
        self._to_stderr(text)

    def error(self, text: bytes) -> None:
        self._to_stderr(text)

    def error_xfer(self, text: bytes) -> None:
        self._to_stderr(text)

    def _to_stderr(self, text: bytes) -> None:
        self._out.flush()
        sys.stderr.buffer.write(escape(text))
        sys.stderr.buffer.flush()

    def flush(self) -> None:
        self._out.flush()

    # -- items ------------------------------------------------------------

    def item(self, entry: FileEntry, iflags: int, *, xname: bytes = b"") -> None:
        options = self._options
        if not iflags & items.TRANSFER:
            significant = iflags & items.SIGNIFICANT
            seen = options.itemize and (significant or xname or options.itemize > 1 or options.verbose > 1)
            changed = iflags & items.LOCAL_CHANGE and significant
            if not (seen or changed or xname or (entry.is_dir and significant)):
                return
        elif self._progress and not options.itemize and not options.dry_run:
            return  # its name stood before the progress line
        if options.itemize:
            self._print(self._flags(entry, iflags) + b" " + self._name(entry, xname))
        elif self._names:
            self._print(self._name(entry, xname))

    def deleted(self, name: bytes, is_dir: bool) -> None:
        shown = escape(name + b"/" if is_dir else name)
        if self._options.itemize:
            self._print(b"*deleting   " + shown + b"\n")
        elif self._names:
            self._print(b"deleting " + shown + b"\n")

    def _name(self, entry: FileEntry, xname: bytes) -> bytes:
        name = entry.name + (b"/" if entry.is_dir else b"")
        if xname:
            name += b" => " + xname
        elif entry.is_link and entry.link is not None and self._options.links:
            name += b" -> " + entry.link
        return escape(name) + b"\n"

    def _flags(self, entry: FileEntry, iflags: int) -> bytes:
        """OUT-2: eleven characters, the update, the kind and what differs."""
        if iflags & items.LOCAL_CHANGE:
            update = "h" if iflags & items.XNAME_FOLLOWS else "c"
        elif not iflags & items.TRANSFER:
            update = "."
        else:
            update = "<" if self._options.sender and not self._local else ">"
        if iflags & (items.IS_NEW | items.MISSING_DATA):
            mark = "+" if iflags & items.IS_NEW else "?"
            return (update + _kind(entry) + mark * 9).encode()
        options = self._options
        time_letter = "t" if options.times else "T"
        size = "s" if iflags & items.REPORT_SIZE else "."
        if entry.is_link:
            size = "."
            if not options.times or not self.symlink_times or iflags & items.REPORT_TIMEFAIL:
                time_letter = "T"
        columns = [
            ("c", items.REPORT_CHANGE),
            (size, items.REPORT_SIZE),
            (time_letter, items.REPORT_TIME),
            ("p", items.REPORT_PERMS),
            ("o", items.REPORT_OWNER),
            ("g", items.REPORT_GROUP),
            ("u", items.REPORT_ATIME),
            ("a", items.REPORT_ACL),
            ("x", items.REPORT_XATTR),
        ]
        changes = "".join(letter if iflags & flag else "." for letter, flag in columns)
        if update in ".hc" and not changes.strip("."):
            changes = " " * len(changes)
        return (update + _kind(entry) + changes).encode()

    def listed(self, entry: FileEntry) -> None:
        """OUT-5: a line of ``--list-only``."""
        self._print(escape(listing_line(entry, self._options.human_readable)) + b"\n")

    # -- progress ---------------------------------------------------------

    def file_started(self, entry: FileEntry) -> None:
        if self._progress:
            if not self._options.itemize:
                self._print(escape(entry.name) + b"\n")
            self._progress.start()

    def file_progress(self, done: int, total: int) -> None:
        if self._progress:
            self._progress.update(done, total)

    def file_done(self, total: int) -> None:
        if self._progress:
            self._progress.finish(total)


def _kind(entry: FileEntry) -> str:
    if entry.is_link:
        return "L"
    if entry.is_dir:
        return "d"
    if entry.is_device:
        return "D"
    return "S" if entry.is_special else "f"


def escape(text: bytes) -> bytes:
    """OUT-7: control characters and what is no text in this locale as ``\\#ooo``; a last newline is kept."""
    end = b"\n" if text.endswith(b"\n") else b""
    body = text[: len(text) - len(end)]
    if body.isascii() and body.decode("ascii").isprintable() and b"\\#" not in body:
        return text
    out: list[bytes] = []
    for at, char in enumerate(shown := body.decode(*_DECODING)):
        raw = char.encode("utf-8", "surrogateescape")
        escaped = char == "\\" and shown[at + 1 : at + 2] == "#" and shown[at + 2 : at + 5].isdecimal()
        if char == "\t" or (char.isprintable() and not escaped):
            out.append(raw)
        else:
            out += [b"\\#%03o" % byte for byte in raw]
    return b"".join(out) + end
