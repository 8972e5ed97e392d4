"""``--fsync``: files that are whole and wait to be on the disk, so that many are synced at a time.

One FSYNC after the other takes several times as long as many in flight: a file system then writes its journal
once for all. Only then a file gets its attributes and its name, and its directory is synced as well.
Clause FS-24; upstream ``receiver.c:receive_data`` with ``do_fsync``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from ..files.destination import Destination
from ..files.temp import TempFile, register, unregister
from ..files.writer import Writer
from ..session.link import Link
from ..session.lists import FileList
from ..typed import TYPE_CHECKING
from ..wire.errors import Exit, RefsyncError
from .finish import Finisher
from .session import Session, os_error
from .target import Target

if TYPE_CHECKING:
    from ..native.smallbatch import SmallBatch

#: So many files of either kind wait at most: each has a descriptor, and the generator waits for them.
MOST = 200


class Unsynced:
    """The files of one receiver that wait. Nothing waits while the receiver does: see ``flush``.

    New small files wait in a ``batch`` that the kernel ends, the others here.
    """

    def __init__(self, session: Session, target: Target, finisher: Finisher) -> None:
        self._session = session
        self._target = target
        self._finisher = finisher
        self._waiting: list[tuple[TempFile, bytes, int, Callable[[], str]]] = []
        self._batch: SmallBatch | None = None
        self._joined: list[tuple[FileList, int]] = []  # those in the batch, in its order
        self._most = _most() if session.options.fsync else 0
        self._owner = os.getpid()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._joined)

    def batch(self) -> SmallBatch | None:
        """For small files that have come, to be followed by ``join``; None without ``--fsync``."""
        if self._batch is None and self._session.options.fsync:
            from ..native.smallbatch import SmallBatch

            self._batch = SmallBatch(self._most)
            register(self)
        return self._batch

    def joined(self, listing: FileList) -> int:
        """How many of a list's files are in the batch; they are still in progress."""
        return sum(1 for one, _ in self._joined if one is listing)

    def join(self, listing: FileList, indexes: Iterable[int]) -> None:
        """These files of a list were put into the batch."""
        self._joined += [(listing, ndx) for ndx in indexes]
        if self._batch is not None and len(self._batch) >= self._batch.most:
            self.flush()

    def belongs_to(self, dest: Destination) -> bool:
        return self._target.dest is dest

    def abandon(self) -> None:
        """The run was interrupted: what is in the batch goes."""
        unregister(self)
        if self._batch is not None and self._owner == os.getpid():
            self._batch.drop()

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
        if len(self._waiting) >= self._most:
            self.flush()
        return True

    async def before_waiting(self, link: Link) -> None:
        """The receiver is about to read: if nothing has come, what waits is done with first."""
        if len(self) and not link.available:
            await link.turn()
            if not link.available:
                self.flush()

    def flush(self) -> None:
        """Sync all that wait, then put them in their places, then sync the directories."""
        if not len(self):
            return
        waiting, self._waiting = self._waiting, []
        files = [(temp, name) for temp, name, _, _ in waiting]
        self._check(files, self._sync([temp.fd for temp, _ in files]))
        self._end_batch()
        for _, _, ndx, end in waiting:
            outcome = end()
            if outcome != "later":
                self._session.statuses.append((outcome, ndx))
        self._sync_directories({name[: name.rfind(b"/") + 1]: name for _, name in files}.values())

    def _end_batch(self) -> None:
        """The same for the batch, by the kernel, except for what it can't put in its place."""
        batch, ring = self._batch, self._session.ring()
        if batch is None or not self._joined:
            return
        raw = ring.raw if ring is not None and ring.has("FSYNC") else None
        number, error = batch.sync(raw)
        if error:
            raise self._failed("fsync", self._name(number), error)
        joined, self._joined = self._joined, []
        failed = set()
        for number, temp, fd, error in batch.commit():
            self._finish(*joined[number], temp, fd, error)
            failed.add(number)
        for number, (listing, _) in enumerate(joined):
            listing.in_progress -= number not in failed  # for those a status does that
        batch.end(raw)

    def _name(self, number: int) -> bytes:
        listing, ndx = self._joined[number]
        return self._target.name(listing.at(ndx))

    def _finish(self, listing: FileList, ndx: int, temp: bytes, fd: int, error: int) -> None:
        """What the kernel could not do is done once more, which tells what is wrong."""
        entry = listing.at(ndx)
        name = self._target.name(entry)
        if error:
            raise self._failed("close", name, error)
        place = name[: name.rfind(b"/") + 1] + temp
        file = TempFile(self._target.dest, place, name, fd, Writer(fd))
        self._target.fix_mode(entry, None)
        done = self._finisher.finish(file, name, entry, backup=False, xattrs_of=None)
        self._session.statuses.append(("success" if done else "no-send", ndx))

    def _failed(self, what: str, name: bytes, number: int) -> RefsyncError:
        error = OSError(number, os.strerror(number))
        return RefsyncError(
            os.fsdecode(os_error(f"{what} failed on", self._target.path(name), error, b"")), Exit.FILE_IO
        )

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
                raise self._failed("fsync", name, number)

    def _sync(self, fds: list[int]) -> list[int]:
        """An errno value for each descriptor, 0 for good."""
        ring = self._session.ring() if fds else None
        if ring is not None and ring.has("FSYNC"):
            return ring.fsync(fds)
        from ..uring.ring import fsync_plainly

        return [fsync_plainly(fd) for fd in fds]


def _most() -> int:
    """Not so many that the process could run out of descriptors; a batch has some for directories as well."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, min(MOST, limit // 5)) if limit > 0 else MOST
