"""How a run that went wrong takes leave: of the peer, of the log and of the user.

Clauses END-1, END-7, OUT-14; upstream ``log.c:log_exit``,
``cleanup.c:_exit_cleanup``, ``rsync.c:who_am_i``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FrameType

from .. import __version__
from ..files.interrupt import Interrupted
from ..session.link import PeerClosed, PeerReset
from ..wire import mux
from ..wire.errors import EXIT_TEXT, Exit, RefsyncError
from ..wire.integers import int32
from .session import Session

#: Faults of filter rules.
OF_RULES = (
    "specified-side merge",
    "'!' rule has",
    "unexpected end of filter",
    "Unknown filter",
    "invalid modifier",
)
#: Messages that upstream prints without a program's name in front.
_BARE = (
    "[",
    "iconv_open(",
    "ERROR: ",
    "ABORTING",
    "@ERROR",
    "The ",
    "Failed to stat",
    "Your ",
    *OF_RULES,
    "Invalid ",
)
_HOME = os.path.dirname(os.path.dirname(__file__))


def closing_line(code: int, role: str, place: str) -> str:
    """END-1: the last line of a run that did not do all: its code in words and as a number, where, who."""
    text = EXIT_TEXT.get(code, "unexplained error")
    kind = "warning" if code == Exit.VANISHED else "error"
    return f"rsync {kind}: {text} (code {code}) at {place} [{role}=refsync {__version__}]\n"


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """Where an error was raised, the outermost call first; most runs end without one."""
    from traceback import walk_tb

    return walk_tb(error.__traceback__)


def place_of(error: BaseException) -> str:
    """``file(line)`` in our source where an error was raised; for an interrupt, where it was met."""
    found = "main.py(0)"
    for frame, line in _frames(error):
        file = os.path.basename(frame.f_code.co_filename)
        if frame.f_code.co_filename.startswith(_HOME) and file != "interrupt.py":
            found = f"{file}({line})"
    return found


def role_of(error: BaseException | None, *, sender: bool) -> str:
    """Which part of this side an error comes from; with ``None``, the part that ends a run."""
    if sender:
        return "sender"
    if error is None or isinstance(error, Interrupted):
        return "generator"
    for frame, _ in _frames(error):
        if frame.f_code.co_name == "run" and frame.f_code.co_filename.startswith(_HOME):
            part = os.path.basename(frame.f_code.co_filename).removesuffix(".py")
            if part in ("receiver", "generator"):
                return part
    return "Receiver"


def complaint(error: RefsyncError, role: str) -> str:
    """What an error tells, as a line; some have upstream's words and no name in front."""
    text = str(error)
    if not text:
        return ""
    if isinstance(error, PeerClosed) and not isinstance(error, PeerReset):
        return f"rsync: {text} [{role}]\n"
    return f"{text}\n" if text.startswith(("rsync: ", *_BARE)) else f"rsync: [{role}] {text}\n"


def from_system(error: OSError | MemoryError) -> RefsyncError:
    """A refusal of the system that nobody has expected: the run ends with exit 11 or 22, and says why."""
    if isinstance(error, MemoryError):
        return RefsyncError("out of memory", Exit.MALLOC).with_traceback(error.__traceback__)
    reason = f"{os.strerror(error.errno)} ({error.errno})" if error.errno else str(error)
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    where = " -> ".join(f'"{name}"' for name in names)
    fatal = RefsyncError(f"{where}: {reason}" if where else reason, Exit.FILE_IO)
    fatal.__cause__ = error
    fatal.__traceback__ = error.__traceback__
    return fatal


def say_last_words(session: Session, error: RefsyncError | Interrupted) -> None:
    """END-7: what ended the run, and with which code, for the peer; a server's words are its user's too."""
    link, server = session.link, session.options.server
    speaks = link.framed_out and not link.closed and not link.torn
    if server and (speaks or session.module is not None):
        role = role_of(error, sender=session.options.sender)
        words = complaint(error, role) if isinstance(error, RefsyncError) else ""
        words += closing_line(error.code, role, place_of(error))
        tell = session.reporter.error if speaks else session.reporter.log
        for line in words.splitlines(keepends=True):
            tell(line.encode("utf-8", "surrogateescape"))
    if speaks and session.dialect.error_exit:
        link.message(mux.ERROR_EXIT, int32(error.code))
