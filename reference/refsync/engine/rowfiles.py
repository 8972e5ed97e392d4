"""New small files of a whole directory, many in a call, sent or received where all is plain.

What can't go this way is left as it was for ``Sender`` and ``Receiver``, which do the same with the same
bytes. Clauses XFER-3, XFER-11, XFER-12, FS-2, FS-4, TOK-1; upstream ``sender.c:send_files``,
``receiver.c:recv_files``.
"""

from __future__ import annotations

import os

from ..files.below import Below
from ..files.ids import may_set_group
from ..files.rank import rank
from ..files.sources import join
from ..session.lists import FileList
from ..typed import TYPE_CHECKING
from ..wire import items
from ..wire.errors import ProtocolError
from . import small
from .rowlist import RowList
from .session import Session
from .target import Target
from .unsynced import Unsynced

if TYPE_CHECKING:
    from ..native.rowfiles import Files, Run


def item_flags(session: Session) -> int:
    """What the items of new files have beside the usual flags."""
    return items.REPORT_CHANGE if session.options.checksum else 0


def _files(session: Session, open_flags: int) -> Files | None:
    options = session.options
    if (
        session.items.counts
        or not options.moves_data
        or options.append
        or options.info["PROGRESS"]
        or options.debug["SEND"]
        or options.debug["RECV"]
    ):
        return None
    from ..native.rowfiles import Files

    return Files(session.checksums.transfer, small.LONGEST, item_flags(session), open_flags)


class RowServer:
    """For one sender."""

    def __init__(self, session: Session, below: Below, files: Files) -> None:
        self._session = session
        self._below = below
        self._files = files

    def serve(self, listing: FileList, ndx: int) -> bool:
        """Answer the request for ``ndx`` and those behind it of the same list; False if it is unusual."""
        session, link, rows = self._session, self._session.link, listing.entries
        if not isinstance(rows, RowList):
            return False
        try:
            path = join(rows.path, rows.prefix.rstrip(b"/") or b".")
            directory = self._below.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            waiting, out = link.waiting, session.ndx_out
            run, data = self._files.serve(
                rows.rows, listing.start, ndx, out.last, directory, waiting.data, waiting.pos
            )
        finally:
            os.close(directory)
        if not run.indexes:
            return False
        link.write(data)
        link.passed(run.used)
        session.ndx_in.passed(run.indexes[-1])
        out.passed(run.indexes[-1])
        _count(session, listing, run)
        return True


class RowTaker:
    """For one receiver."""

    def __init__(self, session: Session, target: Target, files: Files, unsynced: Unsynced) -> None:
        self._session = session
        self._target = target
        self._files = files
        self._unsynced = unsynced
        self._rank = rank(session.options)

    async def take(self, listing: FileList, ndx: int) -> bool:
        """Put in place the file ``ndx`` and those behind it of the same list; False if it is unusual."""
        while (more := self._take(listing, ndx)) is None:
            await self._session.link.more_input()
        return more

    def _take(self, listing: FileList, ndx: int) -> bool | None:
        """The same for what is there; None if the rest of the first file has to be waited for."""
        session, options, rows = self._session, self._session.options, listing.entries
        waiting = session.link.waiting
        place = ndx - listing.start
        if not isinstance(rows, RowList) or place < 0 or not isinstance(waiting.data, bytearray):
            return False
        directory = self._target.directory_of(rows.prefix)
        if directory is None:
            return False
        from ..native.rowfiles import ANY, Manner

        group, may_set = ANY, bool(options.group)
        if may_set and not self._rank:
            group = rows.rows.at(place).gid
            may_set = may_set_group(group, self._rank)
        umask = 0 if options.perms else self._target.umask_in(rows.prefix.rstrip(b"/"))
        how = Manner(
            times=bool(options.times),
            mode=bool(options.perms),
            umask=umask,
            uid=bool(self._rank and options.owner),
            gid=may_set,
            group=group,
        )
        unsynced = self._unsynced
        batch = unsynced.batch()
        run = self._files.take(
            rows.rows, listing.start, ndx, directory, waiting.data, waiting.pos, how, batch
        )
        if not run.indexes:
            return None if run.more else False
        session.link.passed(run.used)
        session.ndx_in.passed(run.indexes[-1])
        _count(session, listing, run, self._target)
        if len(run.indexes) + unsynced.joined(listing) > listing.in_progress:
            raise ProtocolError(f"file index {run.indexes[-1]} was not asked for", clause="XFER-7")
        if batch is not None:
            unsynced.join(listing, run.indexes)
        else:
            listing.in_progress -= len(run.indexes)
        return True


def _count(session: Session, listing: FileList, run: Run, target: Target | None = None) -> None:
    """What there is to count, and to say, of files that have moved."""
    counted, log, count = session.stats, session.items, len(run.indexes)
    counted.created_files += count
    counted.num_transferred_files += count
    counted.total_transferred_size += run.sizes
    counted.literal_data += run.literal
    counted.checked = listing.before + listing.place(run.indexes[-1]) + 1
    if not log.silent:
        flags = items.TRANSFER | items.IS_NEW | item_flags(session)
        for ndx in run.indexes:
            entry = listing.at(ndx)
            if target is not None:
                target.fix_mode(entry, None)
            log.before(entry, flags)
            log.after(entry, flags, b"")


def row_server(session: Session, below: Below, flags: int) -> RowServer | None:
    """For a sender that has a ``small.reader``; ``flags`` are those that sources are opened with.

    None where something rules it out.
    """
    if not session.dialect.inc_recurse:
        return None
    files = _files(session, flags)
    return None if files is None else RowServer(session, below, files)


def row_taker(session: Session, target: Target, unsynced: Unsynced) -> RowTaker | None:
    """For a receiver; None where something rules it out."""
    if not session.dialect.inc_recurse or session.options.remove_source_files:
        return None  # the sender is told of each file
    files = _files(session, 0) if small.suits(session, target) else None
    return None if files is None else RowTaker(session, target, files, unsynced)
