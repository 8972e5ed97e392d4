"""What a sender's arguments put into the lists: the things that they name, and the way to them.

With ``--relative`` the directories on the way are sent too, flagged as no more than
that (FLIST-24): all at once, or with incremental recursion level by level, where
each directory remembers what was asked for below it. Clauses FLIST-16, FLIST-23
to FLIST-25, IREC-10, DAEMON-8; upstream ``flist.c:send_file_list``, ``send_implied_dirs``, ``send1extra``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ..files.below import Below
from ..files.links import link_stat, look
from ..files.sources import join
from ..filters.rulelist import FilterList
from ..typed import Protocol
from ..wire.entry import CONTENT_DIR, IMPLIED_DIR, TOP_DIR, FileEntry
from .arguments import Argument, Kind, split_argument
from .module import first_hidden, not_there
from .session import IOERR_GENERAL, Session, os_error


class Maker(Protocol):
    """The part of ``ListSender`` that makes entries and goes into directories."""

    device: int

    def make(self, base: bytes, name: bytes, status: os.stat_result) -> FileEntry | None: ...

    def below(self, directory: FileEntry, recurse: bool) -> Iterator[FileEntry]: ...

    def unreadable(self, what: str, path: bytes, error: OSError, is_dir: bool) -> None: ...

    def say(self, text: bytes) -> None: ...

    def unlooked(self, path: bytes, error: OSError) -> None: ...


class Chosen:
    """One session's arguments, one after the other; ``root`` is where relative ones start."""

    def __init__(
        self, session: Session, files: Below, filters: FilterList, root: bytes, maker: Maker
    ) -> None:
        self._session = session
        self._options = session.options
        self._files = files
        self._filters = filters
        self._root = root
        self._maker = maker
        self._relative = bool(session.options.relative)
        self._implied = self._relative and (session.options.implied_dirs or session.dialect.varints)
        #: a directory whose contents are to follow what ``entries`` gave
        self.contents: FileEntry | None = None
        self._dot_sent = False
        self._last_way = b""  # the directory that led to the argument before
        self._last_entry: FileEntry | None = None
        self._wanted: dict[int, list[tuple[bytes, Kind]]] = {}  # by directory: what is asked for below it
        self._holding: list[FileEntry] = []  # so that no other entry gets the identity of one of them

    def entries(self, path: bytes) -> Iterator[FileEntry]:
        """The entries of the first list that one argument asks for; see ``contents`` for more."""
        session, options, maker = self._session, self._options, self._maker
        argument = split_argument(path, relative=self._relative)
        base = join(self._root, argument.base) if argument.base else self._root
        name = argument.name
        if not self._enter(argument, base):
            return
        if session.module:
            session.module.here = os.path.abspath(base or b".")
        if argument.dotted and not self._dot_sent:
            self._dot_sent = True
            dot = self._directory(base, b".")
            if dot is not None:
                yield dot
        whole = join(base, name)
        kind = argument.kind
        self._files.begin(base, name, through=kind is not Kind.NAME)
        try:
            follow = True if kind is not Kind.NAME else None
            status = link_stat(whole, options, follow_dirs=follow, files=self._files)
            if not self._module_shows(argument, stat.S_ISDIR(status.st_mode)):
                return
        except OSError as error:
            if not self._told_missing(whole, error):
                return
            kind, status = Kind.MISSING, _MISSING
        is_dir = stat.S_ISDIR(status.st_mode)
        self._filters.set_root(os.path.abspath(base or b"."))
        named = kind in (Kind.NAME, Kind.DIRECTORY)
        if named and self._filters.check(name.lstrip(b"/"), is_dir) < 0:
            return
        if is_dir and not (options.recurse or options.dirs or options.list_only):
            session.reporter.info(b"skipping directory " + name + b"\n")
            return
        cut = name.find(b"/", 1)
        if self._relative and session.dialect.inc_recurse and cut > 0:
            yield from self._step(base, name, cut, kind)
            return
        yield from self._way(base, name)
        maker.device = status.st_dev
        walks = options.recurse or (kind is not Kind.NAME and (options.dirs or options.list_only))
        entry = self._no_file(base, name) if kind is Kind.MISSING else self._entry(base, name, status)
        if entry is None:
            return
        if walks and entry.is_dir:
            entry.flags |= TOP_DIR | CONTENT_DIR
        yield entry
        if not walks or not entry.is_dir:
            return
        if not session.dialect.inc_recurse:
            yield from maker.below(entry, bool(options.recurse))
        elif kind is Kind.CONTENTS:
            self.contents = entry

    def entries_below(self, directory: FileEntry) -> Iterator[FileEntry]:
        """IREC-10: what arguments ask for below a directory on the way, one level at a time."""
        base = directory.path
        for rest, kind in self._wanted.pop(id(directory), ()):
            name = directory.name + b"/" + rest
            cut = rest.find(b"/")
            if cut >= 0:
                yield from self._step(base, name, len(directory.name) + 1 + cut, kind)
                continue
            if kind is Kind.MISSING:
                yield self._no_file(base, name)
                continue
            path = join(base, name)
            try:
                follow = True if kind is not Kind.NAME else None
                status = link_stat(path, self._options, follow_dirs=follow, files=self._files)
            except OSError as error:
                self._maker.unreadable("link_stat", path, error, is_dir=kind is not Kind.NAME)
                continue
            entry = self._entry(base, name, status)
            if entry is not None:
                if entry.is_dir:
                    entry.flags |= TOP_DIR | CONTENT_DIR
                yield entry

    # -- the way to an argument -------------------------------------------

    def _way(self, base: bytes, name: bytes) -> Iterator[FileEntry]:
        """FLIST-24: the directories that lead to ``name``, but those that led to the argument before it."""
        limit = name.rfind(b"/")
        if not self._implied or limit <= 0:
            return
        way, last = name[:limit], self._last_way
        start = 0
        for at in range(limit + 1):
            here, there = way[at : at + 1], last[at : at + 1]
            if at == limit:
                if there in (b"", b"/"):
                    return
                break
            if here != there:
                break
            if here == b"/":
                start = at
        ends = [at for at in range(start + 1, limit) if way[at : at + 1] == b"/"]
        for end in [*ends, limit]:
            entry = self._directory(base, way[:end])
            if entry is not None:
                yield entry
        self._last_way = way

    def _step(self, base: bytes, name: bytes, cut: int, kind: Kind) -> Iterator[FileEntry]:
        """IREC-10: the next directory on the way to ``name``, which will lead to the rest."""
        way, last = name[:cut], self._last_entry
        if self._last_way != way or last is None or last.path != base:
            last = self._directory(base, way)
            if last is not None:
                yield last
            self._last_entry = last = last if last is not None and last.is_dir else None
            self._last_way = way
        if last is not None:
            if id(last) not in self._wanted:
                self._holding.append(last)
            self._wanted.setdefault(id(last), []).append((name[cut + 1 :], kind))

    def _directory(self, base: bytes, name: bytes) -> FileEntry | None:
        """An implied directory: looked at through symlinks, flagged as no more than a way, never filtered."""
        path = join(base, name)
        try:
            status = self._files.stat(path)
        except OSError as error:
            self._maker.unlooked(path, error)
            return None
        entry = self._maker.make(base, name, status)
        if entry is not None:
            entry.flags |= IMPLIED_DIR
        return entry

    # -- one argument -----------------------------------------------------

    def _enter(self, argument: Argument, base: bytes) -> bool:
        """Whether the directory to start from is there, and a module shows it."""
        session = self._session
        try:
            if base and not stat.S_ISDIR(self._files.stat(base).st_mode):
                raise NotADirectoryError(20, os.strerror(20))
            if session.module and argument.base:
                hidden = first_hidden(
                    session.module.rules(sender=True), self._below_root(argument.base), True
                )
                if hidden is not None:
                    base = join(session.module.root, hidden)
                    raise not_there()
        except OSError as error:
            session.io_error |= IOERR_GENERAL
            session.fail(os_error("change_dir", os.path.abspath(base), error))
            return False
        return True

    def _below_root(self, path: bytes) -> bytes:
        """A path as the module's rules know it: from the module's root."""
        module = self._session.module
        assert module is not None
        return join(self._root, path)[len(module.root.rstrip(b"/")) :].lstrip(b"/")

    def _module_shows(self, argument: Argument, is_dir: bool) -> bool:
        """DAEMON-8: what a module's rules hide is not there, even if it is asked for by name."""
        module = self._session.module
        if module is None:
            return True
        shown = self._below_root(argument.path)
        hidden = first_hidden(module.rules(sender=True), shown, is_dir)
        if hidden is None:
            return True
        whole = b"/".join(part for part in shown.split(b"/") if part not in (b"", b"."))
        entered = not self._relative and (hidden != whole or argument.contents)
        what = "change_dir" if entered else "link_stat"
        self._session.fail(os_error(what, join(module.root, hidden if entered else whole), not_there()))
        return False

    def _told_missing(self, path: bytes, error: OSError) -> bool:
        """FLIST-25: an argument that is not there: an error, nothing, or (True) sent as what is to go."""
        session, options = self._session, self._options
        if error.errno != 2:
            session.io_error |= IOERR_GENERAL
        elif options.delete_missing_args:
            return True
        elif options.ignore_missing_args:
            return False
        session.fail(os_error("link_stat", os.path.abspath(path), error))
        return False

    @staticmethod
    def _no_file(base: bytes, name: bytes) -> FileEntry:
        """FLIST-25: an entry without a type, for something that is not there."""
        entry = FileEntry(name)
        entry.path = base
        return entry

    def _entry(self, base: bytes, name: bytes, status: os.stat_result) -> FileEntry | None:
        """The entry of something that was asked for by name; symlinks are followed as in any directory."""
        if stat.S_ISDIR(status.st_mode):
            return self._maker.make(base, name, status)
        path = join(base, name)
        try:
            status = look(path, name, self._options, self._maker.say, self._files)
        except OSError as error:
            self._maker.unlooked(path, error)
            return None
        entry = self._maker.make(base, name, status)
        if entry is not None and entry.is_dir and not (self._options.dirs or self._options.recurse):
            self._session.reporter.info(b"skipping directory " + name + b"\n")
            return None
        return entry


#: The status of what is not there.
_MISSING = os.stat_result((0,) * 10)
