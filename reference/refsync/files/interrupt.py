"""Signals that end a run.

A handler raises ``Interrupted`` where the program is, which unwinds as an
error does: what was under way is put in order, and the run ends with the
signal's exit code. Only the first signal counts, so that a second one does not
disturb the tidying up. Clauses FS-8, END-13; upstream ``rsync.c:sig_int``,
``main.c:sigusr1_handler``.
"""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable

from ..typed import ParamSpec, TypeVar
from ..wire.errors import Exit

P = ParamSpec("P")
T = TypeVar("T")

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
    """What the handler has to know of this process."""

    depth = 0  # calls under way that are not to be interrupted
    pending: Exit | None = None
    over = False  # one has come: those after it say nothing new


def install() -> None:
    """Have the ending signals raise ``Interrupted``; a connection that broke is seen by its error instead."""
    _State.depth, _State.pending, _State.over = 0, None, False
    for number in ENDING:
        signal.signal(number, _arrived)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _arrived(number: int, frame: object) -> None:
    if _State.over:
        return
    if _State.depth:
        _State.pending = _State.pending or ENDING[number]
        return
    _State.over = True
    raise Interrupted(ENDING[number])


def uninterrupted(function: Callable[P, T]) -> Callable[P, T]:
    """For what makes something and then notes that it did: a signal waits until both are done."""

    @functools.wraps(function)
    def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        _State.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            _State.depth -= 1
            if _State.pending is not None and not _State.depth:
                code, _State.pending, _State.over = _State.pending, None, True
                raise Interrupted(code)

    return whole
