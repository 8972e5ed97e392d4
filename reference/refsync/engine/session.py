"""What the roles of one side share: the link, what was agreed, what was asked for, what has happened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from ..delta.checksums import Checksums
from ..files.charset import Charset
from ..files.ids import LOCAL_NAMES, Names
from ..files.sources import PLAIN, Files
from ..files.xattrs import XattrNames
from ..filters.rulelist import FilterList
from ..filters.rules import DIRECTORY, INCLUDE, Rule
from ..options.model import Options
from ..options.preserved import preserved
from ..records import dataclass, field
from ..session.link import Link
from ..session.setup import Agreement
from ..typed import TYPE_CHECKING
from ..wire import mux
from ..wire.dialect import Dialect
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.flist import Preserve
from ..wire.ndx import NdxCodec
from ..wire.stats import DeleteStats
from .itemlog import ItemLog
from .module import ModuleContext
from .report import Reporter
from .stats import Statistics

if TYPE_CHECKING:
    from ..uring.ring import Ring
    from .batch import Recorder, Replay

#: Bits of io_error (FLIST-15): not readable; vanished; deletions stopped by --max-delete.
IOERR_GENERAL = 1
IOERR_VANISHED = 2
IOERR_DEL_LIMIT = 4
IOERR_KNOWN = 7
#: What upstream's largest tables hold for each entry of a file list, and for each block of a file: OPT-16
#: counts by these, so that a limit means the same to both.
POINTER, BLOCK_SUM = 8, 24
#: Room that a file list has from the start, in entries.
LIST_START = 32 * 1024
#: A longer timeout than a day is no timeout that a daemon means.
MAX_TIMEOUT = 86400


class PeerExit(RefsyncError):
    """END-7: the peer ended the session with an exit code of its own; what went wrong it has said itself."""

    def __init__(self, code: int) -> None:
        super().__init__("", code)


@dataclass(slots=True)
class Session:
    """One side of a transfer.

    ``xfer_error`` is set once anything was reported that makes the exit code
    23. ``statuses`` collects what the receiver (or, by message, the sender)
    tells the generator about indexes: ("success" | "redo" | "no-send", ndx).
    """

    link: Link
    options: Options
    agreement: Agreement
    reporter: Reporter
    role: str  # "sender", "receiver", "generator": names the process in messages
    checksums: Checksums = field(init=False)
    ndx_in: NdxCodec = field(init=False)
    ndx_out: NdxCodec = field(init=False)
    preserve: Preserve = field(init=False)
    items: ItemLog = field(init=False)
    stats: Statistics = field(default_factory=Statistics)
    deletions: DeleteStats = field(default_factory=DeleteStats)
    io_error: int = 0
    xfer_error: bool = False
    statuses: list[tuple[str, int]] = field(default_factory=list)
    module: ModuleContext | None = None
    files: Files = PLAIN  # how whole paths are resolved
    recorder: Recorder | None = None  # a batch file is written
    replay: Replay | None = None  # a batch file is the sender
    place: bytes = b""  # where files are written to
    xattr_names: XattrNames = field(init=False)  # which attributes take part
    on_success: Callable[[bytes], None] | None = None  # on a sender: what the peer has received
    charset: Charset | None = None  # that of this side's names, if names are converted

    def __post_init__(self) -> None:
        agreement, options = self.agreement, self.options
        dialect = agreement.dialect
        self.checksums = Checksums(
            agreement.transfer_checksum,
            agreement.list_checksum,
            agreement.seed,
            dialect.protocol,
            dialect.seed_before,
            named=dialect.negotiated_strings or (options.checksum_choice or "auto") != "auto",
        )
        self.xattr_names = XattrNames(options, sender=self.role == "sender")
        self.ndx_in = NdxCodec(dialect.varints)
        self.ndx_out = NdxCodec(dialect.varints)
        if options.open_noatime:  # of what is read: upstream has it on all opening
            self.checksums.open_flags = os.O_NOATIME
        self.preserve = preserved(options, self.checksums.flist_digest_length)
        self.items = ItemLog(self)
        self.link.on_message = self.on_message
        self.link.keepalive = self.keepalive

    @property
    def dialect(self) -> Dialect:
        return self.agreement.dialect

    def allocate(self, count: int, size: int) -> None:
        """OPT-16: so many things of so many bytes are to be held at once; exit 22 if that is too much."""
        limit = self.options.max_alloc
        if limit and count >= limit // size:
            text = f"[{self.role}] exceeded --max-alloc={limit} setting"
            raise RefsyncError(text, Exit.MALLOC)

    def grow_list(self, count: int) -> None:
        """The same for a file list, whose room is doubled when it is full."""
        if count & (count - 1) == 0 and count >= LIST_START:
            self.allocate(2 * count, POINTER)

    def grow_lists(self, before: int, now: int) -> None:
        """The same for several entries at once."""
        for count in range(max(before, LIST_START), now):
            self.grow_list(count)

    @property
    def names(self) -> Names:
        """Who has which id."""
        return self.module.names if self.module is not None else LOCAL_NAMES

    @property
    def append(self) -> int:
        """0, 1 for ``--append``, 2 if the digest covers the old part too: always below protocol 30."""
        options = self.options
        return 2 if options.append and self.dialect.append_verifies else options.append

    @property
    def who(self) -> str:
        """The process that speaks for this side unless it says otherwise."""
        return "Receiver" if self.role == "receiver" and not self.options.forked else self.role

    def ring(self) -> Ring | None:
        """The io_uring that data moves over, made on first use; None where it is off or there is none."""
        options = self.options
        if options.io_uring == "off":
            return None
        from ..uring.choice import obtain

        return obtain(options.io_uring, options.io_uring_depth, sqpoll=options.io_uring_sqpoll)

    # -- telling ----------------------------------------------------------

    def tell_ring(self) -> None:
        """``--debug=uring``: what has moved over the ring, or why nothing has."""
        if self.options.debug["URING"]:
            from ..uring.choice import told

            for text in told(self.options.io_uring):
                self.debug("URING", 1, f"[{self.role}] {text}")

    def fail(self, text: bytes | str, who: str = "") -> None:
        """A file or attribute could not be transferred; the run goes on and ends with 23.

        ``who``: the part of this side that speaks, if it is not the one that it is named for.
        """
        self.xfer_error = True
        self.reporter.error_xfer(self._line(text, who or self.who))

    def error(self, text: bytes | str, who: str = "") -> None:
        """As upstream's FERROR: told, and of no consequence for the exit code."""
        self.reporter.error(self._line(text, who or self.who))

    def say(self, text: bytes) -> None:
        """As upstream's FERROR: told as an error, without a word in the exit code."""
        self.reporter.error(text + b"\n")

    def warn(self, text: bytes | str) -> None:
        """As upstream's FWARNING."""
        self.reporter.warning(self._line(text, ""))

    def debug(self, word: str, level: int, text: bytes | str, *, client: bool = False) -> None:
        """A line of ``--debug``, if so much of that was asked for; ``client``: not for the log file."""
        if self.options.debug[word] >= level:
            raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
            (self.reporter.client if client else self.reporter.info)(raw + b"\n")

    def watch(self, filters: FilterList, who: bytes) -> None:
        """``FILTER``: say which rule decides about which name; ``who`` is the sender or the generator."""
        if not self.options.debug["FILTER"]:
            return
        verbs = (b"protect", b"risk") if who == b"generator" else (b"hid", b"show")

        def tell(rule: Rule, name: bytes, is_dir: bool, origin: bytes) -> None:
            verb = verbs[bool(rule.flags & INCLUDE)]
            pattern = rule.pattern + (b"/" if rule.flags & DIRECTORY else b"") + origin
            kind = b"directory " if is_dir else b"file "
            self.debug(
                "FILTER",
                1,
                b"[" + who + b"] " + verb + b"ing " + kind + name + b" because of pattern " + pattern,
            )

        filters.tell = tell

    @staticmethod
    def _line(text: bytes | str, who: str) -> bytes:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        return (b"rsync: [%s] " % who.encode() if who else b"") + raw + b"\n"

    def exit_code(self) -> int:
        """END-2: what the run ends with when nothing fatal happened."""
        if self.io_error & IOERR_GENERAL or self.xfer_error:
            return Exit.PARTIAL
        if self.io_error & IOERR_VANISHED:
            return Exit.VANISHED
        if self.io_error & IOERR_DEL_LIMIT:
            return Exit.DEL_LIMIT
        return Exit.OK

    def keepalive(self) -> None:
        """MUX-10: something that means nothing, so that the peer does not give up on us."""
        if self.link.framed_out:
            self.link.message(mux.DATA)

    # -- being told -------------------------------------------------------

    def on_message(self, code: int, payload: bytes) -> None:
        """MUX-8 to MUX-12: what a message from the peer does here."""
        if code in (mux.INFO, mux.WARNING, mux.ERROR, mux.ERROR_XFER):
            self.xfer_error |= code == mux.ERROR_XFER
            self.reporter.wire(code, payload)
        elif code == mux.DELETED:
            is_dir = payload.endswith(b"\0")
            name = payload[:-1] if is_dir else payload
            if self.charset is not None:
                name = self.charset.text_from_wire(name)
            self.items.deleted(name, stat.S_IFDIR if is_dir else stat.S_IFREG)
        elif code == mux.IO_TIMEOUT:
            limit = int.from_bytes(payload, "little", signed=True)
            if not self.options.server and 0 < limit <= MAX_TIMEOUT:
                self.link.idle_limit = min(limit, self.options.timeout or limit)
        elif code == mux.ERROR_EXIT:
            self._peer_exits(int.from_bytes(payload, "little", signed=True))
        elif code in (mux.IO_ERROR, mux.NO_SEND, mux.SUCCESS):
            value = int.from_bytes(payload[:4], "little", signed=True)
            if code == mux.IO_ERROR:
                self.io_error |= value & IOERR_KNOWN
            elif value < 0:
                raise ProtocolError(f"message about file index {value}", clause="MUX-9")
            elif self.role == "sender":
                if code == mux.SUCCESS and self.on_success is not None:
                    self.on_success(payload)
            else:
                self.statuses.append(("no-send" if code == mux.NO_SEND else "sent", value))

    def _peer_exits(self, code: int) -> None:
        """END-7: answer, so that neither side waits for the other, and end with the same code."""
        if self.dialect.error_exit and code:
            reply = b"" if self.role == "sender" else code.to_bytes(4, "little", signed=True)
            self.link.message(mux.ERROR_EXIT, reply)
        # a process can't end with any other code: 256 would be success
        raise PeerExit(code if 0 < code < 256 else Exit.PARTIAL)


def os_error(what: str, path: bytes, error: OSError, tail: bytes = b"failed") -> bytes:
    """``what "path" failed: reason (number)``, with the path made absolute by the caller."""
    reason = os.strerror(error.errno or 0).encode()
    parts = [what.encode(), b'"' + path + b'"']
    if tail:
        parts.append(tail)
    return b" ".join(parts) + b": " + reason + b" (%d)" % (error.errno or 0)
