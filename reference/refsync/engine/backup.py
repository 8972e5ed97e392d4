"""Backups: what is about to be replaced or deleted is kept under another name.

Clauses FS-14 to FS-17; upstream ``backup.c:make_backup``, ``get_backup_name``,
``copy_valid_path``, ``link_or_rename``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from enum import IntEnum

from ..files.copying import copy_file
from ..files.scan import entry_from
from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_PATH
from .module import first_hidden
from .places import Places
from .session import Session, os_error
from .target import Target


class Made(IntEnum):
    """What became of a request for a backup."""

    FAILED = 0
    MOVED = 1
    COPIED = 2  # or linked: the original is still there
    NOTHING = 3  # there is nothing, or nothing that can be kept


class Backups:
    """The backups of one run. ``remove`` clears the way in the backup directory; True if it could."""

    def __init__(self, session: Session, target: Target, places: Places) -> None:
        self._session = session
        self._target = target
        self._places = places
        options = session.options
        self.wanted = options.backup
        self.suffix = os.fsencode(options.suffix if options.suffix is not None else "~")
        self.remove: Callable[[bytes, os.stat_result], bool] = lambda name, status: False
        self._shown = os.fsencode(options.backup_dir or "")
        self._path = b""
        self._root: bytes | None = None
        self.failure: OSError | None = None  # why there is no backup, if the system has said so
        self._who = "generator"
        self._last: bytes | None = None  # the directory whose place in the backup directory is known good
        self.elsewhere = bool(self.wanted and self._shown)
        if self.elsewhere:
            self._path = places.path(self._shown)
            self._shown = self._shown.rstrip(b"/") + b"/"
            self._check()

    def _check(self) -> None:
        """The directory may be missing, but must not be something else, nor hidden by a module."""
        session, shown = self._session, self._shown.rstrip(b"/") or b"/"
        module = session.module
        if module is not None:
            place = self._places.below_module(self._path)
            if first_hidden(module.rules(sender=False), place, True) is not None:
                raise RefsyncError("Your options have been rejected by the server.", Exit.SYNTAX)
        try:
            status = self._session.files.stat(self._path)
        except FileNotFoundError:
            self._say(b"(new) backup_dir is " + shown)
            return
        except OSError as error:
            reason = f"{os.fsdecode(shown)}: {error.strerror}"
            raise RefsyncError(f"Failed to stat {reason}", Exit.FILE_IO) from None
        if not stat.S_ISDIR(status.st_mode):
            raise RefsyncError(f"The backup-dir is not a directory: {os.fsdecode(shown)}", Exit.SYNTAX)
        self._say(b"backup_dir is " + shown)

    def _say(self, text: bytes) -> None:
        if self._session.options.info["BACKUP"]:
            self._session.reporter.info(text + b"\n")

    # -- names ------------------------------------------------------------

    def is_backup(self, name: bytes) -> bool:
        """Whether a name looks like that of a backup."""
        return len(name) > len(self.suffix) and name.endswith(self.suffix)

    def shown(self, name: bytes) -> bytes:
        """The backup's name as it is told."""
        return self._shown + name + self.suffix

    def name(self, name: bytes) -> bytes | None:
        """Where the backup of ``name`` goes; the directories are made. None after telling why not."""
        if len(name) + len(self._shown) + len(self.suffix) >= MAX_PATH:
            self._session.reporter.error(b"backup filename too long\n")
            return None
        if not self.elsewhere:
            return name + self.suffix
        if self._session.options.dry_run:
            return self._path + b"/" + name
        if self._root is None:
            try:
                self._root = self._places.make(self._path)
            except OSError as error:
                self._error(b"backup mkdir " + self._shown.rstrip(b"/") + b" failed", error)
                return None
        directory = name[: name.rfind(b"/") + 1].rstrip(b"/")
        if directory != self._last and not self._prepare(directory):
            return None
        self._last = directory
        return self._root + b"/" + name + self.suffix

    def _prepare(self, directory: bytes) -> bool:
        """Each directory on the way, made if it is missing, with the attributes of the one it stands for."""
        parts = directory.split(b"/") if directory else []
        for count in range(1, len(parts) + 1):
            original = b"/".join(parts[:count])
            name = (self._root or b"") + b"/" + original
            try:
                status = self._target.dest.lstat(name)
            except OSError as error:
                self._error(b"backup lstat " + self._shown + original + b" failed", error)
                return False
            if status is not None and not stat.S_ISDIR(status.st_mode):
                if not self.remove(name, status):
                    return False
                status = None
            if status is None and not self._make_like(name, original):
                return False
        return True

    def _make_like(self, name: bytes, original: bytes) -> bool:
        dest = self._target.dest
        try:
            dest.mkdir(name)
        except OSError as error:
            self._error(b"backup mkdir " + self._shown + original + b" failed", error)
            return False
        try:
            status = dest.lstat(original)
            if status is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        except OSError as error:
            self._session.error(os_error("backup stat", self._target.path(original), error), self._who)
            return True
        self._target.attributes.apply(name, entry_from(original, status))
        return True

    def _error(self, what: bytes, error: OSError) -> None:
        self.failure = error
        reason = os.strerror(error.errno or 0).encode() + b" (%d)" % (error.errno or 0)
        self._session.error(what + b": " + reason, self._who)

    # -- making -----------------------------------------------------------

    def make(self, name: bytes, *, rename: bool = False, who: str = "generator") -> Made:
        """Keep what has the name now. ``rename``: it need not stay, so moving it will do.

        Otherwise a hard link is best: the name has a whole file at all times. ``who`` speaks.
        """
        self._who = who
        try:
            return self._make(name, rename)
        finally:
            self._who = "generator"

    def _make(self, name: bytes, rename: bool) -> Made:
        try:
            status = self._target.lstat(name)
        except OSError:
            status = None
        if status is None:
            return Made.NOTHING
        backup = self.name(name)
        if backup is None:
            return Made.FAILED
        if self._session.options.dry_run:
            self.told(name)
            return Made.MOVED if rename else Made.COPIED
        try:
            made = self._link_or_rename(name, backup, status, rename)
        except FileExistsError:
            made = Made.FAILED
            there = self._target.dest.lstat(backup)
            if there is not None and not self.remove(backup, there):
                return Made.FAILED
            try:
                made = self._link_or_rename(name, backup, status, rename)
            except FileExistsError:
                pass
        if made is Made.FAILED:
            made = self.copy(name, backup, status)
            if made is not Made.COPIED:
                return made
        self.told(name)
        return made

    def told(self, name: bytes) -> None:
        """OUT-18: what a verbose run says."""
        self._say(b"backed up " + name + b" to " + self.shown(name))

    def _link_or_rename(self, name: bytes, backup: bytes, status: os.stat_result, rename: bool) -> Made:
        """Raises FileExistsError for what is in the way."""
        dest = self._target.dest
        if not rename:
            try:
                dest.link(name, backup)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.EISDIR):
                    raise FileExistsError(error.errno, error.strerror) from None
                if not stat.S_ISREG(status.st_mode):
                    self.failure = error
                    return Made.FAILED
            else:
                return Made.COPIED
        try:
            dest.rename(name, backup)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.EISDIR):
                raise FileExistsError(error.errno, error.strerror) from None
            self.failure = error
            return Made.FAILED
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            try:  # between two names of one file rename does nothing
                dest.unlink(name)
            except OSError:
                pass
        return Made.MOVED

    def copy(self, name: bytes, backup: bytes, status: os.stat_result) -> Made:
        """The way for another file system, and for a file that is updated in place."""
        session, options, dest = self._session, self._session.options, self._target.dest
        mode = status.st_mode
        kind_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
        kind_special = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        link = b""
        try:
            if (kind_device and options.devices and os.geteuid() == 0) or (kind_special and options.specials):
                dest.mknod(backup, mode, status.st_rdev)
            elif stat.S_ISLNK(mode) and options.links:
                link = dest.readlink(name)
                dest.symlink(link, backup)
            elif stat.S_ISREG(mode):
                copy_file(dest, name, backup, mode, preallocate=options.preallocate, fsync=options.fsync)
            else:
                session.reporter.info(b"make_bak: skipping non-regular file " + name + b"\n")
                return Made.NOTHING
        except OSError as error:
            what = b"keep_backup failed: " + self._target.shown(name) + b' -> "' + self.shown(name) + b'"'
            self._error(what, error)
            return Made.FAILED
        self._target.attributes.apply(backup, entry_from(name, status, link))
        return Made.COPIED
