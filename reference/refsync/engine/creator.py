"""What the generator makes itself: directories, symlinks, devices; and the attributes of what is here.

Clauses XFER-5 to XFER-9, FS-3 to FS-7; upstream ``generator.c:recv_generator``,
``atomic_create``.
"""

from __future__ import annotations

import os
import stat

from ..files.rank import FAKE, ORDINARY, rank
from ..filters.rulelist import FilterList
from ..wire import items
from ..wire.entry import FileEntry
from .altdest import Match
from .atomic import Maker
from .basis import Basis
from .deleter import Deleter
from .hardlinks import HardLinks
from .itemize import Itemizer
from .reuse import Reuse
from .session import Session, os_error
from .source_removal import tell_success
from .target import Target
from .touchup import TouchUp
from .wanted import WayThere, of_wanted_size, tell_if_unsafe
from .writing import Writing


class Creator:
    """Handles one entry at a time, in the order of the list."""

    def __init__(
        self,
        session: Session,
        target: Target,
        itemizer: Itemizer,
        deleter: Deleter,
        writing: Writing,
        guard: FilterList | None = None,
        links: HardLinks | None = None,
    ) -> None:
        self._session = session
        self._bases, self._parts = writing.bases, writing.parts
        self._options = session.options
        self._target = target
        self._itemizer = itemizer
        self._deleter = deleter
        self._guard = guard
        self._links = links
        self._maker = Maker(session, target, writing.backups, deleter)
        self._reuse = Reuse(session, target, itemizer, writing, links)
        self._rank = rank(session.options)
        self._added = 0o700 if self._rank == FAKE else 0  # files have to go in
        self._way = WayThere(session, target)
        self._made: set[bytes] = {b"."} if target.created else set()  # made before their turn came
        self._missing: set[bytes] = set()  # not there, and not to be touched up
        self.touch_up = TouchUp(session, target, self._missing)
        self._skip: bytes | None = None  # a directory that could not be made

    # -- looking ----------------------------------------------------------

    def _skipped(self, entry: FileEntry) -> bool:
        """True below a directory that could not be made, and for what a module's rules exclude."""
        if self._skip is not None:
            if entry.name.startswith(self._skip):
                return True
            self._skip = None
        if self._guard is None or entry.name == b"." or self._guard.check(entry.name, entry.is_dir) >= 0:
            return False
        kind = b"directory" if entry.is_dir else b"file"
        self._session.xfer_error = True
        self._session.reporter.error_xfer(
            b"ERROR: daemon refused to receive " + kind + b' "' + entry.name + b'"\n'
        )
        if entry.is_dir:
            self._skip = entry.name + b"/"
        return True

    def _stat(self, entry: FileEntry) -> os.stat_result | None:
        """What has the entry's name now."""
        name = self._target.name(entry)
        try:
            status = self._target.lstat(name)
            if entry.is_dir and self._options.keep_dirlinks and status and stat.S_ISLNK(status.st_mode):
                return self._target.dest.follow(name) or status
            return status
        except OSError as error:
            if not (self._options.dry_run and error.errno in (20, 40)):
                what = os_error("recv_generator: failed to stat", self._target.path(entry.name), error, b"")
                self._session.fail(what, "generator")
            return None

    def _unwanted(self, entry: FileEntry, status: os.stat_result | None) -> bool:
        """``--existing`` and ``--ignore-existing``."""
        options = self._options
        if options.existing and status is None:
            if options.info["SKIP"]:
                kind = b"directory" if entry.is_dir else b"file"
                self._session.reporter.info(b"not creating new " + kind + b' "' + entry.name + b'"\n')
            if entry.is_dir:
                self._skip = entry.name + b"/"
                self._missing.add(entry.name)
            return True
        if options.ignore_existing and status is not None:
            if entry.is_dir and stat.S_ISDIR(status.st_mode):
                return False
            if options.info["SKIP"]:
                self._session.reporter.info(entry.name + b" exists\n")
            return True
        return False

    # -- regular files ----------------------------------------------------

    def wants_data(self, entry: FileEntry, ndx: int) -> Basis | None:
        """The basis if the file's data is to be requested; else all that was to be done has been."""
        if self._options.list_only:
            self._session.reporter.listed(entry)
            return None
        if self._skipped(entry):
            return None
        options = self._options
        self._way.prepare(entry)
        status = self._stat(entry)
        if self._unwanted(entry, status):
            return None
        mode = entry.mode
        self._target.fix_mode(
            entry, status if status is not None and not stat.S_ISDIR(status.st_mode) else None
        )
        if self._links and self._links.check(entry, ndx, status):
            return None
        if not of_wanted_size(self._session, entry):
            return None
        if (
            options.update
            and status is not None
            and entry.mtime - status.st_mtime_ns // 10**9 < options.window
        ):
            if options.info["SKIP"]:
                self._session.reporter.info(entry.name + b" is newer\n")
            return None
        if status is not None and not self._writable(status):
            if not self._deleter.make_way(entry, status, b"regular file"):
                return None
            status = None
        name = self._target.name(entry)
        match = None
        if self._reuse.serves(status):
            done, match = self._reuse.regular(entry, ndx, name, status)
            if done:
                self._identical(ndx, name)
                return None
        basis = self._bases.choose(entry, name, status, match)
        if status is None:
            if basis.status is None and self._links and self._links.hold(ndx):
                return None
            entry.mode = mode  # the receiver looks for itself at what it replaces
            return basis
        if self._itemizer.unchanged(entry, name, status):
            if basis.kind == items.BASIS_PARTIAL_DIR:
                self._parts.drop(name, unlink=True)
            self._set(name, entry, status, report=True)
            self._itemizer.itemize(entry, ndx, status, 0, name=name)
            self._linked(ndx, status)
            self._identical(ndx, name)
            return None
        if self._session.append and status.st_size >= entry.size:
            return None
        entry.mode = mode
        return basis

    def basis_again(self, entry: FileEntry) -> Basis:
        """What is here now, after an attempt that failed."""
        name = self._target.name(entry)
        try:
            status = self._target.lstat(name)
        except OSError:
            status = None
        writable = status if status is not None and self._writable(status) else None
        return self._bases.again(entry, name, writable)

    def _writable(self, status: os.stat_result) -> bool:
        """Whether data can go to what is here."""
        mode = status.st_mode
        if self._options.write_devices and (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)):
            return True
        return stat.S_ISREG(mode)

    def _linked(self, ndx: int, status: os.stat_result | None = None) -> None:
        """HLINK-5: what is here now is what other names of the same file wait for."""
        if self._links:
            self._links.finish(ndx, status)

    def _identical(self, ndx: int, name: bytes) -> None:
        """XFER-20: what is here already is as good as sent, for ``--remove-source-files``."""
        if self._options.remove_source_files == 1:
            self._succeed(ndx, name)

    def _succeed(self, ndx: int, name: bytes) -> None:
        if not self._options.dry_run:
            tell_success(self._session, self._target, ndx, name)

    def _set(
        self, name: bytes, entry: FileEntry, status: os.stat_result | None, *, report: bool = False
    ) -> bool:
        """Apply the attributes; with ``-vv`` say what came of it, as upstream does without ``-i``."""
        if self._options.dry_run:
            updated = status is not None and self._itemizer.differs(entry, status)
        else:
            updated = self._target.attributes.apply(name, entry, status)
        if report and self._options.info["NAME"] > 1 and not self._options.format_has_i:
            self._session.reporter.client(entry.name + (b"\n" if updated else b" is uptodate\n"))
        return updated

    def _report(
        self,
        entry: FileEntry,
        ndx: int,
        name: bytes,
        status: os.stat_result | None,
        flags: int,
        like: Match | None,
    ) -> None:
        """Say how the entry differs from what was here, or from the example in another directory (ALT-7)."""
        if like is not None:
            name, status = like.name, like.status
        self._itemizer.itemize(entry, ndx, status, flags, name=name)

    # -- directories ------------------------------------------------------

    def early_directory(self, entry: FileEntry) -> None:
        """IREC-8: while its parent is at hand, whose time can then be set when the parent is done."""
        options = self._options
        if (
            self._skipped(entry)
            or not options.times
            or options.omit_dir_times
            or options.dry_run
            or options.existing
            or self._way.is_no_more(entry)
        ):
            return
        self._way.prepare(entry)
        name = self._target.name(entry)
        try:
            status = self._stat(entry)
            if status is None or (
                not stat.S_ISDIR(status.st_mode) and self._deleter.make_way(entry, status, b"directory")
            ):
                self._target.dest.mkdir(name, entry.mode & 0o700 | self._added)
                self._made.add(entry.name)
        except OSError:
            pass  # reported when the directory's own turn comes

    def directory(self, entry: FileEntry, ndx: int) -> None:
        """Make the directory if it is missing and set its attributes."""
        if self._options.list_only:
            if not self._way.is_no_more(entry):
                self._session.reporter.listed(entry)
            return
        options = self._options
        if self._skipped(entry):
            self._missing.add(entry.name)
            return
        self._way.prepare(entry)
        status = self._stat(entry)
        if self._unwanted(entry, status):
            return
        if self._way.is_no_more(entry):
            self._missing.add(entry.name)
            return
        if status is not None and not stat.S_ISDIR(status.st_mode):
            if not self._deleter.make_way(entry, status, b"directory"):
                self._fail_directory(entry)
                return
            status = None
        there = status is not None
        name = self._target.name(entry)
        before = None if entry.name in self._made else status
        self._target.fix_mode(entry, before)
        like, told = None, False
        if before is None and self._reuse.serves(None):
            like, told, _ = self._reuse.other(entry, ndx, name, self._same)
        if not told:
            flags = items.LOCAL_CHANGE if before is None else 0
            self._report(entry, ndx, name, before, flags, like)
        if options.dry_run:
            if not there:
                self._missing.add(entry.name)
            return
        if not there:
            try:
                self._target.dest.mkdir(name, entry.mode & 0o7777 | self._added)
            except OSError as error:
                what = os_error("recv_generator: mkdir", self._target.path(name), error)
                self._session.fail(what, "generator")
                self._fail_directory(entry)
                return
        self._reuse.copy_xattrs(like, name)
        if self._set(name, entry, status) and not told:
            self._session.items.named(entry.name + b"/")
        if self._rank == ORDINARY and entry.mode & 0o700 != 0o700:
            try:  # files have to go in; touch_up takes it back
                self._target.dest.chmod(name, stat.S_IMODE(entry.mode) | 0o700)
            except OSError as error:
                what = os_error("failed to modify permissions on", self._target.path(name), error, b"")
                self._session.fail(what, "generator")

    def _fail_directory(self, entry: FileEntry) -> None:
        self._session.reporter.error(b"*** Skipping any contents from this failed directory ***\n")
        self._skip = entry.name + b"/"
        self._missing.add(entry.name)

    # -- the rest ---------------------------------------------------------

    def other(self, entry: FileEntry, ndx: int) -> None:
        """Symlinks, devices, FIFOs, sockets."""
        if self._options.list_only:
            self._session.reporter.listed(entry)
            return
        if self._skipped(entry):
            return
        options = self._options
        if not entry.mode and options.delete_missing_args:
            self._delete_missing(entry)
            return
        self._way.prepare(entry)
        status = self._stat(entry)
        if self._unwanted(entry, status):
            return
        self._target.fix_mode(
            entry, status if status is not None and not stat.S_ISDIR(status.st_mode) else None
        )
        if self._links and self._links.check(entry, ndx, status):
            return
        wanted = (
            (entry.is_link and options.links)
            or (entry.is_device and options.devices and self._rank)
            or (entry.is_special and options.specials)
        )
        if not wanted:
            if options.info["NONREG"]:
                self._session.reporter.info(b'skipping non-regular file "' + entry.name + b'"\n')
            return
        if entry.is_link and options.safe_links and tell_if_unsafe(self._session, entry):
            return
        name = self._target.name(entry)
        if status is not None and self._same(entry, name, status):
            self._set(name, entry, status, report=True)
            self._itemizer.itemize(entry, ndx, status, 0, name=name)
            self._linked(ndx, status)
            self._identical(ndx, name)
            return
        like, told, done = None, False, False
        if status is None and self._reuse.serves(None):
            like, told, done = self._reuse.other(entry, ndx, name, self._same)
        if done:
            return
        kind = b"symlink" if entry.is_link else b"device file" if entry.is_device else b"special file"
        if not self._maker.create(entry, name, status, kind):
            return
        if status is not None and stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            status = None
        self._reuse.copy_xattrs(like, name)
        self._set(name, entry, None)
        if not told:
            self._report(entry, ndx, name, status, items.LOCAL_CHANGE | items.REPORT_CHANGE, like)
            arrow = b" -> " + entry.link if entry.link is not None else b""
            self._session.items.named(entry.name + arrow)
        self._linked(ndx)
        if options.remove_source_files == 1 or (options.remove_source_files and entry.is_link):
            self._succeed(ndx, name)

    def _delete_missing(self, entry: FileEntry) -> None:
        """FLIST-25: the sender does not have it, so neither shall we, unless a rule protects it."""
        status = self._stat(entry)
        if status is not None:
            self._deleter.delete_named(entry.name, status)

    def _same(self, entry: FileEntry, name: bytes, status: os.stat_result) -> bool:
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            return False
        if not entry.is_link:  # a directory is like any other
            return self._itemizer.unchanged(entry, name, status)
        try:
            return self._target.dest.readlink(name) == entry.link
        except OSError:
            return False
