"""Deletes what the sender does not have, and what stands in the way.

Clauses DEL-1 to DEL-7; upstream ``generator.c:delete_in_dir``,
``delete.c:delete_item``, ``delete_dir_contents``.
"""

from __future__ import annotations

import os
import stat

from ..filters.rulelist import FilterList
from ..wire import order
from ..wire.entry import FileEntry
from .session import IOERR_GENERAL, Session, os_error
from .target import Target


class Deleter:
    """Deletions of one session. ``when`` is "before", "during", "delay", "after" or "" (none)."""

    def __init__(self, session: Session, target: Target, filters: FilterList) -> None:
        self._session = session
        self._target = target
        self._filters = filters
        self._warned = False
        self._remembered: list[tuple[bytes, os.stat_result]] = []
        options = session.options
        self.when = ""
        if options.delete:
            self.when = options.delete_when or ("during" if session.dialect.varints else "before")
        self.late = self.when in ("after", "delay")

    def in_directory(self, directory: FileEntry, names: set[bytes]) -> None:
        """DEL-1: delete each entry of the directory whose name is not in ``names`` and no rule protects.

        After an I/O error of the sender nothing is deleted: what could not be
        listed would look deleted.
        """
        session = self._session
        if self._target.missing or session.options.list_only:
            return
        if session.io_error & IOERR_GENERAL and not session.options.ignore_errors:
            if not self._warned:
                session.reporter.info(b"IO error encountered -- skipping file deletion\n")
                self._warned = True
            return
        session.debug("DEL", 2, b"delete_in_dir(" + directory.name + b")")
        self._filters.enter_dir(self._target.path(directory.name), directory.name)
        for name, status in self._contents(directory.name):
            if name in names:
                continue
            if self.when == "delay":
                self._remembered.append((name, status))
            else:
                self._delete(name, status)

    def delete_remembered(self) -> None:
        """DEL-3: what ``--delete-delay`` found."""
        for name, _ in self._remembered:
            try:
                status = self._target.lstat(name)
            except OSError:
                continue
            if status is not None:
                self._delete(name, status)
        self._remembered.clear()

    def make_way(self, entry: FileEntry, status: os.stat_result, kind: bytes) -> bool:
        """DEL-4: remove what has the name of ``entry``; a full directory only if deletions were asked for."""
        name = self._target.name(entry)
        options = self._session.options
        if options.dry_run:
            return True
        if not stat.S_ISDIR(status.st_mode):
            return self._remove(name, status, tell=False)
        if options.delete or options.force:
            if self._delete(name, status, quiet_top=True):
                return True
        else:
            try:
                self._target.dest.rmdir(name)
                return True
            except OSError as error:
                if error.errno in (39, 17):
                    self._session.reporter.info(b"cannot delete non-empty directory: " + name + b"\n")
                else:
                    self._session.fail(os_error("delete_file: rmdir", self._target.path(name), error))
        self._session.xfer_error = True
        self._session.reporter.error_xfer(b"could not make way for new " + kind + b": " + name + b"\n")
        return False

    def _contents(self, directory: bytes) -> list[tuple[bytes, os.stat_result]]:
        """The unprotected entries, last first in the order of a file list (DEL-5)."""
        prefix = b"" if directory == b"." else directory + b"/"
        found: list[tuple[bytes, bytes, os.stat_result]] = []
        key = order.sort_key(self._session.dialect.sort_files_first)
        try:
            names = self._target.dest.listdir(directory)
        except OSError as error:
            if error.errno not in (2, 20):
                self._session.io_error |= IOERR_GENERAL
                self._session.fail(os_error("opendir", self._target.path(directory), error))
            return []
        for base in names:
            name = prefix + base
            try:
                status = self._target.lstat(name)
            except OSError:
                continue
            if status is None:
                continue
            is_dir = stat.S_ISDIR(status.st_mode)
            if self._filters.check(name, is_dir) < 0:
                continue
            found.append((key(FileEntry(name, status.st_mode)), name, status))
        found.sort(reverse=True, key=lambda item: item[0])
        return [(name, status) for _, name, status in found]

    def _delete(self, name: bytes, status: os.stat_result, *, quiet_top: bool = False) -> bool:
        """Delete a file, or a directory with all that is in it."""
        if not stat.S_ISDIR(status.st_mode):
            return self._remove(name, status)
        if os.geteuid() != 0 and not status.st_mode & stat.S_IWUSR and not self._session.options.dry_run:
            try:
                self._target.dest.chmod(name, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
            except OSError:
                pass
        whole = True
        self._filters.enter_dir(self._target.path(name), name)
        outer, self._filters.ignore_perishable = self._filters.ignore_perishable, True
        for child, child_status in self._contents(name):
            whole = self._delete(child, child_status) and whole
        self._filters.ignore_perishable = outer
        if self._session.options.dry_run:
            self._tell(name, status)
            return True
        try:
            self._target.dest.rmdir(name)
        except OSError as error:
            if error.errno in (39, 17):
                self._session.reporter.info(b"cannot delete non-empty directory: " + name + b"\n")
            elif error.errno != 2:
                self._session.fail(os_error("delete_file: rmdir", self._target.path(name), error))
            return False
        if not quiet_top:
            self._tell(name, status)
        return whole

    def _remove(self, name: bytes, status: os.stat_result, *, tell: bool = True) -> bool:
        if not self._session.options.dry_run:
            try:
                self._target.dest.unlink(name)
            except OSError as error:
                if error.errno != 2:
                    self._session.fail(os_error("delete_file: unlink", self._target.path(name), error))
                return False
        if tell:
            self._tell(name, status)
        return True

    def _tell(self, name: bytes, status: os.stat_result) -> None:
        counts, mode = self._session.deletions, status.st_mode
        if stat.S_ISDIR(mode):
            counts.dirs += 1
        elif stat.S_ISLNK(mode):
            counts.symlinks += 1
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            counts.devices += 1
        elif stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            counts.specials += 1
        else:
            counts.files += 1
        self._session.items.deleted(name, mode)
