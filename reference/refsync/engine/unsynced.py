"""``--fsync``: files that are whole and wait to be on the disk, so that many are synced at a time.

One FSYNC after the other takes several times as long as many in flight: a file system then writes its journal
once for all. Only then a file gets its attributes and its name, and its directory is synced as well.
Clause FS-24; upstream ``receiver.c:receive_data`` with ``do_fsync``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from ..files.temp import TempFile
from ..session.link import Link
from ..wire.errors import Exit, RefsyncError
from .session import Session, os_error
from .target import Target

#: So many files wait at most: each has a descriptor, and the generator waits for them.
MOST = 64


class Unsynced:
    """The files of one receiver that wait. Nothing waits while the receiver does: see ``flush``."""

    def __init__(self, session: Session, target: Target) -> None:
        self._session = session
        self._target = target
        self._waiting: list[tuple[TempFile, bytes, int, Callable[[], str]]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, temp: TempFile, name: bytes, ndx: int, end: Callable[[], str], *, whole: bool) -> bool:
        """True if the file waits: then ``flush`` calls ``end``, which puts it in its place and tells how.

        False without ``--fsync``, or if it can't wait; then it is on the disk now. ``RefsyncError``
        (exit 11) if a sync fails.
        """
        options = self._session.options
        if not options.fsync:
            return False
        if not whole or temp.inplace or options.delay_updates or options.partial_dir is not None:
            self._check([(temp, name)], self._sync([temp.fd]))
            return False
        self._waiting.append((temp, name, ndx, end))
        if len(self._waiting) >= MOST:
            self.flush()
        return True

    async def before_waiting(self, link: Link) -> None:
        """The receiver is about to read: if nothing has come, what waits is done with first."""
        if self._waiting and not link.available:
            await link.turn()
            if not link.available:
                self.flush()

    def flush(self) -> None:
        """Sync all that wait, then put them in their places, then sync the directories."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        files = [(temp, name) for temp, name, _, _ in waiting]
        self._check(files, self._sync([temp.fd for temp, _ in files]))
        for _, _, ndx, end in waiting:
            outcome = end()
            if outcome != "later":
                self._session.statuses.append((outcome, ndx))
        self._sync_directories({name[: name.rfind(b"/") + 1]: name for _, name in files}.values())

    def _sync_directories(self, names: Iterable[bytes]) -> None:
        """Those that hold ``names``. One that can't be read or synced is no error: upstream syncs none."""
        fds = []
        for name in names:
            try:
                fds.append(self._target.dest.directory_of(name))
            except OSError:
                continue
        self._sync(fds)
        for fd in fds:
            os.close(fd)

    def _check(self, files: Sequence[tuple[TempFile, bytes]], results: Sequence[int]) -> None:
        for (_, name), number in zip(files, results, strict=True):
            if number:
                error = OSError(number, os.strerror(number))
                what = os_error("fsync failed on", self._target.path(name), error, b"")
                raise RefsyncError(os.fsdecode(what), Exit.FILE_IO)

    def _sync(self, fds: list[int]) -> list[int]:
        """An errno value for each descriptor, 0 for good."""
        ring = self._session.ring()
        if ring is not None and ring.has("FSYNC"):
            return ring.fsync(fds)
        return [_fsync(fd) for fd in fds]


def _fsync(fd: int) -> int:
    try:
        os.fsync(fd)
    except OSError as error:
        return error.errno or 0
    return 0
