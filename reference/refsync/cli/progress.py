"""Progress lines.

Clause OUT-4; upstream ``progress.c:rprint_progress``.
"""

from __future__ import annotations

import sys
import time

from ..engine.numbers import human
from ..engine.stats import Statistics
from ..options.model import Options

#: Seconds between two updates of a line.
INTERVAL = 1.0


class Progress:
    """The line of the file that is moving."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._began = self._last = 0.0
        self.stats = Statistics()

    def start(self) -> None:
        self._began = self._last = time.monotonic()

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= INTERVAL:
            self._last = now
            self._line(done, total, now, "  ", final=False)
            sys.stdout.flush()

    def finish(self, total: int) -> None:
        stats = self.stats
        left = stats.num_files - stats.checked
        to_check = f"{'to' if stats.all_listed else 'ir'}-chk={left}/{stats.num_files}"
        tail = f" (xfr#{stats.num_transferred_files}, {to_check})\n"
        self._line(total, total, time.monotonic(), tail, final=True)

    def _line(self, done: int, total: int, now: float, tail: str, *, final: bool) -> None:
        elapsed = max(now - self._began, 0.001)
        rate = done / elapsed / 1024
        remaining = elapsed if final else (total - done) / 1024 / rate if rate else 0.0
        unit = "kB/s"
        for bigger in ("MB/s", "GB/s"):
            if rate > 1024:
                rate, unit = rate / 1024, bigger
        hours, rest = divmod(int(remaining), 3600)
        percent = 100 if done >= total else 100 * done // total
        clock = f"{hours:4d}:{rest // 60:02d}:{rest % 60:02d}" if hours <= 9999 else "  ??:??:??"
        text = (
            f"\r{human(done, self._options.human_readable):>15} {percent:3d}% {rate:7.2f}{unit} {clock}{tail}"
        )
        sys.stdout.buffer.write(text.encode())
