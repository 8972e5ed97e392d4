"""How fast bytes may go out, and until when.

A bandwidth limit is a debt: each write adds to it, time pays it off, and
while more than a tenth of a second's worth is owed nothing is written. What
comes in is read all the same. Clauses END-11, END-12; upstream
``io.c:sleep_for_bwlimit``, ``perform_io``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..wire.errors import Exit, RefsyncError

#: A debt that is paid off sooner is not waited for.
SHORTEST_PAUSE = 0.1
#: The system's waiting takes no more than some weeks.
LONGEST_WAIT = 3600.0
#: One write is at most an eighth of a second's worth, but never less than this.
SMALLEST_WRITE = 512


class Pace:
    """``limit`` is in KiB a second, 0 for none; ``stop_at`` seconds since 1970 or None.

    ``clock`` counts seconds and ``now`` knows the date, for tests.
    """

    def __init__(
        self,
        limit: int = 0,
        stop_at: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rate = limit * 1024
        self._stop_at = stop_at
        self._clock, self._now = clock, now
        self._debt = 0.0
        self._paid_at = clock()
        self._resume_at = 0.0

    @property
    def most(self) -> int:
        """The most that one write may have; 0 for no bound."""
        return max(SMALLEST_WRITE, self._rate // 8) if self._rate else 0

    def wrote(self, count: int) -> None:
        """So many bytes went out."""
        if not self._rate:
            return
        at = self._clock()
        self._debt = max(0.0, self._debt - (at - self._paid_at) * self._rate) + count
        self._paid_at = at
        wait = self._debt / self._rate
        self._resume_at = at + wait if wait >= SHORTEST_PAUSE else 0.0

    def pause(self) -> float:
        """Seconds until the next byte may go out."""
        if not self._resume_at:
            return 0.0
        left = self._resume_at - self._clock()
        if left <= 0:
            self._resume_at = 0.0
            return 0.0
        return left

    def check(self) -> None:
        """``RefsyncError`` (exit 30) once it is time to stop."""
        if self._stop_at is not None and self._now() >= self._stop_at:
            raise RefsyncError("stopping at requested limit", Exit.TIMEOUT)

    def left(self) -> float | None:
        """Seconds until it is worth looking again; None if it is never."""
        return None if self._stop_at is None else min(LONGEST_WAIT, max(0.01, self._stop_at - self._now()))
