"""What is said of each item: on the client's standard output, in a log file, or in both.

Clauses OUT-1, OUT-2, OUT-12 to OUT-14; upstream ``log.c:log_item``,
``maybe_log_item``, ``log_delete``, ``log_formatted``.
"""

from __future__ import annotations

import os
import stat
import time

from ..files.ids import may_set_group
from ..files.rank import rank
from ..options.logformat import expand
from ..typed import TYPE_CHECKING
from ..wire import items
from ..wire.entry import FileEntry
from .flags import flag_letters
from .numbers import human

if TYPE_CHECKING:
    from .session import Session


class ItemLog:
    """The lines of one session. A server prints none: its client does, from the items that it sees."""

    def __init__(self, session: Session) -> None:
        options = session.options
        self._session = session
        self._stdout = None
        if options.out_format is not None and not options.server:
            self._stdout = os.fsencode(options.out_format)
        self._file: bytes | None = None
        if options.log_file_format and session.reporter.logs:
            self._file = os.fsencode(options.log_file_format)
        self._itemizing = options.logfile_has_i if options.server else bool(options.format_has_i)
        shown = b"B" in (self._stdout or b"") + (self._file or b"")
        #: By name, the permissions as the other side sent them, where ``%B`` is to show those; else None.
        self.sent_modes: dict[bytes, int] | None = {} if shown and not options.perms else None
        self._read = self._written = 0  # when the transfer of the present file began
        self._digest = b""

    @property
    def silent(self) -> bool:
        """Whether nothing is said of a file whose data moves."""
        return self._stdout is None and self._file is None

    @property
    def counts(self) -> bool:
        """Whether something may be said that is only known while a file's data moves."""
        return bool(set(b"bcC") & {*(self._stdout or b""), *(self._file or b"")})

    # -- what happened ----------------------------------------------------

    def seen(self, entry: FileEntry, iflags: int, xname: bytes = b"") -> None:
        """An item that is no transfer, as it passes the sender or comes back from it."""
        options = self._session.options
        significant = iflags & items.SIGNIFICANT
        see = self._itemizing and (significant or xname or options.tells_unchanged)
        if options.server:
            if see and not options.dry_run and (significant or options.logfile_has_i):
                self._to_file(entry, iflags, xname)
        elif see or xname or (significant and (iflags & items.LOCAL_CHANGE or entry.is_dir)):
            self._to_stdout(entry, iflags, xname)
            if significant or options.logfile_has_i:
                self._to_file(entry, iflags, xname)

    def made(self, entry: FileEntry, iflags: int, xname: bytes = b"") -> None:
        """Below protocol 29, where no items travel: what the generator's own side did."""
        self._to_stdout(entry, iflags, xname)
        if self._session.options.logfile_has_i:
            self._to_file(entry, iflags, xname)

    def named(self, name: bytes) -> None:
        """Something was made or changed here: a log file whose format has no flags just names it."""
        session, options = self._session, self._session.options
        if session.dialect.iflags and options.info["NAME"] and not options.logfile_has_i:
            session.reporter.log(name + b"\n")

    def begins(self) -> None:
        """The transfer of a file begins: ``%b`` and ``%c`` count from here."""
        link = self._session.link
        self._read, self._written = link.data_in, link.data_out
        self._digest = b""

    def only_said(self, entry: FileEntry, iflags: int) -> None:
        """The data would move if this were no dry run, nor a batch file all that is written."""
        self._to_stdout(entry, iflags, b"")

    def before(self, entry: FileEntry, iflags: int) -> None:
        """The data is about to move."""
        options = self._session.options
        if options.log_before:
            self._to_stdout(entry, iflags, b"")
        elif not options.server and options.info["NAME"] and options.info["PROGRESS"] == 1:
            self._session.reporter.client(entry.name + b"\n")

    def after(self, entry: FileEntry, iflags: int, digest: bytes) -> None:
        """The data has moved."""
        self._digest = digest
        if not self._session.options.log_before:
            self._to_stdout(entry, iflags, b"")
        self._to_file(entry, iflags, b"")

    def deleted(self, name: bytes, mode: int) -> None:
        """Something was deleted, here or (on a client) by the server."""
        session, options = self._session, self._session.options
        entry = FileEntry(name, mode)
        if options.server and session.dialect.iflags:
            session.reporter.deleted(name, stat.S_ISDIR(mode))
        elif options.server:  # the client learns of it as a text, if it would show it at all
            if options.info["DEL"] or options.out_format is not None:
                session.reporter.info(self._deletion(None, entry))
        elif options.info["DEL"] or self._stdout is not None:
            chosen = self._stdout if options.format_has_o_or_i else None
            session.reporter.client(self._deletion(chosen, entry))
        if self._file is not None and not options.dry_run:
            chosen = self._file if options.logfile_has_o_or_i else None
            session.reporter.log(self._deletion(chosen, entry))

    # -- lines ------------------------------------------------------------

    def _to_stdout(self, entry: FileEntry, iflags: int, xname: bytes) -> None:
        if self._stdout is not None:
            self._session.reporter.client(self._line(self._stdout, entry, iflags, xname))

    def _to_file(self, entry: FileEntry, iflags: int, xname: bytes) -> None:
        if self._file is not None:
            self._session.reporter.log(self._line(self._file, entry, iflags, xname))

    def _deletion(self, pattern: bytes | None, entry: FileEntry) -> bytes:
        return self._line(pattern if pattern is not None else b"deleting %n", entry, -1, b"")

    def _line(self, pattern: bytes, entry: FileEntry, iflags: int, xname: bytes) -> bytes:
        return expand(pattern, lambda *escape: self._value(entry, iflags, xname, *escape))

    def _value(
        self, entry: FileEntry, iflags: int, xname: bytes, letter: str, quotes: int, wide: bool
    ) -> bytes | None:
        """What stands for an escape; ``iflags`` is -1 for a deletion."""
        session = self._session
        if letter in "haPmu":
            if session.module is None:
                return b"" if letter == "m" else None
            return session.module.facts.get(letter)
        if letter == "n":
            return entry.name + (b"/" if entry.is_dir else b"")
        if letter == "f":
            return self._path(entry)
        if letter == "i":
            if iflags < 0:
                return b"*deleting  "
            return flag_letters(entry, iflags, session).encode()
        if letter == "L":
            if xname:
                return b" => " + xname
            return b" -> " + entry.link if entry.is_link and entry.link is not None and iflags >= 0 else b""
        if letter == "o":
            return b"del." if iflags < 0 else b"send" if session.role == "sender" else b"recv"
        if letter in "lbc":
            return human(self._count(letter, entry, iflags), quotes).encode()
        if letter == "C":
            return self._checksum(entry, iflags)
        if letter == "U":
            return b"%d" % (entry.uid if session.options.owner else 0)
        if letter == "G":
            ours = iflags < 0 or session.role == "sender" or may_set_group(entry.gid, rank(session.options))
            shown = session.options.group and ours
            return b"%d" % entry.gid if shown else b"DEFAULT"
        if letter == "p":
            return b"%d" % os.getpid()
        if letter == "B":
            return stat.filemode(self._mode(entry, iflags))[1:].encode()
        if letter == "M":
            return _stamp(entry.mtime).replace(b" ", b"-")
        return _stamp(int(time.time())) if letter == "t" else None

    def _mode(self, entry: FileEntry, iflags: int) -> int:
        """OUT-1: upstream's receiver doesn't know to what its generator has changed the mode."""
        if self.sent_modes and iflags >= 0 and not iflags & items.TRANSFER and self._session.dialect.iflags:
            return self.sent_modes.get(entry.name, entry.mode)
        return entry.mode

    def _count(self, letter: str, entry: FileEntry, iflags: int) -> int:
        if letter == "l":
            return entry.size
        link, sends = self._session.link, self._session.role == "sender"
        if iflags < 0 or not iflags & items.TRANSFER:
            return 0
        if not sends:  # what asks for files and what takes them are two to upstream: this one writes nothing
            return link.data_in - self._read if letter == "b" else 0
        return link.data_out - self._written if letter == "b" else link.data_in - self._read

    def _checksum(self, entry: FileEntry, iflags: int) -> bytes:
        checksums, asked = self._session.checksums, self._session.options.checksum
        size = checksums.flist_digest_length if asked else checksums.digest_length
        digest = b""
        if entry.is_reg and iflags >= 0:
            moved = self._digest or bytes(size) if iflags & items.TRANSFER else b""  # zeros in a dry run
            digest = entry.checksum or b"" if asked else moved
        return checksums.shown(digest, listed=asked) or b" " * (2 * size)

    def _path(self, entry: FileEntry) -> bytes:
        """``%f``: with the argument's path on the sender, below the module in a daemon; no leading slash."""
        module = self._session.module
        name = entry.name
        if self._session.role == "sender" and entry.path:
            name = os.path.join(entry.path, name)
        if module is not None and not name.startswith(b"/"):
            name = os.path.join(self._session.place, name)
        if module is not None and name.startswith(module.root.rstrip(b"/") + b"/"):
            name = name[len(module.root.rstrip(b"/")) :]
        return _clean(name).removeprefix(b"/")


def _clean(path: bytes) -> bytes:
    """Without empty parts, and without ``.`` but at its end."""
    parts = path.split(b"/")
    kept = [part for at, part in enumerate(parts) if part and (part != b"." or at == len(parts) - 1)]
    return (b"/" if path.startswith(b"/") else b"") + b"/".join(kept)


def _stamp(seconds: int) -> bytes:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(seconds)).encode()
