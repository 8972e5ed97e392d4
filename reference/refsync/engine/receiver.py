"""The receiver: takes file data and puts the files in place.

Clauses XFER-10 to XFER-16, FS-1 to FS-6; upstream ``receiver.c:recv_files``,
``receive_data``, ``rsync.c:read_ndx_and_attrs``, ``finish_transfer``.
"""

from __future__ import annotations

import os
import stat

from ..delta.apply import Reconstructor
from ..files.temp import TempFile
from ..session.lists import FileList
from ..wire import compression, items, stats, sumhead
from ..wire.cursor import Cursor
from ..wire.entry import FileEntry
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.ndx import NDX_DEL_STATS, NDX_DONE, NDX_FLIST_EOF, NDX_FLIST_OFFSET
from .batch import Replay
from .receive_list import ListReceiver
from .session import Session, os_error
from .target import Target


class Receiver:
    """Reads all that the sender sends; what becomes of each file goes to ``session.statuses``.

    ``phases_done`` counts the ``NDX_DONE`` that ended a phase, for the generator.
    """

    def __init__(self, session: Session, lists: ListReceiver, target: Target) -> None:
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
            self.phases_done += 1
        session.debug("RECV", 1, b"recv_files finished")
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
            ndx = await link.read(session.ndx_in.decode)
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
        attrs = await session.link.read(items.decode) if dialect.iflags else items.ItemAttrs()
        if not dialect.varints and attrs.iflags == items.IS_NEW and ndx == self._lists.live[-1].end:
            return  # the keep-alive of protocol 29 (MUX-11)
        listing, entry = self._lists.entry(ndx)
        session.debug("RECV", 1, b"recv_files(" + entry.name + b")")
        session.stats.checked = listing.before + ndx - listing.start + 1
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
                await self._discard()
            return
        if session.options.only_write_batch is not None:
            session.items.only_said(entry, attrs.iflags)
            if not session.options.server:  # a server's sender keeps the data to itself
                await self._discard()
            session.statuses.append(("success", ndx))
            return
        if dialect.iflags and attrs.basis_type != items.BASIS_FNAME:
            raise ProtocolError(f"basis type {attrs.basis_type:#x} was not asked for", clause="HOST-4")
        outcome = await self._receive_file(ndx, entry, attrs.iflags)
        session.statuses.append((outcome, ndx))

    async def _wanted(self, replay: Replay, ndx: int, listing: FileList, entry: FileEntry) -> bool:
        """BATCH-4: whether the generator asks for what the batch has here; if not it is passed over."""
        again = replay.comes_again(ndx)
        wanted = replay.is_redo(ndx) if again else await replay.is_wanted(ndx, listing.number)
        if not wanted:
            what = b" resend of" if again else b""
            self._session.reporter.info(b'(Skipping batched update for%s "%s")\n' % (what, entry.name))
            await self._discard()
        return wanted

    async def _end_in_batch(self, replay: Replay, listing: FileList, phase: int) -> None:
        """BATCH-4: a list of the batch is at its end; what is still wanted of it will not come."""
        if phase or self._lists.inc_recurse:
            replay.is_redo(listing.end)
        await replay.is_wanted(listing.end, listing.number)
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

    async def _receive_file(self, ndx: int, entry: FileEntry, iflags: int) -> str:
        """The data of one file: "success", "redo" or "no-send", as the generator is to take it."""
        session, target = self._session, self._target
        name = target.name(entry)
        basis, status = self._open_basis(name)
        temp: TempFile | None = None
        try:
            if status is not None and stat.S_ISDIR(status.st_mode):
                session.fail(b"recv_files: " + target.shown(name) + b" is a directory")
                await self._discard()
                return "no-send"
            target.fix_mode(entry, status if basis >= 0 else None)
            try:
                temp = target.open_output(name, entry)
            except OSError as error:
                session.fail(os_error("mkstemp", target.path(name), error))
                await self._discard()
                return "no-send"
            session.items.before(entry, iflags)
            try:
                whole = await self._write(entry, basis, temp)
            except OSError as error:
                raise RefsyncError(
                    f'write failed on "{os.fsdecode(target.path(name))}": {error.strerror} ({error.errno})',
                    Exit.FILE_IO,
                ) from None
            session.items.after(entry, iflags, self._digest)
            if whole:
                target.commit(temp, name, entry, status)
                temp = None
                return "success"
            return self._failed(ndx, name, temp)
        finally:
            if basis >= 0:
                os.close(basis)
            if temp is not None:
                target.abandon(temp, name, entry)

    def _failed(self, ndx: int, name: bytes, temp: TempFile) -> str:
        """XFER-15: the digest is not the sender's: once more with full-length sums, then give up."""
        session = self._session
        again = ndx in self._redoing
        kept = "retained" if session.options.partial or session.options.inplace else "discarded"
        shown = os.fsdecode(name)
        if again:
            session.xfer_error = True
            session.reporter.error_xfer(
                f"ERROR: {shown} failed verification -- update {kept}.\n".encode("utf-8", "surrogateescape")
            )
            return "no-send"
        self._redoing.add(ndx)
        if session.replay is not None:
            session.replay.failed(ndx)
        if not (session.options.info["NAME"] or session.options.format_has_i):
            return "redo"
        chance = "will" if session.replay is None else "may"
        session.reporter.warning(
            f"WARNING: {shown} failed verification -- update {kept} ({chance} try again).\n".encode(
                "utf-8", "surrogateescape"
            )
        )
        return "redo"

    def _open_basis(self, name: bytes) -> tuple[int, os.stat_result | None]:
        """(descriptor or -1, status or None) of what has the name now; only a regular file is opened."""
        try:
            status = self._target.dest.lstat(name)
            if status is None or not stat.S_ISREG(status.st_mode):
                return -1, status
            return self._target.dest.open_read(name), status
        except OSError:
            return -1, None

    async def _write(self, entry: FileEntry, basis: int, temp: TempFile) -> bool:
        """Rebuild the file; True if its digest is the sender's."""
        session, link = self._session, self._session.link
        head = await self._read_head()
        hasher = session.checksums.new_file()
        rebuilt = Reconstructor(
            head,
            basis if basis >= 0 else None,
            temp.writer,
            hasher,
            in_place=temp.inplace,
            replaying=session.replay is not None,
        )
        decode = self._decoder.decode
        done = 0
        while True:
            token = await link.read(decode)
            if token is None:
                break
            session.reporter.file_progress(done, entry.size)
            if isinstance(token, int):
                data = rebuilt.copy(token)
                self._decoder.saw_block(data)
                session.stats.matched_data += len(data)
                done += len(data)
            else:
                rebuilt.literal(token)
                session.stats.literal_data += len(token)
                done += len(token)
        temp.writer.finish()
        session.reporter.file_done(done)
        size = session.checksums.digest_length
        self._digest = digest = await link.read(lambda cursor: cursor.take(size))
        return digest == hasher.digest()

    async def _read_head(self) -> sumhead.SumHead:
        dialect, limit = self._session.dialect, self._session.checksums.digest_length

        def read_head(cursor: Cursor) -> sumhead.SumHead:
            return sumhead.decode(cursor, dialect.max_block_size, limit)

        return await self._session.link.read(read_head)

    async def _discard(self) -> None:
        """XFER-16: a file that cannot be written is read to its end all the same."""
        link, counted = self._session.link, self._session.stats
        head = await self._read_head()
        while (token := await link.read(self._decoder.decode)) is not None:
            if isinstance(token, int):
                counted.matched_data += head.block_size(token) if token < head.count else 0
            else:
                counted.literal_data += len(token)
        size = self._session.checksums.digest_length
        await link.read(lambda cursor: cursor.take(size))
