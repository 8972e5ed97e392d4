"""The sender's file lists: from the arguments, and directory by directory as they are wanted.

Clauses FLIST-15 and FLIST-16, IREC-1 to IREC-5; upstream
``flist.c:send_file_list``, ``send_extra_file_list``, ``send_directory``, ``make_file``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import AsyncIterator, Iterator
from errno import ENOENT, EXDEV

from ..files.below import Below
from ..files.ids import IdNames
from ..files.links import look
from ..files.scan import stat_entry
from ..files.sources import is_link, join
from ..filters.rulelist import FilterList
from ..options.chmod import tweak
from ..session.lists import FileList, FileLists
from ..wire import mux, order
from ..wire.entry import CONTENT_DIR, DUPLICATE, MOUNT_DIR, FileEntry
from ..wire.flist_encode import FlistEncoder
from ..wire.integers import int32
from ..wire.limits import MAX_PATH
from ..wire.ndx import NDX_FLIST_EOF, NDX_FLIST_OFFSET
from .attached import SourceAttributes
from .changes import chmod_changes
from .chosen import Chosen
from .converting import Outgoing
from .idnames import send_id_names
from .rowlist import RowList
from .rowsend import row_sender
from .session import IOERR_GENERAL, IOERR_VANISHED, Session, os_error

#: With incremental recursion, so many entries go out ahead of need (upstream ``MIN_FILECNT_LOOKAHEAD``).
LOOKAHEAD = 1000
#: Between two waits for room.
BATCH = 256


class ListSender:
    """Builds and sends the lists of one session.

    ``root`` is the directory that relative arguments start from; it is the
    current one for a client, the module's for a daemon.
    """

    def __init__(self, session: Session, filters: FilterList, root: bytes = b"") -> None:
        self._session = session
        self._options = session.options
        self._filters = filters
        self._root = root
        self.sources = Below(session.files, session.options)
        self._files = session.files = self.sources
        self._ids = IdNames(session.options.numeric_ids or session.options.unmatched_ids, session.names)
        self._encoder = FlistEncoder(session.dialect, session.preserve, session.xattr_names.sent)
        self.attached = SourceAttributes(session, self._ids, session.xattr_names)
        self._chmod = chmod_changes(session.options)
        self.device = 0
        self._todo: list[int] = []  # directories whose lists are still to be sent, next one last
        self._pending: list[FileEntry] = []
        self._packed: RowList | None = None  # the list under way, if it is all of one directory
        self._packing = row_sender(session, filters, self._encoder)
        self._outgoing = None if session.charset is None else Outgoing(session, session.charset)
        self._next_ndx = 0
        self._list_start = 0
        self.lists = FileLists(session.dialect.inc_recurse)
        self._chosen = Chosen(session, self.sources, filters, root, self)

    # -- the first list ---------------------------------------------------

    async def send_first(self, arguments: AsyncIterator[bytes]) -> FileList:
        """Send the list of the arguments (everything below them, if not incremental) and its end."""
        session, dialect = self._session, self._session.dialect
        start_bytes, began = session.link.bytes_out + session.link.pending, time.monotonic()
        session.reporter.list_started(sending=True, incremental=dialect.inc_recurse)
        self._begin()
        async for argument in arguments:
            for entry in self._chosen.entries(argument):
                await self._add(entry)
            contents, self._chosen.contents = self._chosen.contents, None
            if contents is not None and not await self._add_packed(contents):
                for entry in self.children(contents):
                    await self._add(entry)
        session.stats.flist_buildtime = max(1, int((time.monotonic() - began) * 1000))
        session.reporter.list_finished(self._next_ndx - self._list_start)
        listing = self._finish(-1)
        session.link.write(self._end(session.io_error))
        if not self._options.numeric_ids and not dialect.inc_recurse:
            send_id_names(session, listing, self._ids)
        if dialect.io_error_after_list:
            session.link.write(int32(0 if self._options.ignore_errors else session.io_error))
        elif session.io_error and not dialect.safe_flist and not self._options.ignore_errors:
            session.link.message(mux.IO_ERROR, int32(session.io_error))
        session.stats.flist_size += session.link.bytes_out + session.link.pending - start_bytes
        session.debug("FLIST", 2, b"send_file_list done")
        if dialect.inc_recurse:
            if not self._todo:
                self._announce_eof()
            elif self.lists.total == 1:
                # one directory alone: its list shows whether this is a transfer of a single file
                await self.send_more(1)
        return listing

    def below(self, directory: FileEntry, recurse: bool) -> Iterator[FileEntry]:
        """All that is in a directory, then all that is in each directory of it."""
        children = list(self.children(directory))
        yield from children
        if recurse:
            for child in children:
                if child.is_dir and not child.flags & MOUNT_DIR:
                    yield from self.below(child, True)
                    self._filters.leave_to(directory.name)

    def children(self, directory: FileEntry) -> Iterator[FileEntry]:
        """The entries of one directory, those that the filters keep."""
        path = join(directory.path, directory.name)
        prefix = directory.name.removesuffix(b".") if directory.basename == b"." else directory.name + b"/"
        self._filters.enter_dir(path, directory.name.lstrip(b"/"))
        try:
            names = self._files.listdir(path)
        except OSError as error:
            self.unreadable("opendir", path, error, is_dir=True)
            return
        for name in names:
            entry = self._child(directory.path, prefix + name)
            if entry is not None:
                yield entry

    def _child(self, base: bytes, full: bytes) -> FileEntry | None:
        """The entry of one name of a directory; None if the filters drop it, or it can't be looked at."""
        session, options = self._session, self._options
        if len(full) >= MAX_PATH:
            session.io_error |= IOERR_GENERAL
            session.fail(b"file name is too long: " + full)
            return None
        ruled = full.lstrip(b"/")
        try:
            status = look(join(base, full), full, options, self.say, self._files)
        except OSError as error:
            # a name that the filters drop is nobody's concern
            if self._filters.check(ruled, False) >= 0 and self._filters.check(ruled, True) >= 0:
                self.unlooked(join(base, full), error)
            return None
        is_dir = stat.S_ISDIR(status.st_mode)
        if self._filters.check(ruled, is_dir) < 0:
            return None
        entry = self.make(base, full, status)
        if entry is not None and is_dir and options.recurse:
            if not options.one_file_system or status.st_dev == self.device:
                entry.flags |= CONTENT_DIR
            elif options.one_file_system > 1:
                return None
            else:
                entry.flags |= MOUNT_DIR
        return entry

    def unreadable(self, what: str, path: bytes, error: OSError, is_dir: bool) -> None:
        """A name that cannot be looked at: it vanished, or something worse that must stop deletions."""
        session = self._session
        if error.errno == ENOENT:
            session.io_error |= IOERR_VANISHED
            kind = b"directory" if is_dir else b"file"
            session.warn(kind + b' has vanished: "' + os.path.abspath(path) + b'"')
            return
        session.io_error |= IOERR_GENERAL
        session.fail(os_error(what, os.path.abspath(path), error))

    def say(self, text: bytes) -> None:
        """With ``SYMSAFE``: what became of an unsafe symlink."""
        if self._options.info["SYMSAFE"]:
            self._session.reporter.info(text)

    def unlooked(self, path: bytes, error: OSError) -> None:
        """A name that can't be looked at, or (FS-20) a symlink to nothing that is to be looked through.

        What a symlink of a module names outside of it is nothing (EXDEV) either.
        """
        session, options = self._session, self._options
        follows = options.copy_links or options.copy_unsafe_links or options.copy_dirlinks
        if error.errno in (ENOENT, EXDEV) and follows and is_link(self._files, path):
            session.io_error |= IOERR_GENERAL
            session.xfer_error = True
            session.reporter.error_xfer(b'symlink has no referent: "' + os.path.abspath(path) + b'"\n')
        elif error.errno == ENOENT:
            self.unreadable("readlink_stat", path, error, is_dir=False)
        else:
            session.io_error |= IOERR_GENERAL
            reason = os.strerror(error.errno or 0).encode()
            shown = b'readlink_stat("' + os.path.abspath(path) + b'") failed: ' + reason
            session.fail(shown + b" (%d)" % (error.errno or 0))

    def make(self, base: bytes, name: bytes, status: os.stat_result) -> FileEntry | None:
        session, options = self._session, self._options
        path = join(base, name)
        if options.debug["FLIST"] > 1:
            session.debug("FLIST", 2, b"[sender] make_file(%s,*,%d)" % (name, 0 if name == b"." else 2))
        module = session.module
        picky = module is not None and module.ignore_nonreadable and not stat.S_ISLNK(status.st_mode)
        if picky and not self._files.readable(path):
            return None  # DAEMON-22
        try:
            entry = stat_entry(path, name, options, self._ids, status, session.fail, self._files)
            if session.preserve.checksum_length and entry.is_reg:
                try:
                    entry.checksum = self._digest(path, entry.size)
                except OSError:  # as upstream: its turn comes, and then it is said that it can't be read
                    entry.checksum = bytes(session.preserve.checksum_length)
        except OSError as error:
            self.unreadable("readlink_stat", path, error, is_dir=False)
            return None
        entry.path = base
        if self._chmod and not entry.is_link:
            entry.mode = tweak(entry.mode, self._chmod)
        if self._outgoing is not None and self._outgoing.entry(entry) is None:
            return None
        try:
            if not self.attached.fill(entry, path):
                return None
        except OSError as error:
            self.unreadable("readlink_stat", path, error, is_dir=False)
            return None
        if options.hard_links and not entry.is_dir:
            if not session.dialect.rdev_split:
                linked = entry.is_reg
            else:
                linked = status.st_nlink > 1
            if linked:
                entry.dev, entry.ino = status.st_dev, status.st_ino
        return entry

    def _digest(self, path: bytes, size: int) -> bytes:
        checksums = self._session.checksums
        fd = self._files.open(path, os.O_RDONLY | os.O_NONBLOCK | checksums.open_flags)
        try:
            return checksums.digest_of(fd, size)
        finally:
            os.close(fd)

    # -- further lists ----------------------------------------------------

    async def send_more(self, at_least: int) -> None:
        """IREC-4: send lists until so many entries are ahead of the oldest live list, or none is left."""
        session, lists = self._session, self.lists
        before = session.io_error
        while not lists.eof and self._ahead() < at_least:
            start_bytes = session.link.bytes_out + session.link.pending
            number = self._todo.pop()
            session.link.write(session.ndx_out.encode(NDX_FLIST_OFFSET - number))
            self._begin()
            directory = lists.dirs[number]
            await self._add_children(directory)
            while self._todo and lists.dirs[self._todo[-1]].flags & DUPLICATE:
                before_it, directory = directory, lists.dirs[self._todo.pop()]
                if directory.path == before_it.path and before_it.flags & CONTENT_DIR:
                    directory.flags &= ~CONTENT_DIR  # the same directory, listed already
                await self._add_children(directory)
            session.link.write(self._end(0 if session.io_error == before else session.io_error))
            self._finish(number)
            session.stats.flist_size += session.link.bytes_out + session.link.pending - start_bytes
            if not self._todo:
                self._announce_eof()
            await session.link.drain()
        if session.io_error != before and session.dialect.protocol == 30 and not self._options.ignore_errors:
            session.link.message(mux.IO_ERROR, int32(session.io_error))

    def _ahead(self) -> int:
        lists = self.lists
        return lists.total - (len(lists.live[0].entries) if lists.live else 0)

    async def _add_children(self, directory: FileEntry) -> None:
        if directory.flags & CONTENT_DIR:
            if self._options.one_file_system:
                try:
                    self.device = self._files.stat(join(directory.path, directory.name)).st_dev
                except OSError as error:
                    self.unreadable("link_stat", join(directory.path, directory.name), error, is_dir=True)
                    return
            if not await self._add_packed(directory):
                for entry in self.children(directory):
                    await self._add(entry)
        for entry in self._chosen.entries_below(directory):
            await self._add(entry)

    def _announce_eof(self) -> None:
        self.lists.eof = True
        self._session.link.write(self._session.ndx_out.encode(NDX_FLIST_EOF))

    # -- one list ---------------------------------------------------------

    def _begin(self) -> None:
        self._pending, self._packed = [], None
        self._list_start = self._next_ndx = self.lists.next_start

    async def _add_packed(self, directory: FileEntry) -> bool:
        """All that is in a directory, in runs of usual files; False if that is not how it goes."""
        session, packing = self._session, self._packing
        if packing is None or self._packed is not None or any(one is not directory for one in self._pending):
            return False
        name = directory.name
        prefix = name.removesuffix(b".") if directory.basename == b"." else name + b"/"
        listing = packing.look(join(directory.path, name), prefix, directory.path)
        if listing is None:
            return False
        self._packed = listing
        at, count = 0, len(listing)
        while at < count:
            usual, data = packing.encode(listing, at)
            if usual:
                session.link.write(data)
                session.stats.count_files(usual, listing.rows.total(at, at + usual))
            else:
                usual = 1
                entry = self._child(directory.path, prefix + listing.rows.at(at).name)
                if entry is None:
                    self._unpack(self._next_ndx - self._list_start)
                    break
                self._send(entry)
                listing.put(at, entry)
            self._grew(at, at + usual)
            at += usual
            self._next_ndx += usual
            await session.link.drain()
        for place in range(at + 1, count):  # behind one that is left out
            entry = self._child(directory.path, prefix + listing.rows.at(place).name)
            if entry is not None:
                await self._add(entry)
        return True

    def _unpack(self, count: int) -> None:
        """The list under way becomes a usual one, with the first entries of it that there are."""
        if self._packed is not None:
            self._pending += self._packed[: count - len(self._pending)]
            self._packed = None

    def _grew(self, before: int, now: int) -> None:
        """The list under way has that many entries more."""
        self._session.grow_lists(before, now)
        for count in range(-(-before // 100) * 100, now, 100):
            self._session.reporter.list_grew(count)

    def _send(self, entry: FileEntry) -> None:
        self._session.link.write(self._encoder.encode(entry, self._next_ndx, self._list_start))
        self._session.stats.count(entry)

    async def _add(self, entry: FileEntry) -> None:
        self._unpack(self._next_ndx - self._list_start)
        sent = entry if self._outgoing is None else self._outgoing.entry(entry)
        if sent is None:
            return
        self._session.link.write(self._encoder.encode(sent, self._next_ndx, self._list_start))
        if len(self._pending) % 100 == 0:
            self._session.reporter.list_grew(len(self._pending))
        self._session.grow_list(len(self._pending))
        self._pending.append(entry)
        self._session.stats.count(entry)
        self._next_ndx += 1
        if self._next_ndx % BATCH == 0:
            await self._session.link.drain()

    def _end(self, io_error: int) -> bytes:
        return self._encoder.encode_end(0 if self._options.ignore_errors else io_error)

    def _finish(self, parent: int) -> FileList:
        """Sort as the receiver will, number, and queue the directories of an incremental list."""
        files_first = self._session.dialect.sort_files_first
        lists = self.lists
        if self._packed is not None:
            return self._finish_packed(self._packed, parent)
        entries = self._pending
        sent = None if self._outgoing is None else list(entries)
        order.sort(entries, files_first)
        order.mark_duplicates(entries, files_first, sender=True)
        if self._session.dialect.inc_recurse:
            directories = [entry for entry in sent or entries if entry.is_dir]
            numbers = {id(entry): number for number, entry in enumerate(directories, len(lists.dirs))}
            lists.dirs += directories
            children = [numbers[id(one)] for one in entries if one.is_dir and one.basename != b"."]
            self._todo.extend(reversed(children))
            if parent < 0 and entries and entries[0].is_dir and entries[0].basename == b".":
                parent = numbers[id(entries[0])]
        return lists.add(entries, parent, sent)

    def _finish_packed(self, listing: RowList, parent: int) -> FileList:
        """The same for the contents of one directory, and for the root of the transfer with its contents."""
        for entry in self._pending:
            listing.add(entry)
        listing.sort()  # no name occurs twice in a directory
        lists, before = self.lists, len(self.lists.dirs)
        lists.dirs += listing.directories()
        first = before
        if listing.has_root:
            first += 1
            parent = before if parent < 0 else parent
        self._todo.extend(range(len(lists.dirs) - 1, first - 1, -1))
        return lists.add(listing, parent)
