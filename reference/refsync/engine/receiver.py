"""The receiver: takes file data and puts the files in place.

Clauses XFER-10 to XFER-16, FS-1 to FS-6; upstream ``receiver.c:recv_files``,
``receive_data``, ``rsync.c:read_ndx_and_attrs``, ``finish_transfer``.
"""

from __future__ import annotations

import os
import stat
from functools import partial

from ..delta.apply import Reconstructor
from ..files.temp import TempFile
from ..session.lists import FileList
from ..wire import compression, items, stats, sumhead
from ..wire.entry import FileEntry
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.ndx import NDX_DEL_STATS, NDX_DONE, NDX_FLIST_EOF, NDX_FLIST_OFFSET
from . import bulk, small
from .backup import Made
from .basis import Basis
from .batch import Replay
from .receive_list import ListReceiver
from .rowfiles import row_taker
from .session import Session, os_error
from .target import Target
from .unsynced import Unsynced
from .writing import Writing

#: Bases that are what is written to, or a copy of it, if the file is written to in its place.
IN_PLACE = (items.BASIS_FNAME, items.BASIS_PARTIAL_DIR, items.BASIS_BACKUP)


class Receiver:
    """Reads all that the sender sends; what becomes of each file goes to ``session.statuses``.

    ``phases_done`` counts the ``NDX_DONE`` that ended a phase, for the generator.
    """

    def __init__(self, session: Session, lists: ListReceiver, target: Target, writing: Writing) -> None:
        self._session = session
        self._receiving = lists
        self._lists = lists.lists
        self._target = target
        agreed = session.agreement
        self._decoder = compression.decoder(agreed.compression, quirk=agreed.dialect.old_compression_quirk)
        self._redoing: set[int] = set()
        if session.replay is not None:
            session.replay.missing = self._missing
        self._digest = b""  # of the file that came last, as the sender has it
        self._writing = writing
        self._unsynced = Unsynced(session, target, writing.finisher)
        self._small = small.writer(session, target)
        self._rows = row_taker(session, target, self._unsynced)
        self._delayed: dict[int, FileEntry] = {}  # whole, and waiting for the end
        self.phases_done = 0
        self.finished = False

    async def run(self) -> None:
        """Until the sender has ended its last phase, told its totals and said goodbye."""
        session, dialect = self._session, self._session.dialect
        phase = 0
        session.debug("RECV", 1, f"recv_files({len(self._lists.live[0].entries)}) starting")
        while True:
            ndx = await self._next_index()
            if ndx != NDX_DONE:
                await self._handle(ndx, phase)
                continue
            if self._lists.live:
                session.stats.checked = self._lists.checked
                session.reporter.phase_done()
            if session.replay is not None and self._lists.live:
                await self._end_in_batch(session.replay, self._lists.live[0], phase)
            if self._lists.inc_recurse and self._lists.live:
                self._lists.drop_first()
                if self._lists.live:
                    continue
            phase += 1
            if phase > dialect.phases:
                break
            session.debug("RECV", 1, f"recv_files phase={phase}")
            if phase == 2:
                self._put_delayed()
            self.phases_done += 1
        self._put_delayed()  # below protocol 29 there is no second phase
        session.debug("RECV", 1, b"recv_files finished")
        session.tell_ring()
        if not session.options.server:
            totals = await session.link.read(lambda cursor: stats.decode_stats(cursor, dialect))
            session.stats.take_peer_totals(totals)
        self.phases_done += 1
        if dialect.second_goodbye:
            last = await self._next_index()
            if last != NDX_DONE:
                raise ProtocolError(f"Invalid packet at end of run ({last})", clause="END-5")
            self.phases_done += 1
        self.finished = True

    async def _next_index(self) -> int:
        """The next index or ``NDX_DONE``; file lists that stand before it are read."""
        session, lists, link = self._session, self._lists, self._session.link
        while True:
            await self._unsynced.before_waiting(link)
            ndx = await link.read(session.ndx_in.decode)
            if ndx == NDX_DONE:
                self._unsynced.flush()
            if ndx >= NDX_DONE:
                return ndx
            if ndx == NDX_DEL_STATS:
                deletions = await link.read(stats.decode_delete_stats)
                if session.replay is None:  # a batch tells of those of the run that it was written in
                    session.deletions = deletions
                continue
            if not lists.inc_recurse or lists.eof:
                raise ProtocolError(f"Invalid file index: {ndx}", clause="NDX-5")
            if ndx == NDX_FLIST_EOF:
                lists.eof = True
                continue
            await self._receiving.receive(NDX_FLIST_OFFSET - ndx)

    async def _handle(self, ndx: int, phase: int) -> None:
        """One item of the sender's: to report, or a file with its data."""
        session, dialect = self._session, self._session.dialect
        if self._rows is not None and phase < 2 and await self._rows.take(self._lists.locate(ndx), ndx):
            session.stats.all_listed = self._lists.eof
            return
        attrs = await session.link.read(items.decode) if dialect.iflags else items.ItemAttrs()
        if not dialect.varints and attrs.iflags == items.IS_NEW and ndx == self._lists.live[-1].end:
            return  # the keep-alive of protocol 29 (MUX-11)
        listing, entry = self._lists.entry(ndx)
        session.debug("RECV", 1, b"recv_files(" + entry.name + b")")
        session.stats.checked = listing.before + listing.place(ndx) + 1
        session.stats.all_listed = self._lists.eof
        await self._target.attached.receive(entry, attrs.iflags)
        if not attrs.iflags & items.TRANSFER:
            session.items.seen(entry, attrs.iflags, attrs.xname or b"")
            self._target.set_xattrs(entry, attrs.iflags)
            if attrs.iflags & items.IS_NEW:
                session.stats.count_created(entry)
            return
        if not entry.is_reg:
            raise ProtocolError(f"received data of non-regular file: {ndx}", clause="XFER-7")
        if phase == 2:
            raise ProtocolError("got file data in phase 2", clause="XFER-2")
        if attrs.iflags & items.IS_NEW:
            session.stats.count_created(entry)
        session.stats.num_transferred_files += 1
        session.stats.total_transferred_size += entry.size
        if session.replay is not None and not await self._wanted(session.replay, ndx, listing, entry):
            return
        session.items.begins()
        if not session.options.moves_data:
            session.items.only_said(entry, attrs.iflags)
            if session.replay is not None:
                await self._discard(entry)
            return
        if session.options.only_write_batch is not None:
            session.items.only_said(entry, attrs.iflags)
            if not session.options.server:  # a server's sender keeps the data to itself
                await self._discard(entry)
            session.statuses.append(("success", ndx))
            return
        outcome = await self._receive_file(ndx, entry, attrs)
        if outcome != "later":
            session.statuses.append((outcome, ndx))

    async def _wanted(self, replay: Replay, ndx: int, listing: FileList, entry: FileEntry) -> bool:
        """BATCH-4: whether the generator asks for what the batch has here; if not it is passed over."""
        again = replay.comes_again(ndx)
        wanted = replay.is_redo(ndx) if again else await replay.is_wanted(ndx, listing.number)
        if not wanted:
            what = b" resend of" if again else b""
            self._session.reporter.info(b'(Skipping batched update for%s "%s")\n' % (what, entry.name))
            await self._discard(entry)
        return wanted

    async def _end_in_batch(self, replay: Replay, listing: FileList, phase: int) -> None:
        """BATCH-4: a list of the batch is at its end; what is still wanted of it will not come."""
        if phase or self._lists.inc_recurse:
            replay.is_redo(listing.end)
        await replay.is_wanted(listing.end, listing.number, end=True)
        while self._session.statuses and self._lists.inc_recurse:
            await self._session.link.turn()  # the generator has to hear of them while it has the list

    def _missing(self, ndx: int, again: bool) -> None:
        """BATCH-4: what is wanted and is not in the batch stays as it is: exit 23."""
        session = self._session
        name = self._lists.entry(ndx)[1].name
        session.xfer_error = True
        text = b'(No batched update for%s "%s")\n' % (b" resend of" if again else b"", name)
        session.reporter.error_xfer(text)
        session.statuses.append(("no-send", ndx))

    async def _receive_file(self, ndx: int, entry: FileEntry, attrs: items.ItemAttrs) -> str:
        """The data of one file: "success", "redo", "no-send" or "later", as the generator is to take it."""
        session, target, options = self._session, self._target, self._session.options
        name = target.name(entry)
        again = ndx in self._redoing
        if self._small is not None and (taken := self._small.take(entry, attrs, name)) is not None:
            session.items.before(entry, attrs.iflags)
            session.reporter.file_done(taken[0])
            session.items.after(entry, attrs.iflags, taken[1])
            return "success"
        basis = self._writing.bases.open(name, entry, attrs, again=again)
        temp: TempFile | None = None
        try:
            if basis.kind == items.BASIS_FNAME and basis.status and stat.S_ISDIR(basis.status.st_mode):
                session.fail(b"recv_files: " + target.shown(name) + b" is a directory")
                await self._discard(entry)
                return "no-send"
            target.fix_mode(entry, basis.status if basis.fd >= 0 else None)
            part = basis.name if basis.kind == items.BASIS_PARTIAL_DIR else None
            in_part = part is not None and session.dialect.inplace_partial
            sparse = options.sparse and not (again and options.append)
            try:
                temp = target.open_output(name, entry, part=part if in_part else None, sparse=sparse)
            except OSError as error:
                what = "open" if options.inplace or in_part else "mkstemp"
                shown: bytes = error.filename2 or (part or name if in_part else name)
                session.fail(os_error(what, target.path(shown), error))
                await self._discard(entry)
                return "no-send"
            session.items.before(entry, attrs.iflags)
            try:
                whole = await self._write(entry, basis, temp, again=again)
            except OSError as error:
                raise RefsyncError(
                    f'write failed on "{os.fsdecode(target.path(name))}": {error.strerror} ({error.errno})',
                    Exit.FILE_IO,
                ) from None
            session.items.after(entry, attrs.iflags, self._digest)
            basis.close()
            end = partial(self._end, ndx, entry, name, basis, temp, whole=whole)
            if not self._unsynced.offer(temp, name, ndx, end, whole=whole):
                return end()
            temp = None
            return "later"
        finally:
            basis.close()
            if temp is not None and temp.live:
                temp.abandon()

    def _end(
        self, ndx: int, entry: FileEntry, name: bytes, basis: Basis, temp: TempFile, *, whole: bool
    ) -> str:
        """FS-11 to FS-13: in place, kept as a part, put aside for the end, or dropped."""
        options, parts, finish = self._session.options, self._writing.parts, self._writing.finisher.finish
        again = ndx in self._redoing
        in_part = temp.inplace and not options.inplace
        keeps = parts.allowed(name) if parts.wanted else options.partial
        if options.inplace or (whole and not (options.delay_updates and keeps)):
            # a second backup would be one of the part that the first attempt has left
            backup = not (again and options.partial and not parts.wanted)
            if not finish(temp, name, entry, whole=whole, backup=backup, xattrs_of=basis.like or name):
                return "no-send"
            if basis.kind == items.BASIS_PARTIAL_DIR:
                parts.drop(name, unlink=not in_part)
        elif keeps and (not in_part or options.delay_updates):
            part = parts.make(name) if parts.wanted else name
            if part is None:
                kind = b"completed file" if whole else b"partial file"
                self._session.reporter.error(
                    b"Unable to create partial-dir for " + name + b" -- discarding " + kind + b".\n"
                )
                temp.discard()
                return "no-send"
            temp.target = part
            backup = not parts.wanted and not again
            if not finish(temp, name, entry, whole=whole, backup=backup, xattrs_of=basis.like or name):
                return "no-send"
            if whole:
                self._delayed[ndx] = entry
                return "later"
        else:
            temp.discard()  # a part that was written to stays
        return "success" if whole else self._failed(ndx, entry.name, in_part=in_part)

    def _failed(self, ndx: int, name: bytes, *, in_part: bool) -> str:
        """XFER-15: the digest is not the sender's: once more with full-length sums, then give up."""
        session, options = self._session, self._session.options
        again = ndx in self._redoing
        kept = b"discarded"
        if options.inplace:
            kept = b"retained"
        elif in_part and not options.delay_updates:
            kept = b"put into partial-dir"
        what = name + b" failed verification -- update " + kept
        if again:
            session.xfer_error = True
            session.reporter.error_xfer(b"ERROR: " + what + b".\n")
            return "no-send"
        self._redoing.add(ndx)
        if session.replay is not None:
            session.replay.failed(ndx)
        if session.options.info["NAME"] or session.options.format_has_i:
            chance = b"will" if session.replay is None else b"may"
            session.reporter.warning(b"WARNING: " + what + b" (" + chance + b" try again).\n")
        return "redo"

    def _put_delayed(self) -> None:
        """FS-13: every updated file takes its name, all at once as far as that can be."""
        session, target, parts = self._session, self._target, self._writing.parts
        for ndx, entry in self._delayed.items():
            name = target.name(entry)
            part = parts.find(name)
            if part is None:
                continue
            if session.options.backup and self._writing.backups.make(name, who="receiver") is Made.FAILED:
                continue
            try:
                target.dest.rename(part, name)
            except OSError as error:
                what = os_error(
                    "rename failed for", target.path(name), error, b"(from " + parts.shown(name) + b")"
                )
                session.fail(what)
                continue
            session.statuses.append(("success", ndx))
            parts.drop(name)
        self._delayed.clear()

    async def _write(self, entry: FileEntry, basis: Basis, temp: TempFile, *, again: bool) -> bool:
        """Rebuild the file; True if its digest is the sender's."""
        session, link, options = self._session, self._session.link, self._session.options
        name = self._target.name(entry)
        self._target.preallocate(entry, temp, basis.status)
        head = await self._read_head()
        hasher = session.checksums.new_file()
        in_place = temp.inplace and basis.kind in IN_PLACE
        rebuilt = Reconstructor(
            head,
            basis.fd if basis.fd >= 0 else None,
            temp.writer,
            hasher,
            in_place=in_place,
            replaying=session.replay is not None or basis.lost,
        )
        decode, done = self._decoder.decode, 0
        if session.append and not again:
            await bulk.keep_front(session, rebuilt, basis.fd, head.file_length, hasher)
            temp.writer.start_at(rebuilt.offset)
            done = rebuilt.offset
        keeps = options.partial or self._writing.parts.wanted
        rescue = partial(self._writing.finisher.rescue, name=name, entry=entry) if keeps else None
        inflow, left = None, entry.size - done
        if not basis.lost:  # else blocks may come that there are no bytes for
            inflow = bulk.inflow(session, self._decoder, head, basis.fd, temp.writer, hasher, left, in_place)
        while True:
            if inflow is not None:
                try:
                    ended = await inflow.run(rebuilt, self._decoder, entry.size)
                finally:
                    if rebuilt.literal_bytes:
                        temp.rescue = rescue
                done = rebuilt.offset
                if ended:
                    break
            token = await link.read(decode)
            if token is None:
                break
            session.reporter.file_progress(done, entry.size)
            if isinstance(token, int):
                data = rebuilt.copy(token)
                self._decoder.saw_block(data)
                session.stats.matched_data += len(data)
                done += len(data)
                await link.worked(len(data))
            else:
                temp.rescue = rescue
                rebuilt.literal(token)
                session.stats.literal_data += len(token)
                done += len(token)
        temp.writer.finish()
        session.reporter.file_done(done)
        size = session.checksums.digest_length
        self._digest = digest = await link.read(lambda cursor: cursor.take(size))
        return digest == hasher.digest()

    async def _read_head(self) -> sumhead.SumHead:
        most, limit = self._session.dialect.max_block_size, self._session.checksums.digest_length
        return await self._session.link.read(lambda cursor: sumhead.decode(cursor, most, limit))

    async def _discard(self, entry: FileEntry) -> None:
        """XFER-16, COMP-13: read a file that cannot be written; where its data refers back, the run ends."""
        link, counted, tell = self._session.link, self._session.stats, self._session.reporter
        head, done = await self._read_head(), 0
        while (token := await link.read(self._decoder.decode)) is not None:
            tell.file_progress(done, entry.size)
            if isinstance(token, int):
                size = head.block_size(token) if token < head.count else 0
                counted.matched_data += size
                self._decoder.missed_block(size)
            else:
                size = len(token)
                counted.literal_data += size
            done += size
        tell.file_done(done)
        size = self._session.checksums.digest_length
        await link.read(lambda cursor: cursor.take(size))
