"""What is done whole or not at all: an error that a signal asks for waits until it has been done.

Plain bookkeeping, so that the sans-IO layers can mark what must not be cut in two, as bytes that are
taken from one buffer and put into another. ``files.interrupt`` has the signals. Clauses FS-8, END-13.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from .typed import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _State:
    depth = 0  # calls under way that are not to be interrupted
    waiting: BaseException | None = None


def reset() -> None:
    """As if nothing were under way: for a process that begins."""
    _State.depth, _State.waiting = 0, None


def postpone(error: BaseException) -> bool:
    """True if ``error`` is raised as soon as it may be; False if nothing is under way: raise it now."""
    if not _State.depth:
        return False
    _State.waiting = error
    return True


def uninterrupted(function: Callable[P, T]) -> Callable[P, T]:
    """For what makes something and then notes that it did: a signal waits until both are done."""

    @functools.wraps(function)
    def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        _State.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            _State.depth -= 1
            if _State.waiting is not None and not _State.depth:
                error, _State.waiting = _State.waiting, None
                raise error

    return whole
