"""What the generator makes itself: directories, symlinks, devices; and the attributes of what is here.

Clauses XFER-5 to XFER-9, FS-3 to FS-7; upstream ``generator.c:recv_generator``,
``atomic_create``, ``touch_up_dirs``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ..files.rank import FAKE, ORDINARY, rank
from ..filters.rulelist import FilterList
from ..wire import items
from ..wire.entry import FileEntry
from .deleter import Deleter
from .hardlinks import HardLinks
from .itemize import Itemizer
from .session import Session, os_error
from .target import Target


class Creator:
    """Handles one entry at a time, in the order of the list."""

    def __init__(
        self,
        session: Session,
        target: Target,
        itemizer: Itemizer,
        deleter: Deleter,
        guard: FilterList | None = None,
        links: HardLinks | None = None,
    ) -> None:
        self._session = session
        self._options = session.options
        self._target = target
        self._itemizer = itemizer
        self._deleter = deleter
        self._guard = guard
        self._links = links
        self._rank = rank(session.options)
        self._added = 0o700 if self._rank == FAKE else 0  # files have to go in
        self._made: set[bytes] = {b"."} if target.created else set()  # made before their turn came
        self._missing: set[bytes] = set()  # not there, and not to be touched up
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
        try:
            return self._target.lstat(self._target.name(entry))
        except OSError as error:
            if not (self._options.dry_run and error.errno in (20, 40)):
                self._session.fail(
                    os_error("recv_generator: failed to stat", self._target.path(entry.name), error, b"")
                )
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

    def wants_data(self, entry: FileEntry, ndx: int) -> bool:
        """True if the file's data is to be requested; else all that was to be done has been."""
        if self._options.list_only:
            self._session.reporter.listed(entry)
            return False
        if self._skipped(entry):
            return False
        options = self._options
        status = self._stat(entry)
        if self._unwanted(entry, status):
            return False
        is_file = status is not None and stat.S_ISREG(status.st_mode)
        self._target.fix_mode(
            entry, status if status is not None and not stat.S_ISDIR(status.st_mode) else None
        )
        if self._links and self._links.check(entry, ndx, status):
            return False
        if (
            options.update
            and status is not None
            and entry.mtime - status.st_mtime_ns // 10**9 < options.window
        ):
            if options.info["SKIP"]:
                self._session.reporter.info(entry.name + b" is newer\n")
            return False
        if status is not None and not is_file:
            if not self._deleter.make_way(entry, status, b"regular file"):
                return False
            status = None
        name = self._target.name(entry)
        if (
            status is not None
            and is_file
            and self._itemizer.unchanged(entry, self._target.path(name), status)
        ):
            self._set(name, entry, status, report=True)
            self._itemizer.itemize(entry, ndx, status, 0, name=name)
            self._linked(ndx, status)
            return False
        return is_file or not (self._links and self._links.hold(ndx))

    def _linked(self, ndx: int, status: os.stat_result | None = None) -> None:
        """HLINK-5: what is here now is what other names of the same file wait for."""
        if self._links:
            self._links.finish(ndx, status)

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
        ):
            return
        name = self._target.name(entry)
        try:
            status = self._target.lstat(name)
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
            self._session.reporter.listed(entry)
            return
        options = self._options
        if self._skipped(entry):
            self._missing.add(entry.name)
            return
        status = self._stat(entry)
        if self._unwanted(entry, status):
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
        self._itemizer.itemize(entry, ndx, before, items.LOCAL_CHANGE if before is None else 0, name=name)
        if options.dry_run:
            if not there:
                self._missing.add(entry.name)
            return
        if not there:
            try:
                self._target.dest.mkdir(name, entry.mode & 0o7777 | self._added)
            except OSError as error:
                self._session.fail(os_error("recv_generator: mkdir", self._target.path(name), error))
                self._fail_directory(entry)
                return
        if self._set(name, entry, status):
            self._session.items.named(entry.name + b"/")
        if self._rank == ORDINARY and entry.mode & 0o700 != 0o700:
            try:  # files have to go in; touch_up takes it back
                self._target.dest.chmod(name, stat.S_IMODE(entry.mode) | 0o700)
            except OSError as error:
                self._session.fail(
                    os_error("failed to modify permissions on", self._target.path(name), error, b"")
                )

    def _fail_directory(self, entry: FileEntry) -> None:
        self._session.reporter.error(b"*** Skipping any contents from this failed directory ***\n")
        self._skip = entry.name + b"/"
        self._missing.add(entry.name)

    def touch_up(self, directories: Iterable[FileEntry]) -> None:
        """FS-7: once nothing more goes in, set again what that has changed."""
        options = self._options
        if options.dry_run or options.list_only or self._target.local_name is not None:
            return
        for entry in directories:
            if entry.name not in self._missing:
                self._target.attributes.touch_up(self._target.name(entry), entry)

    # -- the rest ---------------------------------------------------------

    def other(self, entry: FileEntry, ndx: int) -> None:
        """Symlinks, devices, FIFOs, sockets."""
        if self._options.list_only:
            self._session.reporter.listed(entry)
            return
        if self._skipped(entry):
            return
        options = self._options
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
        name = self._target.name(entry)
        if status is not None and self._same(entry, name, status):
            self._set(name, entry, status, report=True)
            self._itemizer.itemize(entry, ndx, status, 0, name=name)
            self._linked(ndx, status)
            return
        kind = b"symlink" if entry.is_link else b"device file" if entry.is_device else b"special file"
        if status is not None and stat.S_ISDIR(status.st_mode):
            if not self._deleter.make_way(entry, status, kind):
                return
            status = None
        if not options.dry_run and not self._create(entry, name, replacing=status is not None):
            return
        if status is not None and stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            status = None
        self._set(name, entry, None)
        self._itemizer.itemize(entry, ndx, status, items.LOCAL_CHANGE | items.REPORT_CHANGE, name=name)
        arrow = b" -> " + entry.link if entry.link is not None else b""
        self._session.items.named(entry.name + arrow)
        self._linked(ndx)

    def _same(self, entry: FileEntry, name: bytes, status: os.stat_result) -> bool:
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            return False
        if not entry.is_link:
            return self._itemizer.unchanged(entry, b"", status)
        try:
            return self._target.dest.readlink(name) == entry.link
        except OSError:
            return False

    def _create(self, entry: FileEntry, name: bytes, *, replacing: bool) -> bool:
        """FS-3: what has the name now is replaced in one step."""
        dest = self._target.dest
        made = dest.temp_name(name) if replacing else name
        try:
            if entry.is_link:
                dest.symlink(entry.link or b"", made)
            else:
                dest.mknod(
                    made, entry.mode, os.makedev(entry.rdev_major, entry.rdev_minor) if entry.is_device else 0
                )
        except OSError as error:
            what = "symlink" if entry.is_link else "mknod"
            self._session.fail(os_error(what, self._target.path(name), error))
            return False
        if replacing:
            try:
                dest.rename(made, name)
            except OSError as error:
                self._session.fail(os_error("rename", self._target.path(made), error))
                dest.unlink(made)
                return False
        return True
