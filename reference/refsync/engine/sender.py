"""The sender: answers requests with file data.

Clauses XFER-1 to XFER-12; upstream ``sender.c:send_files``, ``receive_sums``,
``match.c:match_sums``, ``main.c:read_final_goodbye``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ..delta.match import append_ops, whole_file_ops
from ..delta.search import Search
from ..delta.source import Source, spoiled_digest
from ..files.scan import size_of
from ..files.sources import join
from ..records import replace
from ..wire import compression, items, mux, stats, sumhead
from ..wire.cursor import Buffer, Cursor
from ..wire.entry import FileEntry
from ..wire.errors import NeedMoreData, ProtocolError
from ..wire.integers import int32
from ..wire.limits import MAX_SUM_BYTES
from ..wire.ndx import NDX_DEL_STATS, NDX_DONE
from ..wire.tokens import PlainEncoder
from ..wire.xattr import XattrList
from . import bulk, small
from .listing import LOOKAHEAD, ListSender
from .receive_list import sanitized
from .rowfiles import row_server
from .session import BLOCK_SUM, IOERR_GENERAL, IOERR_VANISHED, Session, os_error
from .skip_compress import SkipList
from .source_removal import SourceRemover

#: While no request waits, lists are sent ahead up to this many entries (upstream ``MAX_FILECNT_LOOKAHEAD``).
MAX_LOOKAHEAD = 10_000


class Sender:
    """One transfer, seen from the side that has the files."""

    def __init__(self, session: Session, lists: ListSender) -> None:
        self._session = session
        self._sending = lists
        self._lists = lists.lists
        agreed = session.agreement
        self._encoder = compression.encoder(
            agreed.compression, agreed.compress_level, quirk=agreed.dialect.old_compression_quirk
        )
        self._skips = SkipList.of(session)
        self._small = small.reader(session)
        self._below = lists.sources
        self._rows = None if self._small is None else row_server(session, self._below, self._flags())
        self._started_with = 0
        self._sent: set[int] = set()  # below protocol 30, or with --append: a second request is another kind
        self._remover = SourceRemover(session, lists.lists, self._below)
        session.on_success = self._remover.arrived

    def close(self) -> None:
        """Let go of the directories of the source."""
        self._below.close()

    async def run(self) -> None:
        """Serve every phase; returns once the last ``NDX_DONE`` of the transfer is queued."""
        session, link = self._session, self._session.link
        self._started_with = session.io_error
        session.debug("SEND", 1, b"send_files starting")
        phase = 0
        while True:
            await self._sending.send_more(LOOKAHEAD)
            ndx = await self._next_index()
            if ndx == NDX_DONE:
                if self._lists.live:
                    session.stats.checked = self._lists.checked
                    session.reporter.phase_done()
                if self._lists.inc_recurse and self._lists.live:
                    self._lists.drop_first()
                    if self._lists.live:
                        link.write(session.ndx_out.encode(NDX_DONE))
                        continue
                phase += 1
                if phase > session.dialect.phases:
                    break
                session.debug("SEND", 1, f"send_files phase={phase}")
                link.write(session.ndx_out.encode(NDX_DONE))
                continue
            await self._serve(ndx, phase)
            await link.drain()
        if session.io_error != self._started_with and session.dialect.varints:
            link.message(mux.IO_ERROR, int32(session.io_error))
        session.debug("SEND", 1, b"send files finished")
        session.tell_ring()
        self._report_matches()
        link.write(session.ndx_out.encode(NDX_DONE))

    def _report_matches(self) -> None:
        """``DELTASUM``: upstream's hits also count other sums that share a slot of its hash table."""
        counts = self._session.stats
        hits = counts.matches + counts.false_alarms
        self._session.debug(
            "DELTASUM",
            1,
            f"total: matches={counts.matches}  hash_hits={hits}  false_alarms={counts.false_alarms}"
            f" data={counts.literal_data}",
        )

    async def goodbye(self) -> None:
        """END-5: the receiving side's last word; from protocol 31 it is answered and confirmed."""
        session = self._session
        last = await self._next_index()
        if last == NDX_DONE and session.dialect.second_goodbye:
            session.link.write(session.ndx_out.encode(NDX_DONE))
            last = await self._next_index()
        if last != NDX_DONE:
            raise ProtocolError(f"Invalid packet at end of run ({last})", clause="END-5")

    async def _next_index(self) -> int:
        """The next index or ``NDX_DONE``; while none is there, lists go out ahead of need."""
        session, link = self._session, self._session.link
        while True:
            try:
                ndx = link.poll(session.ndx_in.decode)
            except NeedMoreData:
                if not self._lists.eof and self._lists.total < MAX_LOOKAHEAD and not link.available:
                    await self._sending.send_more(self._lists.total + 1)
                    await link.turn()
                    continue
                await link.more_input()
                continue
            if ndx == NDX_DEL_STATS:
                session.deletions = await link.read(stats.decode_delete_stats)
                if session.options.server:
                    link.write(
                        session.ndx_out.encode(NDX_DEL_STATS) + stats.encode_delete_stats(session.deletions)
                    )
                continue
            if ndx < NDX_DONE:
                raise ProtocolError(f"Invalid file index: {ndx}", clause="NDX-5")
            return ndx

    async def _serve(self, ndx: int, phase: int) -> None:
        """One request: an item to report, or a file to send."""
        session, link, dialect = self._session, self._session.link, self._session.dialect
        if self._rows is not None and phase < 2 and self._rows.serve(self._lists.locate(ndx), ndx):
            session.stats.all_listed = self._lists.eof
            return
        attrs = await link.read(items.decode) if dialect.iflags else items.ItemAttrs()
        if not dialect.varints and attrs.iflags == items.IS_NEW and ndx == self._lists.live[-1].end:
            return  # the keep-alive of protocol 29 (MUX-11)
        if attrs.xname is not None and session.module and session.module.root != b"/":
            # a module does not tell even a name of its client's that leads out of it (HOST-5)
            attrs = replace(attrs, xname=sanitized(attrs.xname, 0))
        listing, entry = self._lists.entry(ndx)
        if session.options.debug["SEND"]:
            session.debug("SEND", 1, b"send_files(%d, %s)" % (ndx, join(entry.path, entry.name)))
        session.stats.checked = listing.before + listing.place(ndx) + 1
        session.stats.all_listed = self._lists.eof
        wanted = await self._sending.attached.read_request(entry, attrs.iflags)
        if not attrs.iflags & items.TRANSFER:
            session.items.seen(entry, attrs.iflags, attrs.xname or b"")
            link.write(
                self._answer(ndx, attrs) + self._sending.attached.answer(join(entry.path, entry.name), wanted)
            )
            if attrs.iflags & items.IS_NEW:
                session.stats.count_created(entry)
            return
        if not entry.is_reg:
            raise ProtocolError(f"received request to transfer non-regular file: {ndx}", clause="XFER-7")
        if phase == 2:
            raise ProtocolError("got transfer request in phase 2", clause="XFER-2")
        if attrs.iflags & items.IS_NEW:
            session.stats.count_created(entry)
        session.stats.num_transferred_files += 1
        session.stats.total_transferred_size += entry.size
        session.items.begins()
        if not session.options.moves_data:
            session.items.only_said(entry, attrs.iflags)
            link.write(self._answer(ndx, attrs))
            return
        append = 0 if ndx in self._sent else session.append
        head, sums = await self._read_sums(without=append > 0)
        await self._send_file(ndx, entry, attrs, head, sums, wanted, append)

    def _answer(self, ndx: int, attrs: items.ItemAttrs) -> bytes:
        """What goes before an answer. Encoding an index changes the codec's state: only for what is sent."""
        session = self._session
        return session.ndx_out.encode(ndx) + (items.encode(attrs) if session.dialect.iflags else b"")

    async def _read_sums(self, *, without: bool) -> tuple[sumhead.SumHead, bytes]:
        """XFER-8: the sum head and the packed sums behind it; ``without``: none are (XFER-19)."""
        link, dialect = self._session.link, self._session.dialect
        limit = self._session.checksums.digest_length

        def read_head(cursor: Cursor) -> sumhead.SumHead:
            return sumhead.decode(cursor, dialect.max_block_size, limit)

        head = await link.read(read_head)
        size = 0 if without else head.count * (4 + head.strong_length)
        if size > MAX_SUM_BYTES:  # whatever limit the other side has asked for, or none
            raise ProtocolError(f"{head.count} block sums are more than can be held", clause="SUM-2")
        if size:
            self._session.allocate(head.count, BLOCK_SUM)
            self._session.allocate(head.count * limit, 1)
        return head, await link.read(lambda cursor: cursor.take(size))

    async def _send_file(
        self,
        ndx: int,
        entry: FileEntry,
        attrs: items.ItemAttrs,
        head: sumhead.SumHead,
        sums: bytes,
        wanted: XattrList | None,
        append: int,
    ) -> None:
        session, link = self._session, self._session.link
        path = join(entry.path, entry.name)
        if self._small is not None and not head.count and not append and entry.size <= small.LONGEST:
            quick = self._read_small(entry)
            if quick is not None:
                link.write(self._answer(ndx, attrs) + self._sending.attached.answer(path, wanted))
                link.write(sumhead.encode(head))
                session.items.before(entry, attrs.iflags)
                stream, length = quick
                link.write(stream)
                session.stats.literal_data += length
                session.reporter.file_progress(length, length)
                session.reporter.file_done(length)
                digest = bytes(stream[-session.checksums.digest_length :])
                session.items.after(entry, attrs.iflags, digest)
                session.debug("SEND", 1, b"sender finished " + path)
                self._sent.add(ndx)
                return
        fd = self._open(ndx, path)
        if fd < 0:
            return
        try:
            length = size_of(fd)
            if append and length < entry.size:
                session.warn(b'skipped diminished file: "' + os.path.abspath(path) + b'"')
                self._not_sent(ndx)
                return
            link.write(self._answer(ndx, attrs) + self._sending.attached.answer(path, wanted))
            only = session.recorder is not None and session.recorder.only
            out = session.recorder if only and session.recorder else link  # where the data goes (BATCH-5)
            out.write(sumhead.encode(head))
            session.items.before(entry, attrs.iflags)
            hasher = session.checksums.new_file()
            source = Source(fd, length)
            search: Search | None = None
            plain_tokens = isinstance(self._encoder, PlainEncoder)
            self._encoder.begin(skip=self._skips(entry.name))
            pieces: Iterator[tuple[Buffer, int, int]]
            start = min(head.file_length, length) if append else 0
            if head.count and not append:
                in_place = self._in_place(ndx, attrs)
                search = Search(head, sums, session.checksums, source, hasher, in_place=in_place)
                if plain_tokens and search.native:
                    pieces = search.tokens()
                else:
                    pieces = self._encoded(search.ops(), head, search)
            elif plain_tokens and out is link and bulk.can_carry(session, hasher, length - start):
                source.error = await bulk.send_file(
                    session, fd, length, hasher, start=start, verify=append == 2
                )
                pieces = iter(())
            elif append:
                pieces = self._encoded(append_ops(source, head, hasher, verify=append == 2), head)
            else:
                pieces = self._encoded(whole_file_ops(source, hasher), head)
            done = head.file_length if append else 0
            for piece, literal, matched in pieces:
                session.stats.literal_data += literal
                session.stats.matched_data += matched
                done += literal + matched
                out.write(piece)
                session.reporter.file_progress(done, length)
                await link.drain()
                await link.worked(literal + matched)
            if search is not None:
                session.stats.matches += search.matches
                session.stats.false_alarms += search.false_alarms
            digest = hasher.digest()
            if source.error:  # what could not be read went out as zeros: the receiver must not keep it
                digest = spoiled_digest(digest)
            out.write(self._encoder.end() + digest)
            session.reporter.file_done(length)
            session.items.after(entry, attrs.iflags, digest)
            session.debug("SEND", 1, b"sender finished " + path)
            if source.error:
                session.io_error |= IOERR_GENERAL
                reason = OSError(source.error, os.strerror(source.error))
                session.fail(os_error("read errors mapping", os.path.abspath(path), reason, b""))
            self._sent.add(ndx)
        finally:
            os.close(fd)

    def _encoded(
        self, ops: Iterator[Buffer | int], head: sumhead.SumHead, search: Search | None = None
    ) -> Iterator[tuple[Buffer, int, int]]:
        """(what to send, literal bytes and bytes of blocks that it stands for) for each operation."""
        for op in ops:
            if isinstance(op, int):
                block = search.matched if search else b""
                yield self._encoder.match(op, block), 0, head.block_size(op)
            else:
                yield self._encoder.literal(op), len(op), 0

    def _in_place(self, ndx: int, attrs: items.ItemAttrs) -> bool:
        """SUM-13: whether the receiver overwrites the basis as it goes."""
        options, dialect = self._session.options, self._session.dialect
        if attrs.basis_type == items.BASIS_PARTIAL_DIR and dialect.inplace_partial:
            return True
        if not options.inplace:
            return False
        if dialect.iflags:
            return attrs.basis_type == items.BASIS_FNAME
        return not options.backup or ndx in self._sent

    def _not_sent(self, ndx: int) -> None:
        """XFER-9: the receiver need not wait for it."""
        if self._session.dialect.varints:
            self._session.link.message(mux.NO_SEND, int32(ndx))

    def _flags(self) -> int:
        """How sources are opened."""
        follow = 0 if self._below.follows else os.O_NOFOLLOW
        return os.O_RDONLY | follow | os.O_NONBLOCK | os.O_CLOEXEC | self._session.checksums.open_flags

    def _read_small(self, entry: FileEntry) -> tuple[memoryview, int] | None:
        assert self._small is not None
        try:
            held = self._below.place(join(entry.path, entry.name))
        except OSError:
            return None  # the usual way says why
        if held is None:
            return None
        directory, name = held
        # a symlink is followed the usual way, which a module confines
        return self._small.read(name, self._flags() | os.O_NOFOLLOW, small.LONGEST, directory=directory)

    def _open(self, ndx: int, path: bytes) -> int:
        """A descriptor to read from, or -1 after telling both the user and the receiver (XFER-9)."""
        session = self._session
        try:
            fd = self._below.open(path, self._flags())
            mode = os.fstat(fd).st_mode
            if stat.S_ISREG(mode) or (
                session.options.copy_devices and (stat.S_ISBLK(mode) or stat.S_ISCHR(mode))
            ):
                return fd
            os.close(fd)
            session.io_error |= IOERR_GENERAL
            session.fail(b'"' + os.path.abspath(path) + b'" is no longer a regular file')
        except OSError as error:
            if error.errno == 2:
                session.io_error |= IOERR_VANISHED
                session.warn(b'file has vanished: "' + os.path.abspath(path) + b'"')
            else:
                session.io_error |= IOERR_GENERAL
                session.fail(os_error("send_files failed to open", os.path.abspath(path), error, b""))
        self._not_sent(ndx)
        return -1
