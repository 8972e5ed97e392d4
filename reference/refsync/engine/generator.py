"""The generator: looks at each entry of the lists, makes what needs no data, requests what does.

Clauses XFER-1 to XFER-9, XFER-15, END-3; upstream ``generator.c:generate_files``,
``recv_generator``, ``check_for_finished_files``, ``touch_up_dirs``.
"""

from __future__ import annotations

import os
from collections import deque

from ..delta.signature import choose_sums, iter_sums
from ..files.scan import size_of
from ..filters.rulelist import FilterList
from ..session.linkgroups import Member
from ..session.lists import FileList
from ..wire import items, stats, sumhead
from ..wire.entry import CONTENT_DIR, TOP_DIR, FileEntry
from ..wire.errors import ProtocolError
from ..wire.ndx import NDX_DEL_STATS, NDX_DONE
from .basis import Basis
from .creator import Creator
from .deleter import Deleter
from .hardlinks import HardLinks
from .itemize import Itemizer
from .quick import QuickCheck, quick_check
from .receive_list import ListReceiver
from .receiver import Receiver
from .rowlist import RowList
from .session import Session
from .source_removal import FEW, LARGE, MANY, tell_success
from .target import Target
from .writing import Writing

#: Entries between two turns given to the other conversations.
TURN = 64
#: Entries that are looked at in one go where nothing is to be done.
AT_ONCE = 512
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
        writing: Writing,
        guard: FilterList | None = None,
    ) -> None:
        self._session = session
        self._lists = lists.lists
        self._target = target
        self._receiver = receiver
        self._deleter = deleter
        self._itemizer = Itemizer(session, target.dest, target.attached)
        self._links: HardLinks | None = None
        if lists.links is not None:
            self._links = HardLinks(session, target, self._itemizer, deleter, lists.links, writing)
        self._writing = writing
        self._creator = Creator(session, target, self._itemizer, deleter, writing, guard, self._links)
        self._quick = quick_check(session, target, writing, guard, links=self._links is not None)
        self._redo: deque[int] = deque()
        self._arrived = lists.arrived
        self._first = lists.lists.live[0]
        self._current: FileList | None = None  # the list being walked
        self._open: deque[FileList] = deque()  # lists whose NDX_DONE has not been sent
        self._turns = 0
        self._active: dict[int, int] = {}  # sizes of the files under way, for --remove-source-files
        self._whole_file = self._decide_whole_file()

    def _decide_whole_file(self) -> bool:
        options = self._session.options
        if options.append:
            return False
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
        delayed = self._session.options.delay_updates
        if dialect.iflags and not delayed:
            self._done()
        if dialect.second_goodbye and early_delete:
            if self._session.options.delete or self._session.options.force:
                self._send_delete_stats()
            if not delayed:
                self._done()
        await self._until_phase(2)
        if dialect.iflags:
            if delayed:
                self._done()
                if dialect.second_goodbye and early_delete:
                    self._done()
            await self._until_phase(3)
        if self._deleter.late:
            if self._deleter.when == "delay":
                self._deleter.delete_remembered()
            else:
                await self._delete_pass()
        self._deleter.end()
        if dialect.second_goodbye:
            if not early_delete:
                self._send_delete_stats()
                self._done()
            await self._until_phase(4)
        together = not dialect.inc_recurse or self._deleter.when == "delay"
        left = self._all_directories() if together else self._creator.touch_up.later
        self._creator.touch_up(reversed(left), last=True)
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
        """DEL-6: if they are to be told, which a daemon's ``max verbosity`` may prevent."""
        session = self._session
        if session.replay is None and session.options.info["STATS"] > 1:
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
                await self._settle(redo=True)
                await self._news()
                continue
            while self._links and not self._lists.eof and self._lists.total < LINKS_AHEAD:
                await self._news()
            self._current = arrived.popleft()
            self._open.append(self._current)
            await self._one_list(self._current)
        self._current = None
        await self._settle(redo=True)

    async def _one_list(self, listing: FileList) -> None:
        """XFER-1: the list's own directory first, then its entries in order."""
        directory = (
            self._lists.dirs[listing.parent] if self._lists.inc_recurse and listing.parent >= 0 else None
        )
        if directory is not None and directory.active:
            self._creator.directory(directory, listing.start - 1)
            if directory.flags & CONTENT_DIR and self._deleter.when in ("during", "delay"):
                self._deleter.in_directory(directory, listing.names)
        if isinstance(listing.entries, RowList) and self._quick is not None:
            await self._rows(listing, listing.entries, self._quick)
            return
        for ndx, entry in listing.numbered():
            if entry.active:
                await self._room_for_more()
                await self._look_at(listing, ndx, entry)
            await self._looked(1)

    async def _rows(self, listing: FileList, rows: RowList, quick: QuickCheck) -> None:
        """The entries of one directory, those in one go that are as they should be."""
        at = 0
        while at < len(rows):
            end = min(len(rows), at + AT_ONCE)
            done = quick.same(rows, at, end) or quick.request(listing, at, end)
            if not done:
                done, entry = 1, rows[at]
                if entry.active:
                    await self._room_for_more()
                    await self._look_at(listing, listing.start + at, entry)
            at += done
            await self._looked(done)

    async def _looked(self, count: int) -> None:
        """So many entries are done with: the other conversations get their turn now and then."""
        before, self._turns = self._turns, self._turns + count
        if before // TURN < self._turns // TURN:
            await self._settle()
            await self._session.link.drain()
            await self._session.link.turn()

    async def _look_at(self, listing: FileList, ndx: int, entry: FileEntry) -> None:
        await self._turn_of(listing, ndx, entry)
        if self._links:
            await self._look_instead(self._links.settle(ndx))

    async def _look_instead(self, member: Member | None) -> None:
        """HLINK-6: a name whose turn had been put off takes the place of one that came to nothing."""
        while self._links and member is not None:
            await self._turn_of(member.listing, member.ndx, member.entry)
            member = self._links.settle(member.ndx)

    async def _turn_of(self, listing: FileList, ndx: int, entry: FileEntry) -> None:
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
            basis = self._creator.wants_data(entry, ndx)
            if basis is not None:
                await self._request(listing, ndx, entry, basis, again=False)
        else:
            self._creator.other(entry, ndx)

    async def _request(
        self, listing: FileList, ndx: int, entry: FileEntry, basis: Basis, *, again: bool
    ) -> None:
        """XFER-3 and XFER-8: ask for a file, with the sums of what is here if a delta may help."""
        session, link, options = self._session, self._session.link, self._session.options
        name = self._target.name(entry)
        saving = False
        whole = self._whole_file or session.replay is not None
        if options.moves_data:
            if basis.status is not None and not whole and not self._writing.bases.open_to_sum(basis, entry):
                basis.status = basis.here = None
            if options.inplace and options.backup and not again and basis.status is not None:
                saving = basis.kind == items.BASIS_FNAME
                if not self._writing.bases.save_before_overwriting(basis, name, whole_file=whole):
                    basis.close()
                    return
            if self._lists.inc_recurse:
                listing.in_progress += 1
            if options.remove_source_files and not options.delay_updates and not again:
                self._active[ndx] = entry.size
        if self._links:
            self._links.asked(ndx)
        if session.replay is not None:
            session.replay.want(ndx)
            return
        link.write(session.ndx_out.encode(ndx))
        flags = items.TRANSFER | (items.REPORT_CHANGE if options.checksum and not again else 0)
        if basis.kind != items.BASIS_FNAME:
            flags |= items.BASIS_TYPE_FOLLOWS
        if basis.xname is not None:
            flags |= items.XNAME_FOLLOWS
        self._itemizer.itemize(
            entry, None, basis.here, flags, basis.xname, name=basis.like or name, basis_type=basis.kind
        )
        if options.moves_data:
            await self._send_sums(basis, again=again)
            if saving:
                self._writing.bases.saved(name)
        elif self._links:
            self._links.finish(ndx, basis.here)

    async def _send_sums(self, basis: Basis, *, again: bool) -> None:
        """The head and the sums; with ``--append`` the head says what is here, and that is all (XFER-19).

        A large basis takes its time: what is ready goes out, and the other conversations go on meanwhile.
        """
        session, link = self._session, self._session.link
        head = self._head(basis, again=again)
        link.write(sumhead.encode(head))
        if not session.append or again:
            for number, sums in enumerate(iter_sums(basis.fd, head, session.checksums)):
                if number:
                    await link.drain()
                    await link.turn()
                link.write(sums)
        basis.close()

    def _head(self, basis: Basis, *, again: bool) -> sumhead.SumHead:
        session = self._session
        size = size_of(basis.fd) if basis.fd >= 0 else 0
        if not size:
            return sumhead.NO_SUMS
        return choose_sums(
            size,
            protocol=session.dialect.protocol,
            digest_length=session.checksums.digest_length,
            block_size=session.options.block_size,
            full=again,
        )

    # -- what became of the requests ---------------------------------------

    async def _settle(self, *, redo: bool = False) -> None:
        """Take the receiver's news; tell the sender of each list that is finished (IREC-7)."""
        session = self._session
        news = list(session.statuses)
        session.statuses.clear()
        for what, ndx in news:
            if what == "sent":
                continue
            self._active.pop(ndx, None)
            if what == "redo" and session.replay is not None:
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
                await self._look_instead(self._links.failed(ndx))
            if what == "success" and session.options.remove_source_files:
                tell_success(session, self._target, ndx, self._target.name(self._lists.entry(ndx)[1]))
            if what == "redo":
                listing.to_redo += 1
                self._redo.append(ndx)
        while redo and self._redo:
            ndx = self._redo.popleft()
            listing, entry = self._lists.entry(ndx)
            listing.to_redo -= 1
            await self._request(listing, ndx, entry, self._creator.basis_again(entry), again=True)
        while self._lists.inc_recurse and self._open:
            oldest = self._open[0]
            if oldest.in_progress or oldest.to_redo or oldest.held or oldest is self._current:
                return
            self._open.popleft()
            self._done()
            if oldest.parent >= 0 and self._deleter.when != "delay":
                directory = self._lists.dirs[oldest.parent]
                self._creator.touch_up([directory] if directory.active else [])

    async def _room_for_more(self) -> None:
        """XFER-20: sources are to go while the transfer goes on, so only so many files are under way.

        Below protocol 30 nobody says that a file can't be sent, so nothing is waited for.
        """
        while self._session.dialect.varints and len(self._active) >= FEW:
            await self._settle()
            if len(self._active) < (FEW if sum(self._active.values()) >= LARGE else MANY):
                return
            await self._news()

    async def _until_phase(self, count: int, *, redo: bool = False) -> None:
        """XFER-2: until the sender has echoed the end of that phase."""
        while True:
            await self._settle(redo=redo)
            if self._receiver.phases_done >= count:
                if count < 4:  # upstream has no number for the last, in which nothing is done
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
