"""Progress lines.

Clause OUT-4; upstream ``progress.c:rprint_progress``, ``show_progress``, ``end_progress``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from ..engine.numbers import human
from ..engine.stats import Statistics
from ..options.model import Options

#: Seconds between two updates of a line.
INTERVAL = 1.0
#: A rate is that of so many last updates.
HISTORY = 5
#: A file that begins so soon after the last update has its start there.
RECENT = 1.5


class Progress:
    """The line of the file that is moving, or (level 2) of the whole transfer.

    ``write(text, ends)`` puts a text over the line that stands there.
    """

    def __init__(self, options: Options, write: Callable[[bytes, bool], None]) -> None:
        self._level = options.human_readable
        self._whole = options.info["PROGRESS"] > 1
        self._write = write
        self._began: tuple[float, int] | None = None  # when, and how far it was
        self._marks: deque[tuple[float, int]] = deque(maxlen=HISTORY)
        self._length = 0  # of the last ending, which a shorter one has to cover
        self.stats = Statistics()

    def update(self, done: int, total: int) -> None:
        """So much of the file has moved: shown at its first piece, then once in a while."""
        now = time.monotonic()
        if self._whole:
            done = self.stats.total_transferred_size - total + done
            total = self.stats.total_size
        if self._began is None:
            recent = self._marks and now - self._marks[-1][0] <= RECENT
            self._began = (self._marks[-1][0], 0) if recent else (now, done)
            self._marks.clear()
        elif now - self._marks[-1][0] < INTERVAL:
            return
        since, before = self._marks[0] if self._marks else self._began
        self._marks.append((now, done))
        rate = (done - before) / max(now - since, 0.001) / 1024
        remaining = (total - done) / rate / 1000 if rate else 0.0
        self._line(done, total, rate, remaining, b"  ", ends=False)

    def finish(self, total: int) -> None:
        """The file is done, or (level 2) so much of the transfer."""
        stats = self.stats
        now = time.monotonic()
        began, before = self._began or (now, 0)
        kind = "to" if stats.all_listed else "ir"
        left = stats.num_files - stats.checked
        tail = f" (xfr#{stats.num_transferred_files}, {kind}-chk={left}/{stats.num_files})"
        done = total
        if self._whole:
            done, total = stats.total_transferred_size, stats.total_size
            covered, self._length = self._length, len(tail)
            tail = tail.ljust(covered)
        else:
            self._began = None
            tail += "\n"
        elapsed = max(now - began, 0.001)
        self._line(
            done, total, (done - before) / elapsed / 1024, elapsed, tail.encode(), ends=not self._whole
        )

    def _line(self, done: int, total: int, rate: float, seconds: float, tail: bytes, *, ends: bool) -> None:
        unit = "kB/s"
        if rate > 1024 * 1024:
            rate, unit = rate / 1024 / 1024, "GB/s"
        elif rate > 1024:
            rate, unit = rate / 1024, "MB/s"
        clock = "  ??:??:??"
        if 0 <= seconds <= 9999 * 3600:
            clock = f"{int(seconds / 3600):4d}:{int(seconds / 60) % 60:02d}:{int(seconds) % 60:02d}"
        percent = 100 if done == total else int(100 * done / total) if total else 100
        text = f"\r{human(done, self._level):>15} {percent:3d}% {rate:7.2f}{unit} {clock}"
        self._write(text.encode() + tail, ends)
