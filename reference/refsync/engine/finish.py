"""Puts a received file in its place: backup, attributes, name.

Clauses FS-2, FS-9, FS-14; upstream ``rsync.c:finish_transfer``, ``util1.c:robust_rename``.
"""

from __future__ import annotations

import errno
import os

from ..files.copying import copy_file
from ..files.temp import TempFile
from ..wire.entry import FileEntry
from ..wire.errors import Exit, RefsyncError
from .backup import Backups, Made
from .partial import Parts
from .session import Session, os_error
from .target import Target


class Finisher:
    """Ends output files, in one way or another."""

    def __init__(self, session: Session, target: Target, backups: Backups, parts: Parts) -> None:
        self._session = session
        self._target = target
        self._backups = backups
        self._parts = parts

    def finish(
        self,
        temp: TempFile,
        name: bytes,
        entry: FileEntry,
        *,
        whole: bool = True,
        backup: bool = True,
        xattrs_of: bytes | None,
    ) -> bool:
        """Give the file its attributes and the name ``temp.target``; False after telling what went wrong.

        ``name`` is the file that all is about, which ``temp.target`` differs from
        if it is a part. Not ``whole``: it must not look up to date, so it gets no time.
        ``xattrs_of``: the file whose attributes it shares as far as none came; None if it has them all.
        """
        options, attributes = self._session.options, self._target.attributes
        if options.inplace:
            attributes.apply(temp.name, entry, fd=temp.fd, set_times=whole, xattrs_of=xattrs_of)
            self._close(temp)
            temp.commit()
            return True
        if options.backup and backup:
            made = self._backups.make(temp.target, who="receiver")
            if made is Made.FAILED:
                raise RefsyncError("", Exit.FILE_IO)
        attributes.apply(temp.name, entry, fd=temp.fd, set_times=whole, xattrs_of=xattrs_of)
        self._close(temp)
        try:
            temp.commit()
        except OSError as error:
            if error.errno == errno.EXDEV:
                return self._copy(temp, name, entry, whole=whole)
            self._say(temp, "rename", error)
            self._save(temp, name)
            return False
        return True

    def _close(self, temp: TempFile) -> None:
        """What a file system reports only now is as bad as a failed write."""
        try:
            temp.close()
        except OSError as error:
            what = os_error("close failed on", self._target.path(temp.name), error, b"")
            raise RefsyncError(os.fsdecode(what), Exit.FILE_IO) from None

    def _say(self, temp: TempFile, what: str, error: OSError) -> None:
        arrow = b'-> "' + temp.target + b'"'
        self._session.fail(os_error(what, self._target.path(temp.name), error, arrow))

    def _copy(self, temp: TempFile, name: bytes, entry: FileEntry, *, whole: bool) -> bool:
        """FS-9: the temporary directory is on another file system.

        With a partial directory the copy is made there, so that even then the name is never half a file's.
        """
        dest, options = self._target.dest, self._session.options
        final = temp.target
        part = self._parts.make(name) if final == name and self._parts.relative else None
        made = part if part is not None else final
        try:
            copy_file(dest, temp.name, made, entry.mode, preallocate=options.preallocate, fsync=options.fsync)
        except OSError as error:
            self._say(temp, "copy", error)
            temp.discard()
            return False
        temp.discard()
        self._target.attributes.apply(made, entry, set_times=whole)
        if part is not None:
            try:
                dest.rename(part, final)
            except OSError as error:
                self._session.fail(os_error("rename", self._target.path(part), error, b'-> "' + final + b'"'))
                return False
            self._parts.drop(name)
        return True

    def _save(self, temp: TempFile, name: bytes) -> None:
        """A whole file that can't take its name is worth keeping where parts are kept."""
        part = self._parts.find(name) if temp.target == name else None
        if part is not None:
            try:
                temp.target = part
                temp.commit()
                return
            except OSError:
                pass
        temp.discard()

    def rescue(self, temp: TempFile, name: bytes, entry: FileEntry) -> None:
        """FS-8: an interrupted run keeps what has come, if that was asked for. Raises OSError."""
        if not self._parts.wanted:
            if (
                self._session.options.backup
                and self._backups.make(temp.target, who="receiver") is Made.FAILED
            ):
                return
            self._flush(temp)
            self._target.attributes.apply(temp.name, entry, fd=temp.fd, set_times=False)
            temp.keep_partial(0)
            return
        part = self._parts.make(name)
        if part is None:
            return
        self._flush(temp)
        self._target.attributes.apply(temp.name, entry, fd=temp.fd, set_times=False)
        temp.target = part
        temp.keep_partial()

    @staticmethod
    def _flush(temp: TempFile) -> None:
        try:
            temp.writer.finish()
        except OSError:
            pass  # a full disk: what has fitted is what is kept
