"""Making a symlink, a device or a special file in the place of what has the name now.

Clause FS-3; upstream ``generator.c:atomic_create``.
"""

from __future__ import annotations

import os
import stat

from ..files.interrupt import uninterrupted
from ..wire.entry import FileEntry
from .backup import Backups, Made
from .deleter import Deleter
from .session import Session, os_error
from .target import Target


class Maker:
    """Makes what needs no data, in one step as far as that can be."""

    def __init__(self, session: Session, target: Target, backups: Backups, deleter: Deleter) -> None:
        self._session = session
        self._options = session.options
        self._target = target
        self._backups = backups
        self._deleter = deleter

    @uninterrupted
    def create(self, entry: FileEntry, name: bytes, status: os.stat_result | None, kind: bytes) -> bool:
        """FS-3: what has the name now is replaced in one step, unless that can't be."""
        dest, options = self._target.dest, self._options
        in_the_way = status is not None and stat.S_ISDIR(status.st_mode)
        directly = status is None or in_the_way or options.temp_dir is not None
        if status is not None:
            if options.backup and not in_the_way:
                if self._backups.make(name, rename=directly) is Made.FAILED:
                    return False
                if directly and not options.dry_run and self._target.lstat(name) is not None:
                    dest.unlink(name)  # it was linked or copied, not moved
            elif directly and not self._deleter.make_way(entry, status, kind):
                return False
        if options.dry_run:
            return True
        made = name if directly else dest.temp_name(name)
        try:
            if entry.is_link:
                dest.symlink(entry.link or b"", made)
            else:
                dest.mknod(
                    made, entry.mode, os.makedev(entry.rdev_major, entry.rdev_minor) if entry.is_device else 0
                )
        except OSError as error:
            what, tail = (
                ("symlink", b'-> "' + (entry.link or b"") + b'" ') if entry.is_link else ("mknod", b"")
            )
            self._session.fail(os_error(what, self._target.path(made), error, tail + b"failed"), "generator")
            return False
        if not directly:
            try:
                dest.rename(made, name)
            except OSError as error:
                tail = b'-> "' + self._target.shown(name) + b'" failed'
                self._session.fail(os_error("rename", self._target.path(made), error, tail), "generator")
                dest.unlink(made)
                return False
        return True
