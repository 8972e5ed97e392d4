"""Owner, times and permissions: compared with an entry and set.

Clauses FS-3, FS-4, FS-6, FS-7; upstream ``rsync.c:set_file_attrs``,
``dest_mode``, ``util1.c:same_time``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from ..options.model import Options
from ..wire.entry import FileEntry
from .destination import Destination

CHMOD_BITS = 0o7777
ACCESS_BITS = 0o777


def same_mtime(entry: FileEntry, status: os.stat_result, options: Options) -> bool:
    """FS-6: equal seconds, or within the window; a negative window asks for equal nanoseconds too."""
    seconds, nanoseconds = divmod(status.st_mtime_ns, 10**9)
    window = options.modify_window
    if window == 0:
        return seconds == entry.mtime
    if window < 0:
        return (seconds, nanoseconds) == (entry.mtime, entry.nsec)
    return abs(seconds - entry.mtime) <= window


def dest_mode(mode: int, status: os.stat_result | None, umask: int, options: Options) -> int:
    """FS-4: the mode of an entry whose permissions are not preserved.

    What exists keeps its own (with ``-E`` its executability follows the
    sender); what is new gets the sender's access bits under our umask.
    """
    if status is None:
        return (mode & ~CHMOD_BITS) | (mode & ACCESS_BITS & ~umask)
    kept = stat.S_IMODE(status.st_mode)
    if options.executability and stat.S_ISREG(mode):
        if not mode & 0o111:
            kept &= ~0o111
        elif not kept & 0o111:
            kept |= (kept & 0o444) >> 2
    return (mode & ~CHMOD_BITS) | kept


class Attributes:
    """Sets what the options preserve. ``fail`` is told of what could not be set."""

    def __init__(
        self, dest: Destination, options: Options, fail: Callable[[bytes], None], *, root: bytes, umask: int
    ) -> None:
        self._dest = dest
        self._options = options
        self._fail = fail
        self._path = root
        self._umask = umask
        self._superuser = os.geteuid() == 0
        self._groups = {os.getegid(), *os.getgroups()}

    def apply(self, name: bytes, entry: FileEntry, status: os.stat_result | None) -> bool:
        """Make ``name`` have the entry's attributes; ``status`` is what it has, None to look.

        Owner first, since changing it clears set-id bits; then times, then
        mode. True if anything was changed.
        """
        options = self._options
        try:
            if status is None:
                status = self._dest.lstat(name)
            if status is None:
                return False
            changed = self._owner(name, entry, status)
            if changed:
                status = self._dest.lstat(name) or status
            changed |= self._times(name, entry, status)
            if not entry.is_link and (status.st_mode ^ entry.mode) & CHMOD_BITS:
                self._dest.chmod(name, stat.S_IMODE(entry.mode))
                changed = True
            return changed
        except OSError as error:
            self._report("failed to set permissions on", name, error)
            return options.dry_run

    def _owner(self, name: bytes, entry: FileEntry, status: os.stat_result) -> bool:
        options = self._options
        uid = entry.uid if options.owner and self._superuser and entry.uid != status.st_uid else -1
        may_group = self._superuser or entry.gid in self._groups
        gid = entry.gid if options.group and may_group and entry.gid != status.st_gid else -1
        if uid < 0 and gid < 0:
            return False
        try:
            self._dest.chown(name, uid, gid)
        except OSError as error:
            self._report("chown" if uid >= 0 else "chgrp", name, error)
            return False
        return True

    def _times(self, name: bytes, entry: FileEntry, status: os.stat_result) -> bool:
        options = self._options
        if not options.times:
            return False
        if (entry.is_dir and options.omit_dir_times) or (entry.is_link and options.omit_link_times):
            return False
        wanted = entry.mtime * 10**9 + entry.nsec
        if wanted == status.st_mtime_ns:
            return False
        try:
            self._dest.utime_ns(name, status.st_atime_ns, wanted)
        except (OSError, OverflowError) as error:
            shown = error if isinstance(error, OSError) else OSError(22, os.strerror(22))
            self._report("failed to set times on", name, shown)
            return False
        return True

    def touch_up(self, name: bytes, entry: FileEntry) -> None:
        """FS-7: a directory's time and permissions once its contents are complete."""
        try:
            status = self._dest.lstat(name)
            if status is None or not stat.S_ISDIR(status.st_mode):
                return
            if (
                not self._superuser
                and not entry.mode & stat.S_IWUSR
                and (status.st_mode ^ entry.mode) & CHMOD_BITS
            ):
                self._dest.chmod(name, stat.S_IMODE(entry.mode))
            self._times(name, entry, status)
        except OSError as error:
            self._report("failed to set permissions on", name, error)

    def _report(self, what: str, name: bytes, error: OSError) -> None:
        path = self._path if name == b"." else os.path.join(self._path, name)
        reason = os.strerror(error.errno or 0).encode()
        self._fail(b'%s "%s": %s (%d)' % (what.encode(), path, reason, error.errno or 0))
