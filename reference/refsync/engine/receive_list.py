"""File lists as they arrive: decoded, checked, sorted, numbered.

Clauses FLIST-5, FLIST-6, FLIST-15 to FLIST-22, IREC-5 to IREC-8, HOST-1 to
HOST-3; upstream ``flist.c:recv_file_list``, ``uidlist.c:recv_id_list``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..files.scan import MUNGED
from ..filters.rulelist import FilterList
from ..options.chmod import tweak
from ..records import replace
from ..session.linkgroups import LinkGroups
from ..session.lists import FileList, FileLists
from ..wire import idlist, order
from ..wire.acl import Acl
from ..wire.cursor import Cursor
from ..wire.entry import CONTENT_DIR, TOP_DIR, UNNAMED, FileEntry
from ..wire.errors import Exit, NeedMoreData, ProtocolError
from ..wire.flist import EndOfList
from ..wire.flist_decode import FlistDecoder
from ..wire.integers import read_int32
from .changes import chmod_changes, id_map
from .converting import Incoming
from .requested import Requested
from .rowreceive import row_receiver
from .session import IOERR_KNOWN, Session

#: Entries decoded in one go before other conversations get a turn.
BATCH = 512


class ListReceiver:
    """Reads the lists of one session into ``lists``.

    ``filters`` are the user's own rules on a client: a name that they exclude
    was not asked for (HOST-2). ``requested`` knows what a client asked for,
    None if anything may come.
    """

    def __init__(
        self, session: Session, filters: FilterList | None = None, requested: Requested | None = None
    ) -> None:
        self._session = session
        self._filters = filters if not session.options.server else None
        self._rules = filters
        self._requested = requested
        self._decoder = FlistDecoder(session.dialect, session.preserve, session.xattr_names.kept)
        self._packing = row_receiver(session, self._decoder, self._filters, requested)
        self._ids = id_map(session)
        self._chmod = chmod_changes(session.options)
        self._users: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        self._acls: dict[int, tuple[Acl, Acl]] = {}
        self._incoming = None if session.charset is None else Incoming(session, session.charset)
        self.lists = FileLists(session.dialect.inc_recurse)
        self.links: LinkGroups | None = None
        if session.preserve.hard_links and not session.options.list_only:
            self.links = LinkGroups(session.dialect.inc_recurse)
        self.arrived: deque[FileList] = deque()  # lists that the generator has not begun

    async def receive(self, dir_ndx: int = -1) -> FileList:
        """One whole list: the first, or that of the directory ``dir_ndx``."""
        session, lists, dialect = self._session, self.lists, self._session.dialect
        start_bytes = session.link.bytes_in
        parent = lists.directory(dir_ndx) if dir_ndx >= 0 else None
        if dir_ndx < 0:
            session.reporter.list_started(sending=False, incremental=dialect.inc_recurse)
        if self._packing is not None and self._packing.serves(parent):
            listed, end = await self._packing.receive(
                parent, lists.next_start, self._check, self._adopt, self._owners
            )
            if dir_ndx < 0:
                session.reporter.list_finished(len(listed))
            self._ended(end)
            if listed.sort():
                if dir_ndx < 0 and listed.has_root:
                    dir_ndx = len(lists.dirs)
                lists.dirs.extend(listed.directories())
                return self._arrives(listed, dir_ndx, start_bytes)
            entries = list(listed)
        else:
            entries, end = await self._entries(parent)
            if dir_ndx < 0:
                session.reporter.list_finished(len(entries))
            self._ended(end)
            if not dialect.inc_recurse:
                await self._receive_id_names()
            for entry in entries:
                self._adopt(entry)
        sent = None if self._incoming is None else list(entries)
        order.sort(entries, dialect.sort_files_first)
        if dialect.inc_recurse:
            lists.dirs.extend(entry for entry in sent or entries if entry.is_dir)
        order.mark_duplicates(entries, dialect.sort_files_first, sender=False)
        if session.options.relative:
            order.strip_root(entries)
        if session.options.prune_empty_dirs:
            order.prune_empty(entries, self._keeps)
        if dialect.io_error_after_list:
            error = await session.link.read(read_int32)
            if not session.options.ignore_errors:
                session.io_error |= error & IOERR_KNOWN
        if dir_ndx < 0 and dialect.inc_recurse:
            first = next((entry for entry in entries if entry.active), None)
            if first is not None and first.basename == b".":
                dir_ndx = next(number for number, entry in enumerate(lists.dirs) if entry is first)
        return self._arrives(entries, dir_ndx, start_bytes, sent)

    def _arrives(
        self,
        entries: Sequence[FileEntry],
        dir_ndx: int,
        start_bytes: int,
        sent: list[FileEntry] | None = None,
    ) -> FileList:
        """A list that is whole and in order goes to the generator."""
        session = self._session
        session.stats.flist_size += session.link.bytes_in - start_bytes
        session.debug("FLIST", 2, b"recv_file_list done")
        listing = self.lists.add(entries, dir_ndx, sent)
        if self._incoming is not None:
            self._incoming.who = b"receiver"
        if self.links is not None:
            self.links.add(listing)
        self.arrived.append(listing)
        return listing

    def _ended(self, end: EndOfList) -> None:
        """What the sender could not list."""
        if not self._session.options.ignore_errors:
            self._session.io_error |= end.io_error & IOERR_KNOWN

    def _adopt(self, entry: FileEntry) -> None:
        """An entry of a whole list becomes one of ours."""
        session = self._session
        session.stats.count(entry)
        self._map_ids(entry)
        if self._chmod and not entry.is_link:
            entry.mode = tweak(entry.mode, self._chmod)
        if session.options.munge_links and entry.link is not None:
            entry.link = MUNGED + entry.link
        elif session.options.sanitize_links and entry.link is not None:
            entry.link = sanitized(entry.link, entry.dirname.count(b"/") + bool(entry.dirname))

    async def _entries(self, parent: FileEntry | None) -> tuple[list[FileEntry], EndOfList]:
        """All that comes, in that order."""
        session, inc_recurse, start = self._session, self._session.dialect.inc_recurse, self.lists.next_start
        entries: list[FileEntry] = []

        def some(cursor: Cursor) -> EndOfList | None:
            for count in range(BATCH):
                try:
                    value = self._decoder.decode(cursor, entries, start)
                except NeedMoreData:
                    if not count:
                        raise
                    return None
                if isinstance(value, EndOfList):
                    return value
                if self._incoming is not None:
                    self._incoming.entry(value, start + len(entries), start)
                if not value.flags & UNNAMED:
                    self._check(value, parent)
                session.grow_list(len(entries))
                entries.append(value)
                if len(entries) % 100 == 0 and not inc_recurse:
                    session.reporter.list_grew(len(entries))
            return None

        end: EndOfList | None = None
        while end is None:
            end = await session.link.read(some)
        if session.options.debug["FLIST"] > 1:
            for entry in entries:
                session.debug("FLIST", 2, b"recv_file_name(" + entry.name + b")")
            session.debug("FLIST", 2, b"received %d names" % len(entries))
        return entries, end

    def _keeps(self, name: bytes) -> bool:
        """Whether a rule keeps an empty directory that ``--prune-empty-dirs`` would drop (FLIST-27)."""
        return self._rules is not None and self._rules.check(name, True) < 0

    def _check(self, entry: FileEntry, parent: FileEntry | None) -> None:
        """HOST-1 to HOST-3: a name is below the destination, in its list's directory, and was asked for."""
        relative = self._session.options.relative
        name = entry.name
        if not name or (name.startswith(b"/") and not relative) or b"\0" in name:
            raise self._unsafe(name)
        if name != b".":
            parts = name.split(b"/")
            if b".." in parts:
                raise self._unsafe(name)
            if b"" in parts or b"." in parts:
                # with --relative a leading slash counts for the order and goes only then (FLIST-26)
                name = b"/".join(part for part in parts if part not in (b"", b".")) or b"."
                entry.name = b"/" + name if parts[0] == b"" and len(parts) > 1 else name
        if name == b"." and not entry.is_dir:
            raise ProtocolError('the entry "." is not a directory', clause="HOST-1")
        if self._session.dialect.inc_recurse:
            expected = b"" if parent is None or parent.name == b"." else parent.name
            if entry.dirname.removeprefix(b"/") != expected or (name == b"." and parent is not None):
                shown = name.decode("utf-8", "backslashreplace")
                raise ProtocolError(
                    f"ABORTING due to invalid path from sender: {shown}",
                    clause="HOST-3",
                    code=Exit.UNSUPPORTED,
                )
        if self._requested is not None and entry.flags & CONTENT_DIR and not self._requested.wanted(name):
            entry.flags &= ~(CONTENT_DIR | TOP_DIR)  # HOST-7: nothing is deleted where nothing was asked for
        if name == b".":
            return
        if self._requested is not None and not self._requested.allows(name, entry.is_dir):
            shown = name.decode("utf-8", "backslashreplace")
            raise ProtocolError(
                f"ERROR: rejecting unrequested file-list name: {shown}",
                clause="HOST-2",
                code=Exit.UNSUPPORTED,
            )
        filters = self._filters
        if (
            filters
            and not (filters.trusts_sender or self._session.options.trust_sender)
            and filters.check_for_sender(name, entry.is_dir) < 0
        ):
            shown = name.decode("utf-8", "backslashreplace")
            raise ProtocolError(
                f"ERROR: rejecting excluded file-list name: {shown}", clause="HOST-2", code=Exit.UNSUPPORTED
            )

    @staticmethod
    def _unsafe(name: bytes) -> ProtocolError:
        shown = name.decode("utf-8", "backslashreplace")
        return ProtocolError(
            f"ABORTING due to unsafe pathname from sender: {shown}", clause="HOST-1", code=Exit.UNSUPPORTED
        )

    async def _receive_id_names(self) -> None:
        """FLIST-21: the lists of names, if ids travel and are not to be taken as numbers."""
        session, dialect = self._session, self._session.dialect
        if session.options.numeric_ids:
            return

        def names(cursor: Cursor) -> dict[int, bytes]:
            return idlist.decode(cursor, varints=dialect.varints, id0_names=dialect.id0_names)

        if session.preserve.uid or session.preserve.acls:
            for number, name in (await session.link.read(names)).items():
                self._users[number] = self._ids.user(number, name)
        if session.preserve.gid or session.preserve.acls:
            for number, name in (await session.link.read(names)).items():
                self._groups[number] = self._ids.group(number, name)

    def _map_ids(self, entry: FileEntry) -> None:
        """FLIST-22, ACL-4: the sender's ids become ours, by name where one was sent."""
        if self._session.preserve.uid:
            entry.uid = self._user(entry.uid, entry.uname)
        if self._session.preserve.gid:
            entry.gid = self._group(entry.gid, entry.gname)
        entry.acl = self._map_acl(entry.acl)
        entry.default_acl = self._map_acl(entry.default_acl)

    def _owners(self, uid: int, gid: int) -> tuple[int, int]:
        """The same for ids that come without names."""
        preserve = self._session.preserve
        return (
            self._user(uid, None) if preserve.uid else uid,
            self._group(gid, None) if preserve.gid else gid,
        )

    def _user(self, uid: int, name: bytes | None) -> int:
        if name is not None or uid not in self._users:
            self._users[uid] = self._ids.user(uid, name)
        return self._users[uid]

    def _group(self, gid: int, name: bytes | None) -> int:
        if name is not None or gid not in self._groups:
            self._groups[gid] = self._ids.group(gid, name)
        return self._groups[gid]

    def _map_acl(self, acl: Acl | None) -> Acl | None:
        """One list is mapped once, however many entries have it."""
        if acl is None or not acl.names:
            return acl
        if self._session.dialect.inc_recurse and self._session.options.numeric_ids:
            return acl  # a map of ids is not for these, as upstream has it
        mapped = self._acls.get(id(acl))
        if mapped is None:
            names = tuple(
                replace(one, id=(self._user if one.is_user else self._group)(one.id, one.name), name=None)
                for one in acl.names
            )
            mapped = (acl, replace(acl, names=names))  # the first keeps the id from being given again
            self._acls[id(acl)] = mapped
        return mapped[1]


def sanitized(target: bytes, depth: int) -> bytes:
    """HOST-5: a symlink's target, kept inside a module: never absolute, no more ``..`` than ``depth``.

    ``depth`` is how many directories the link lies in. Upstream ``util1.c:sanitize_path``.
    """
    if target.startswith(b"/"):
        depth = 0
    kept: list[bytes] = []
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            kept.append(part)
        elif kept and kept[-1] != b"..":
            kept.pop()
        elif depth > 0:
            depth -= 1
            kept.append(part)
    end = b"/" if kept and target.endswith(b"/") else b""
    return b"/".join(kept) + end if kept else b"."
