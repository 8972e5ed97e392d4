"""Deletes what the sender does not have, and what stands in the way.

Clauses DEL-1 to DEL-8; upstream ``generator.c:delete_in_dir``,
``delete.c:delete_item``, ``delete_dir_contents``.
"""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum

from ..filters.rulelist import FilterList
from ..wire import order
from ..wire.entry import FileEntry
from .backup import Backups, Made
from .session import IOERR_DEL_LIMIT, IOERR_GENERAL, Session, os_error
from .target import Target

#: Either says that a directory is not empty; Linux has the first.
_FULL = (errno.ENOTEMPTY, errno.EEXIST)


class Outcome(Enum):
    """What became of an attempt to delete something."""

    DONE = 0
    FAILED = 1
    AT_LIMIT = 2
    NOT_EMPTY = 3


class Deleter:
    """Deletions of one session. ``when`` is "before", "during", "delay", "after" or "" (none)."""

    def __init__(self, session: Session, target: Target, filters: FilterList, backups: Backups) -> None:
        self._session = session
        self._target = target
        self._filters = filters
        self._backups = backups
        backups.remove = self._clear_backup
        self._root = os.geteuid() == 0
        self._skipped = 0  # by --max-delete
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
            if not self._warned and self._is_there(directory):
                session.reporter.info(b"IO error encountered -- skipping file deletion\n")
                self._warned = True
            return
        session.debug("DEL", 2, b"delete_in_dir(" + directory.name + b")")
        self._filters.enter_dir(self._target.directory(directory.name), directory.name)
        for name, status in self._contents(directory.name)[0]:
            if name in names:
                continue
            if self.when == "delay":
                self._remembered.append((name, status))
            else:
                self._delete(name, status)

    def _is_there(self, directory: FileEntry) -> bool:
        """Before the transfer it may still have to be made: then there is nothing to keep either."""
        status = self._status(self._target.name(directory))
        return status is not None and stat.S_ISDIR(status.st_mode)

    def delete_remembered(self) -> None:
        """DEL-3: what ``--delete-delay`` found."""
        for name, _ in self._remembered:
            status = self._status(name)
            if status is not None:
                self._delete(name, status)
        self._remembered.clear()

    def _status(self, name: bytes) -> os.stat_result | None:
        """None if it has gone, or can't be looked at: that is told, and stops the deleting (DEL-1)."""
        try:
            return self._target.lstat(name)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._session.io_error |= IOERR_GENERAL
                self._session.fail(os_error("readlink_stat", self._target.path(name), error), "generator")
            return None

    def end(self) -> None:
        """DEL-8: what ``--max-delete`` has prevented is told, and makes the exit code 25."""
        if self._skipped:
            self._session.reporter.warning(
                b"Deletions stopped due to --max-delete limit (%d skipped)\n" % self._skipped
            )
            self._session.io_error |= IOERR_DEL_LIMIT

    def delete_named(self, name: bytes, status: os.stat_result) -> None:
        """FLIST-25: what a missing argument names; a full directory only if deletions were asked for."""
        if self._filters.check(name, False) < 0:
            return
        options = self._session.options
        if not stat.S_ISDIR(status.st_mode) or options.delete or options.force:
            self._delete(name, status)
        elif not options.dry_run:
            try:
                self._target.dest.rmdir(name)
            except OSError as error:
                if error.errno not in (39, 17):
                    self._session.fail(os_error("delete_file: rmdir", self._target.path(name), error))
                self._session.reporter.info(b"cannot delete non-empty directory: " + name + b"\n")
            else:
                self._tell(name, status.st_mode)

    def make_way(self, entry: FileEntry, status: os.stat_result, kind: bytes) -> bool:
        """DEL-4: remove what has the name of ``entry``; a full directory only if deletions were asked for.

        What makes way is not counted, limited or told; what was in it is.
        """
        return self._make_way(self._target.name(entry), status, b"new " + kind)

    def _make_way(self, name: bytes, status: os.stat_result, what: bytes, *, backup: bool = False) -> bool:
        options = self._session.options
        recurse = backup or options.delete or options.force
        outcome = self._delete(name, status, recurse=recurse, room=True, no_backup=backup)
        if outcome is Outcome.DONE:
            return True
        self._session.xfer_error = True
        self._session.reporter.error_xfer(b"could not make way for " + what + b": " + name + b"\n")
        return False

    def _clear_backup(self, name: bytes, status: os.stat_result) -> bool:
        """DEL-4 in the backup directory, whatever the options say."""
        return self._make_way(name, status, b"backup " + kind_name(status.st_mode), backup=True)

    def _contents(self, directory: bytes) -> tuple[list[tuple[bytes, os.stat_result]], bool]:
        """The unprotected entries, last first in the order of a file list (DEL-5); are there others?"""
        prefix = b"" if directory == b"." else directory + b"/"
        found: list[tuple[bytes, bytes, os.stat_result]] = []
        protected = False
        key = order.sort_key(self._session.dialect.sort_files_first)
        try:
            names = self._target.dest.listdir(directory)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._session.io_error |= IOERR_GENERAL
                self._session.fail(os_error("opendir", self._target.path(directory), error), "generator")
            return [], False
        for base in names:
            name = prefix + base
            status = self._status(name)
            if status is None:
                continue
            if self._filters.check(name, stat.S_ISDIR(status.st_mode)) < 0:
                protected = True
                continue
            found.append((key(FileEntry(name, status.st_mode)), name, status))
        found.sort(reverse=True, key=lambda item: item[0])
        return [(name, status) for _, name, status in found], protected

    def _delete(
        self,
        name: bytes,
        status: os.stat_result,
        *,
        recurse: bool = True,
        room: bool = False,
        no_backup: bool = False,
        emptied: bool = False,
    ) -> Outcome:
        """Delete a file, or with ``recurse`` a directory with all that is in it.

        ``room``: it is in the way. ``emptied``: a directory whose contents have had their turn.
        """
        mode, options = status.st_mode, self._session.options
        is_dir = stat.S_ISDIR(mode)
        if not emptied:
            self._allow_writing(name, status)
        if is_dir and not emptied:
            outer, self._filters.ignore_perishable = self._filters.ignore_perishable, True
            outcome = self._empty(name, recurse=recurse, no_backup=no_backup)
            self._filters.ignore_perishable = outer
            if outcome is not Outcome.DONE:
                return outcome
        if not room and options.max_delete is not None and self._counted() >= options.max_delete:
            self._skipped += 1
            return Outcome.AT_LIMIT
        what = "rmdir" if is_dir else "unlink"
        try:
            if is_dir:
                if not options.dry_run:
                    self._target.dest.rmdir(name)
            else:
                what = self._remove(name, no_backup=no_backup)
                if what == "make_backup":
                    if self._backups.failure is None:
                        self._session.fail(b"delete_file: make_backup(" + name + b") failed", "generator")
                        return Outcome.FAILED
                    raise self._backups.failure
        except OSError as error:
            if is_dir and error.errno in _FULL:
                self._say_not_empty(name)
                return Outcome.NOT_EMPTY
            if error.errno == errno.ENOENT:
                return Outcome.DONE
            reason = os.strerror(error.errno or 0).encode() + b" (%d)" % (error.errno or 0)
            self._session.fail(
                b"delete_file: " + what.encode() + b"(" + name + b") failed: " + reason, "generator"
            )
            return Outcome.FAILED
        if not room:
            self._tell(name, mode)
        return Outcome.DONE

    def _remove(self, name: bytes, *, no_backup: bool) -> str:
        """FS-14: unlink something, or move it among the backups; what was done. Raises OSError."""
        backups, options = self._backups, self._session.options
        if options.backup and not no_backup and (backups.elsewhere or not backups.is_backup(name)):
            made = backups.make(name, rename=True)
            if made is Made.FAILED:
                return "make_backup"
            if made is not Made.COPIED:
                return "backup"
        if not options.dry_run:
            self._target.dest.unlink(name)
        return "unlink"

    def _empty(self, name: bytes, *, recurse: bool, no_backup: bool) -> Outcome:
        """DEL-7: delete what is in a directory, so far as nothing protects it."""
        self._filters.enter_dir(self._target.directory(name), name)
        contents, protected = self._contents(name)
        whole = not protected
        if contents and not recurse:
            whole = False
            contents = []
        for child, status in contents:
            self._allow_writing(child, status)
            if stat.S_ISDIR(status.st_mode):
                whole = self._empty(child, recurse=True, no_backup=no_backup) is Outcome.DONE and whole
            outcome = self._delete(child, status, no_backup=no_backup, emptied=True)
            whole = outcome is Outcome.DONE and whole
        if whole:
            return Outcome.DONE
        self._say_not_empty(name)
        return Outcome.NOT_EMPTY

    def _say_not_empty(self, name: bytes) -> None:
        self._session.reporter.info(b"cannot delete non-empty directory: " + name + b"\n")

    def _allow_writing(self, name: bytes, status: os.stat_result) -> None:
        """An ordinary user may delete what is his, though he has made it read-only."""
        if self._root or status.st_mode & stat.S_IWUSR or status.st_uid != os.geteuid():
            return
        if stat.S_ISLNK(status.st_mode) or self._session.options.dry_run:
            return
        try:
            self._target.dest.chmod(name, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
        except OSError:
            pass

    def _counted(self) -> int:
        counts = self._session.deletions
        return counts.files + counts.dirs + counts.symlinks + counts.devices + counts.specials

    def _tell(self, name: bytes, mode: int) -> None:
        counts = self._session.deletions
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


def kind_name(mode: int) -> bytes:
    """What upstream calls a kind of file that something is in the way of."""
    if stat.S_ISREG(mode):
        return b"regular file"
    if stat.S_ISDIR(mode):
        return b"directory"
    if stat.S_ISLNK(mode):
        return b"symlink"
    return b"device file" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else b"special file"
