"""Directories as they are to be, once nothing more goes into them.

Clause FS-7; upstream ``generator.c:touch_up_dirs``.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..files.rank import ORDINARY, rank
from ..wire.entry import FileEntry
from .session import Session
from .target import Target


class TouchUp:
    """Sets times and modes again that the contents have changed; ``missing`` are names that are not there.

    A directory that its owner is not to search waits in ``later`` until what is in it has been done.
    """

    def __init__(self, session: Session, target: Target, missing: set[bytes]) -> None:
        options = session.options
        self._works = not (options.dry_run or options.list_only or target.local_name is not None)
        self._waits = rank(options) == ORDINARY
        self._target, self._missing = target, missing
        self.later: list[FileEntry] = []

    def __call__(self, directories: Iterable[FileEntry], *, last: bool = False) -> None:
        """For directories whose contents are there; the ``last`` time for those that have waited, too."""
        for entry in directories if self._works else ():
            if entry.name in self._missing:
                continue
            if self._waits and not last and not entry.mode & 0o100:
                self.later.append(entry)
            else:
                self._target.attributes.touch_up(self._target.name(entry), entry)
