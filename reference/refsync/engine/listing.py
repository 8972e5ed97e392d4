"""The sender's file lists: from the arguments, and directory by directory as they are wanted.

Clauses FLIST-15 and FLIST-16, IREC-1 to IREC-5; upstream
``flist.c:send_file_list``, ``send_extra_file_list``, ``send_directory``, ``make_file``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

from ..files.ids import IdNames
from ..files.scan import read_dir, stat_entry
from ..filters.rulelist import FilterList
from ..options.chmod import tweak
from ..session.lists import FileList, FileLists
from ..wire import idlist, mux, order
from ..wire.entry import CONTENT_DIR, DUPLICATE, MOUNT_DIR, TOP_DIR, FileEntry
from ..wire.flist_encode import FlistEncoder
from ..wire.integers import int32
from ..wire.limits import MAX_PATH
from ..wire.ndx import NDX_FLIST_EOF, NDX_FLIST_OFFSET
from .attached import SourceAttributes
from .changes import chmod_changes
from .module import ModuleContext, first_hidden, not_there
from .session import IOERR_GENERAL, IOERR_VANISHED, Session, os_error

#: With incremental recursion, so many entries go out ahead of need (upstream ``MIN_FILECNT_LOOKAHEAD``).
LOOKAHEAD = 1000
#: Between two waits for room.
BATCH = 256


def split_argument(path: bytes) -> tuple[bytes, bytes, bool]:
    """FLIST-16: (directory to start from, name in the list, means "the contents of").

    A trailing slash, ``.`` or ``..`` asks for what is in the directory: its name is then ``b"."``.
    """
    if not path or path.endswith(b"/"):
        path = b"." if path == b"./" else path + b"."
    elif path == b".." or path.endswith(b"/.."):
        path += b"/."
    contents = path == b"." or path.endswith(b"/.")
    cut = path.rfind(b"/")
    if cut < 0:
        return b"", path, contents
    return path[:cut] or b"/", path[cut + 1 :], contents


def join(base: bytes, name: bytes) -> bytes:
    """The file-system path of ``name`` under ``base``."""
    if not base:
        return name
    return base + name if base.endswith(b"/") else base + b"/" + name


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
        self._ids = IdNames(session.options.numeric_ids or session.options.unmatched_ids)
        self._encoder = FlistEncoder(session.dialect, session.preserve, session.xattr_names.sent)
        self.attached = SourceAttributes(session, self._ids, session.xattr_names)
        self._chmod = chmod_changes(session.options)
        self._device = 0
        self._todo: list[int] = []  # directories whose lists are still to be sent, next one last
        self._pending: list[FileEntry] = []
        self._next_ndx = 0
        self._list_start = 0
        self.lists = FileLists(session.dialect.inc_recurse)

    # -- the first list ---------------------------------------------------

    async def send_first(self, arguments: list[bytes]) -> FileList:
        """Send the list of the arguments (everything below them, if not incremental) and its end."""
        session, dialect = self._session, self._session.dialect
        start_bytes, began = session.link.bytes_out + session.link.pending, time.monotonic()
        session.reporter.list_started(sending=True, incremental=dialect.inc_recurse)
        self._begin()
        for argument in arguments:
            for entry in self._from_argument(argument):
                await self._add(entry)
        session.stats.flist_buildtime = max(1, int((time.monotonic() - began) * 1000))
        session.reporter.list_finished(len(self._pending))
        listing = self._finish(-1)
        session.link.write(self._end(session.io_error))
        if not self._options.numeric_ids and not dialect.inc_recurse:
            self._send_id_names(listing)
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

    def _from_argument(self, argument: bytes) -> Iterator[FileEntry]:
        options, session = self._options, self._session
        base, name, contents = split_argument(argument)
        base = join(self._root, base) if base else self._root
        path = join(base, name)
        try:
            if base and not stat.S_ISDIR(os.stat(base).st_mode):
                raise NotADirectoryError(20, os.strerror(20))
        except OSError as error:
            session.io_error |= IOERR_GENERAL
            session.fail(os_error("change_dir", os.path.abspath(base), error))
            return
        try:
            status = os.stat(path) if contents else os.lstat(path)
        except OSError as error:
            if error.errno != 2:
                session.io_error |= IOERR_GENERAL
            self._missing(base, path, error)
            return
        is_dir = stat.S_ISDIR(status.st_mode)
        if session.module and not self._module_shows(session.module, argument, is_dir):
            return
        self._filters.set_root(os.path.abspath(base or b"."))
        if not contents and self._filters.check(name, is_dir) < 0:
            return
        if is_dir and not (options.recurse or options.dirs or options.list_only):
            session.reporter.info(b"skipping directory " + name + b"\n")
            return
        self._device = status.st_dev
        entry = self._make(base, name, status)
        if entry is None:
            return
        walks = options.recurse or (contents and (options.dirs or options.list_only))
        if walks and is_dir:
            entry.flags |= TOP_DIR | CONTENT_DIR
        yield entry
        if not walks or not is_dir:
            return
        if session.dialect.inc_recurse:
            if contents:
                yield from self._children(entry)
        else:
            yield from self._below(entry, options.recurse)

    def _missing(self, base: bytes, path: bytes, error: OSError) -> None:
        """The directory of an argument is entered first, so that is what is said to be missing."""
        if base and not os.path.isdir(base):
            self._session.fail(os_error("change_dir", os.path.abspath(base), error))
        else:
            self._session.fail(os_error("link_stat", os.path.abspath(path), error))

    def _module_shows(self, module: ModuleContext, argument: bytes, is_dir: bool) -> bool:
        """DAEMON-8: what a module's rules hide is not there, even if it is asked for by name."""
        hidden = first_hidden(module.rules(sender=True), argument, is_dir)
        if hidden is None:
            return True
        whole = b"/".join(part for part in argument.split(b"/") if part not in (b"", b"."))
        contents = split_argument(argument)[2]
        what = "link_stat" if hidden == whole and not contents else "change_dir"
        self._session.fail(os_error(what, join(self._root, hidden), not_there()))
        return False

    def _below(self, directory: FileEntry, recurse: bool) -> Iterator[FileEntry]:
        """All that is in a directory, then all that is in each directory of it."""
        children = list(self._children(directory))
        yield from children
        if recurse:
            for child in children:
                if child.is_dir and not child.flags & MOUNT_DIR:
                    yield from self._below(child, True)
                    self._filters.leave_to(directory.name)

    def _children(self, directory: FileEntry) -> Iterator[FileEntry]:
        """The entries of one directory, those that the filters keep."""
        session, options = self._session, self._options
        path = join(directory.path, directory.name)
        prefix = b"" if directory.name == b"." else directory.name + b"/"
        self._filters.enter_dir(path, directory.name)
        try:
            names = read_dir(path)
        except OSError as error:
            self._unreadable("opendir", path, error, is_dir=True)
            return
        for name in names:
            full = prefix + name
            if len(full) >= MAX_PATH:
                session.io_error |= IOERR_GENERAL
                session.fail(b"file name is too long: " + full)
                continue
            try:
                status = os.lstat(join(directory.path, full))
            except OSError as error:
                # a name that the filters drop is nobody's concern
                if self._filters.check(full, False) >= 0:
                    self._unreadable("readlink_stat", join(directory.path, full), error, is_dir=False)
                continue
            is_dir = stat.S_ISDIR(status.st_mode)
            if self._filters.check(full, is_dir) < 0:
                continue
            entry = self._make(directory.path, full, status)
            if entry is None:
                continue
            if is_dir and options.recurse:
                if options.one_file_system and status.st_dev != self._device:
                    if options.one_file_system > 1:
                        continue
                    entry.flags |= MOUNT_DIR
                else:
                    entry.flags |= CONTENT_DIR
            yield entry

    def _unreadable(self, what: str, path: bytes, error: OSError, is_dir: bool) -> None:
        """A name that cannot be looked at: it vanished, or something worse that must stop deletions."""
        session = self._session
        if error.errno == 2:
            session.io_error |= IOERR_VANISHED
            kind = b"directory" if is_dir else b"file"
            session.warn(kind + b' has vanished: "' + os.path.abspath(path) + b'"')
            return
        session.io_error |= IOERR_GENERAL
        session.fail(os_error(what, os.path.abspath(path), error))

    def _make(self, base: bytes, name: bytes, status: os.stat_result) -> FileEntry | None:
        session, options = self._session, self._options
        path = join(base, name)
        if options.debug["FLIST"] > 1:
            session.debug("FLIST", 2, b"[sender] make_file(%s,*,%d)" % (name, 0 if name == b"." else 2))
        try:
            entry = stat_entry(path, name, options, self._ids, status, session.fail)
            if session.preserve.checksum_length and entry.is_reg:
                entry.checksum = session.checksums.file_digest(path, entry.size)
        except OSError as error:
            self._unreadable("readlink_stat", path, error, is_dir=False)
            return None
        entry.path = base
        if self._chmod and not entry.is_link:
            entry.mode = tweak(entry.mode, self._chmod)
        if not self.attached.fill(entry, path):
            return None
        if options.hard_links and not entry.is_dir:
            if not session.dialect.rdev_split:
                linked = entry.is_reg
            else:
                linked = status.st_nlink > 1
            if linked:
                entry.dev, entry.ino = status.st_dev, status.st_ino
        return entry

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
                directory = lists.dirs[self._todo.pop()]
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
                    self._device = os.stat(join(directory.path, directory.name)).st_dev
                except OSError as error:
                    self._unreadable("link_stat", join(directory.path, directory.name), error, is_dir=True)
                    return
            for entry in self._children(directory):
                await self._add(entry)

    def _announce_eof(self) -> None:
        self.lists.eof = True
        self._session.link.write(self._session.ndx_out.encode(NDX_FLIST_EOF))

    # -- one list ---------------------------------------------------------

    def _begin(self) -> None:
        self._pending = []
        self._list_start = self._next_ndx = self.lists.next_start

    async def _add(self, entry: FileEntry) -> None:
        self._session.link.write(self._encoder.encode(entry, self._next_ndx, self._list_start))
        if len(self._pending) % 100 == 0:
            self._session.reporter.list_grew(len(self._pending))
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
        entries, lists = self._pending, self.lists
        order.sort(entries, files_first)
        order.mark_duplicates(entries, files_first, sender=True)
        if self._session.dialect.inc_recurse:
            children = []
            for entry in entries:
                if entry.is_dir:
                    if entry.basename != b".":
                        children.append(len(lists.dirs))
                    lists.dirs.append(entry)
            self._todo.extend(reversed(children))
            if parent < 0 and entries and entries[0].basename == b".":
                parent = 0
        return lists.add(entries, parent)

    def _send_id_names(self, listing: FileList) -> None:
        """FLIST-21: names of the ids that occur, newest first as upstream keeps them."""
        session, dialect = self._session, self._session.dialect
        users: dict[int, bytes] = {}
        groups: dict[int, bytes] = {}
        for entry in listing.entries:
            if entry.uname is not None:
                users.setdefault(entry.uid, entry.uname)
            if entry.gname is not None:
                groups.setdefault(entry.gid, entry.gname)
            for acl in filter(None, (entry.acl, entry.default_acl)):
                for one in acl.names:
                    if one.name is not None:
                        (users if one.is_user else groups).setdefault(one.id, one.name)
        acls = session.preserve.acls
        for wanted, names, zero in (
            (session.preserve.uid or acls, users, self._ids.user_name),
            (session.preserve.gid or acls, groups, self._ids.group_name),
        ):
            if wanted:
                id0 = (zero(0) or b"") if dialect.id0_names else None
                session.link.write(
                    idlist.encode(reversed(names.items()), varints=dialect.varints, id0_name=id0)
                )
