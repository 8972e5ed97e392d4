"""The generator: looks at each entry of the lists, makes what needs no data, requests what does.

Clauses XFER-1 to XFER-9, XFER-15, END-3; upstream ``generator.c:generate_files``,
``recv_generator``, ``check_for_finished_files``, ``touch_up_dirs``.
"""

from __future__ import annotations

import os
import stat
from collections import deque

from ..delta.signature import choose_sums, make_sums
from ..filters.rulelist import FilterList
from ..session.linkgroups import Member
from ..session.lists import FileList
from ..wire import items, stats, sumhead
from ..wire.entry import CONTENT_DIR, TOP_DIR, FileEntry
from ..wire.errors import ProtocolError
from ..wire.ndx import NDX_DEL_STATS, NDX_DONE
from .creator import Creator
from .deleter import Deleter
from .hardlinks import HardLinks
from .itemize import Itemizer
from .receive_list import ListReceiver
from .receiver import Receiver
from .session import Session, os_error
from .target import Target

#: Entries between two turns given to the other conversations.
TURN = 64
#: With hard links, so many entries are waited for before a list is begun: a name that is here may come later.
LINKS_AHEAD = 500


class Generator:
    """One transfer, seen from the side that wants the files."""

    def __init__(
        self,
        session: Session,
        lists: ListReceiver,
        target: Target,
        receiver: Receiver,
        deleter: Deleter,
        guard: FilterList | None = None,
    ) -> None:
        self._session = session
        self._lists = lists.lists
        self._target = target
        self._receiver = receiver
        self._deleter = deleter
        self._itemizer = Itemizer(session, target.attached)
        self._links: HardLinks | None = None
        if lists.links is not None:
            self._links = HardLinks(session, target, self._itemizer, deleter, lists.links)
        self._creator = Creator(session, target, self._itemizer, deleter, guard, self._links)
        self._redo: deque[int] = deque()
        self._arrived = lists.arrived
        self._first = lists.lists.live[0]
        self._current: FileList | None = None  # the list being walked
        self._open: deque[FileList] = deque()  # lists whose NDX_DONE has not been sent
        self._turns = 0
        self._whole_file = self._decide_whole_file()

    def _decide_whole_file(self) -> bool:
        options = self._session.options
        if self._session.agreement.transfer_checksum == "none":
            return True
        return bool(options.whole_file)

    async def run(self) -> None:
        """All phases, to the last goodbye."""
        link, dialect = self._session.link, self._session.dialect
        self._session.debug("GENR", 1, f"generator starting pid={os.getpid()}")
        early_delete = not self._deleter.late
        if self._deleter.when == "before":
            await self._delete_pass()
        how = "disabled for local transfer or --whole-file" if self._whole_file else "enabled"
        self._session.debug("FLIST", 1, f"delta-transmission {how}")
        await self._first_phase()
        if not dialect.inc_recurse:
            self._done()
        await self._until_phase(1, redo=True)
        if self._links:
            self._links.may_ask = False
        self._done()
        if dialect.iflags:
            self._done()
        if dialect.second_goodbye and early_delete:
            self._send_delete_stats()
            self._done()
        await self._until_phase(2)
        if dialect.iflags:
            await self._until_phase(3)
        if self._deleter.late:
            if self._deleter.when == "delay":
                self._deleter.delete_remembered()
            else:
                await self._delete_pass()
        if dialect.second_goodbye:
            if not early_delete:
                self._send_delete_stats()
                self._done()
            await self._until_phase(4)
        if not dialect.inc_recurse or self._deleter.when == "delay":
            self._creator.touch_up(self._all_directories())
        self._done()
        self._session.debug("GENR", 1, b"generate_files finished")
        await link.drain()

    def _done(self) -> None:
        session = self._session
        if session.replay is not None:
            session.replay.done()
        else:
            session.link.write(session.ndx_out.encode(NDX_DONE))

    def _send_delete_stats(self) -> None:
        """DEL-6: on a server that deletes, so that the client can tell of it."""
        session = self._session
        if (
            session.replay is None
            and session.options.delete
            and (session.options.server or session.options.info["STATS"] > 1)
        ):
            link = session.link
            link.write(session.ndx_out.encode(NDX_DEL_STATS) + stats.encode_delete_stats(session.deletions))

    def _all_directories(self) -> list[FileEntry]:
        if self._lists.inc_recurse:
            return [entry for entry in self._lists.dirs if entry.active]
        return [entry for entry in self._first.entries if entry.active and entry.is_dir]

    async def _news(self) -> None:
        """Wait until the receiver may have done something; all of a batch may have been read before that."""
        link = self._session.link
        if self._session.replay is not None and link.closed:
            await link.turn()
        else:
            await link.more_input()

    # -- phase 0 ----------------------------------------------------------

    async def _first_phase(self) -> None:
        """Each list in order; with incremental recursion they arrive while we work."""
        arrived = self._arrived
        while arrived or not self._lists.eof:
            if not arrived:
                if self._session.replay is not None:
                    self._current = None  # a batch goes on only when it is known that nothing more is wanted
                self._settle(redo=True)
                await self._news()
                continue
            while self._links and not self._lists.eof and self._lists.total < LINKS_AHEAD:
                await self._news()
            self._current = arrived.popleft()
            self._open.append(self._current)
            await self._one_list(self._current)
        self._current = None
        self._settle(redo=True)

    async def _one_list(self, listing: FileList) -> None:
        """XFER-1: the list's own directory first, then its entries in order."""
        if self._lists.inc_recurse and listing.parent >= 0:
            directory = self._lists.dirs[listing.parent]
            self._creator.directory(directory, listing.start - 1)
            if directory.flags & CONTENT_DIR and self._deleter.when in ("during", "delay"):
                self._deleter.in_directory(directory, listing.names)
        for number, entry in enumerate(listing.entries):
            if entry.active:
                self._look_at(listing, listing.start + number, entry)
            self._turns += 1
            if self._turns % TURN == 0:
                self._settle()
                await self._session.link.drain()
                await self._session.link.turn()

    def _look_at(self, listing: FileList, ndx: int, entry: FileEntry) -> None:
        self._turn_of(listing, ndx, entry)
        if self._links:
            self._look_instead(self._links.settle(ndx))

    def _look_instead(self, member: Member | None) -> None:
        """HLINK-6: a name whose turn had been put off takes the place of one that came to nothing."""
        while self._links and member is not None:
            self._turn_of(member.listing, member.ndx, member.entry)
            member = self._links.settle(member.ndx)

    def _turn_of(self, listing: FileList, ndx: int, entry: FileEntry) -> None:
        if self._session.options.debug["GENR"]:
            self._session.debug("GENR", 1, b"recv_generator(%s,%d)" % (self._target.name(entry), ndx))
        if entry.is_dir:
            if self._lists.inc_recurse:
                self._creator.early_directory(entry)
            else:
                self._creator.directory(entry, ndx)
                if entry.flags & CONTENT_DIR and self._deleter.when in ("during", "delay"):
                    self._deleter.in_directory(entry, listing.names)
        elif entry.is_reg:
            if self._creator.wants_data(entry, ndx):
                self._request(listing, ndx, entry, again=False)
        else:
            self._creator.other(entry, ndx)

    def _request(self, listing: FileList, ndx: int, entry: FileEntry, *, again: bool) -> None:
        """XFER-3 and XFER-8: ask for a file, with the sums of what is here if a delta may help."""
        session, link, options = self._session, self._session.link, self._session.options
        name = self._target.name(entry)
        try:
            status = self._target.lstat(name)
        except OSError:
            status = None
        if status is not None and not stat.S_ISREG(status.st_mode):
            status = None  # in a dry run, what would have made way
        if options.moves_data and self._lists.inc_recurse:
            listing.in_progress += 1
        if self._links:
            self._links.asked(ndx)
        if session.replay is not None:
            session.replay.want(ndx)
            return
        head, sums = sumhead.NO_SUMS, b""
        if options.moves_data and not self._whole_file and status is not None and status.st_size > 0:
            try:
                fd = self._target.dest.open_read(name)
            except OSError as error:
                session.reporter.error(
                    b"rsync: [generator] "
                    + os_error("failed to open", self._target.path(name), error, b", continuing")
                    + b"\n"
                )
                status = None
            else:
                try:
                    head = choose_sums(
                        os.fstat(fd).st_size,
                        protocol=session.dialect.protocol,
                        digest_length=session.checksums.digest_length,
                        block_size=options.block_size,
                        full=again,
                    )
                    sums = make_sums(fd, head, session.checksums)
                finally:
                    os.close(fd)
        link.write(session.ndx_out.encode(ndx))
        flags = items.TRANSFER | (items.REPORT_CHANGE if options.checksum and not again else 0)
        self._itemizer.itemize(entry, None, status, flags, name=name)
        if options.moves_data:
            link.write(sumhead.encode(head) + sums)
        elif self._links:
            self._links.finish(ndx, status)

    # -- what became of the requests ---------------------------------------

    def _settle(self, *, redo: bool = False) -> None:
        """Take the receiver's news; tell the sender of each list that is finished (IREC-7)."""
        session = self._session
        for what, ndx in session.statuses:
            if what == "sent" or (what == "redo" and session.replay is not None):
                continue  # in a batch it comes again, or does not: there is nobody to ask
            try:
                listing = self._lists.locate(ndx)
            except ProtocolError:
                if what == "redo":
                    raise
                continue  # the list is finished: the sender tells of a file that nobody waits for
            if self._lists.inc_recurse and session.options.moves_data:
                if not listing.in_progress:
                    raise ProtocolError(f"file index {ndx} was not asked for", clause="XFER-7")
                listing.in_progress -= 1
            if self._links and what == "success":
                self._links.finish(ndx)
            elif self._links and what == "no-send":
                self._look_instead(self._links.failed(ndx))
            if what == "redo":
                listing.to_redo += 1
                self._redo.append(ndx)
        session.statuses.clear()
        while redo and self._redo:
            ndx = self._redo.popleft()
            listing, entry = self._lists.entry(ndx)
            listing.to_redo -= 1
            self._request(listing, ndx, entry, again=True)
        while self._lists.inc_recurse and self._open:
            oldest = self._open[0]
            if oldest.in_progress or oldest.to_redo or oldest.held or oldest is self._current:
                return
            self._open.popleft()
            self._done()
            if oldest.parent >= 0 and self._deleter.when != "delay":
                self._creator.touch_up([self._lists.dirs[oldest.parent]])

    async def _until_phase(self, count: int, *, redo: bool = False) -> None:
        """XFER-2: until the sender has echoed the end of that phase."""
        while True:
            self._settle(redo=redo)
            if self._receiver.phases_done >= count:
                self._session.debug("GENR", 1, f"generate_files phase={count}")
                return
            await self._news()

    async def _delete_pass(self) -> None:
        """DEL-2: every directory of the whole list, before or after the transfer."""
        for entry in self._first.entries:
            if entry.active and entry.is_dir and entry.flags & CONTENT_DIR:
                if entry.flags & TOP_DIR:
                    self._session.debug("DEL", 1, b"deleting in " + entry.name)
                self._deleter.in_directory(entry, self._first.names)
                await self._session.link.drain()
