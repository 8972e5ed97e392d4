"""Signals that end a run.

A handler raises ``Interrupted`` where the program is, which unwinds as an
error does: what was under way is put in order, and the run ends with the
signal's exit code. Only the first signal counts, so that a second one does not
disturb the tidying up. Clauses FS-8, END-13; upstream ``rsync.c:sig_int``,
``main.c:sigusr1_handler``.
"""

from __future__ import annotations

import signal

from ..critical import postpone, reset
from ..critical import uninterrupted as uninterrupted
from ..wire.errors import Exit

#: Signals that end a run, each with its exit code.
ENDING: dict[int, Exit] = {
    signal.SIGINT: Exit.SIGNAL,
    signal.SIGTERM: Exit.SIGNAL,
    signal.SIGHUP: Exit.SIGNAL,
    signal.SIGUSR1: Exit.SIGNAL1,
}


class Interrupted(KeyboardInterrupt):
    """A signal ends the run; ``code`` is the exit code."""

    def __init__(self, code: int = Exit.SIGNAL) -> None:
        super().__init__()
        self.code = int(code)


class _State:
    over = False  # one has come: those after it say nothing new


def install() -> None:
    """Have the ending signals raise ``Interrupted``; a connection that broke is seen by its error instead."""
    _State.over = False
    reset()
    for number in ENDING:
        signal.signal(number, _arrived)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _arrived(number: int, frame: object) -> None:
    if _State.over:
        return
    _State.over = True
    stop = Interrupted(ENDING[number])
    if not postpone(stop):
        raise stop
