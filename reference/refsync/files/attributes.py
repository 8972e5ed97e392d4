"""Times, permissions and ownership: comparing them, choosing them, setting them.

Clauses FS-4, FS-6, FS-7, XFER-9; upstream ``rsync.c:set_file_attrs``, ``dest_mode``,
``same_mtime``, ``util1.c:same_time``, ``generator.c:touch_up_dirs``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence

from ..options.chmod import Change, tweak
from ..options.model import Options
from ..wire.entry import FileEntry
from . import fakesuper
from .destination import Destination
from .extended import Extended
from .ids import NO_ID, may_set_group
from .rank import FAKE, ORDINARY, rank
from .xattrs import STAT

#: The bits of a mode that chmod sets.
PERMISSIONS = 0o7777
_NANO = 1_000_000_000


def same_time(a_seconds: int, a_nsec: int, b_seconds: int, b_nsec: int, window: int) -> bool:
    """FS-6: equal within ``--modify-window``, which counts whole seconds; below 0, to the nanosecond."""
    if window < 0:
        return a_seconds == b_seconds and a_nsec == b_nsec
    return abs(a_seconds - b_seconds) <= window


def same_mtime(entry: FileEntry, status: os.stat_result, options: Options) -> bool:
    """True if the file here has the entry's mtime, as far as ``--modify-window`` looks."""
    seconds, nsec = divmod(status.st_mtime_ns, _NANO)
    return same_time(entry.mtime, entry.nsec, seconds, nsec, options.window)


def dest_mode(mode: int, status: os.stat_result | None, umask: int, options: Options) -> int:
    """FS-4: the mode to give a file without ``-p``, when the sender's is ``mode``.

    What exists (``status``) keeps its permissions, with ``-E`` executable as
    far as the sender's is; what is new gets the sender's less the umask and
    the set-id and sticky bits.
    """
    if status is None:
        return (mode & ~PERMISSIONS) | (mode & 0o777 & ~umask)
    permissions = status.st_mode & PERMISSIONS
    if options.executability and stat.S_ISREG(mode):
        if not mode & 0o111:
            permissions &= ~0o111
        elif not status.st_mode & 0o111:
            permissions |= (permissions & 0o444) >> 2
    return (mode & ~PERMISSIONS) | permissions


class Attributes:
    """Gives files what their entries say, as far as the options ask for it.

    ``fail`` takes the text of a failure (no newline); the run goes on. ``umask``
    is the user's. Ids of entries are local ones already. ``extended`` does what
    ``--acls`` and ``--xattrs`` ask for, ``changes`` are a module's to modes (CHMOD-3).
    """

    def __init__(
        self,
        dest: Destination,
        options: Options,
        fail: Callable[[bytes], object],
        *,
        umask: int,
        extended: Extended | None = None,
        changes: Sequence[Change] = (),
    ) -> None:
        self._dest = dest
        self._changes = changes
        self._options = options
        self._fail = fail
        self._rank = rank(options)
        self._extended = extended
        self.umask = umask

    def apply(
        self,
        name: bytes,
        entry: FileEntry,
        status: os.stat_result | None = None,
        *,
        fd: int = -1,
        created: bool = False,
        set_times: bool = True,
        xattrs_of: bytes | None = None,
        set_mode: bool = True,
    ) -> bool:
        """Set what differs; True if anything was changed.

        ``status`` is what ``name`` has; None (or ``created``) for what this
        run has made, whose times are then set to the nanosecond. ``fd``: an open
        descriptor of the file, which spares the way there. ``set_times`` False:
        the content is not the sender's, so it must not get its time.
        ``xattrs_of``: give it the entry's attributes, whose values may be found
        at that name (None: leave them). ``set_mode`` False: the mode is set later.
        Owner and group come first, since changing them clears set-id bits, the mode last.
        """
        fresh = status is None or created
        if status is None:
            try:
                status = self._stat(name, fd)
            except OSError as error:
                self._fail(b"stat " + self._shown(name) + b" failed" + _reason(error))
                return False
        mode = entry.mode
        if fresh and stat.S_ISDIR(mode) and status.st_mode & stat.S_ISGID and not self._options.perms:
            mode |= stat.S_ISGID  # inherited from its parent, and so meant to stay
        if self._changes and not stat.S_ISLNK(mode):
            mode = tweak(mode, self._changes)
        updated = False
        extended, options = self._extended, self._options
        acls = None
        with_acls = extended is not None and options.acls and not stat.S_ISLNK(mode)
        try:
            if extended is not None and with_acls:
                acls = extended.acls_before(name, entry, status.st_mode, fresh=fresh)
            if self._set_owner(name, fd, entry, status):
                updated = True
                if self._rank != FAKE and status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    status = self._stat(name, fd)
            if self._rank == FAKE:
                self._store(name, entry, mode)
            if extended is not None and options.xattrs and xattrs_of is not None:
                extended.set_xattrs(name, entry, status, xattrs_of)
            if set_times and self._set_times(name, fd, entry, status, fresh):
                updated = True
            now = status.st_mode
            if extended is not None and with_acls:
                changed, now = extended.set_acls(name, entry, acls, now, mode)
                updated |= changed
            if set_mode and not stat.S_ISLNK(now) and (now ^ mode) & PERMISSIONS:
                updated = self._set_mode(name, fd, mode) or updated
        except _Failed:
            pass
        except OSError as error:
            self._fail(b"stat " + self._shown(name) + b" failed" + _reason(error))
        return updated

    def touch_up(self, name: bytes, entry: FileEntry) -> None:
        """FS-7: a directory's mode and mtime again, after files have gone in; failures were told before."""
        options = self._options
        try:
            if options.times and not options.omit_dir_times:
                status = self._dest.lstat(name)
                if status is not None and stat.S_ISDIR(status.st_mode) and not _close_enough(entry, status):
                    self._dest.utime_ns(name, status.st_atime_ns, _mtime_ns(entry))
            if self._rank == ORDINARY and entry.mode & 0o700 != 0o700:
                self._dest.chmod(name, entry.mode)
        except OSError:
            pass

    # -- one kind at a time -----------------------------------------------

    def _set_owner(self, name: bytes, fd: int, entry: FileEntry, status: os.stat_result) -> bool:
        """Owner if we are root, group if we may."""
        options = self._options
        uid = entry.uid if self._rank and options.owner and entry.uid != status.st_uid else -1
        gid = -1
        if options.group and entry.gid != status.st_gid and may_set_group(entry.gid, self._rank):
            gid = entry.gid
        if uid == gid == -1:
            return False
        if self._rank == FAKE:
            return True  # that is said in an attribute
        for kind, number in (b"uid", uid), (b"gid", gid):
            if number == NO_ID:
                self._fail(kind + b" 4294967295 (-1) is impossible to set on " + self._shown(name))
        uid, gid = (-1 if number == NO_ID else number for number in (uid, gid))
        try:
            if fd >= 0:
                os.chown(fd, uid, gid)
            else:
                self._dest.chown(name, uid, gid)
        except OSError as error:
            self._fail(
                (b"chown " if uid != -1 else b"chgrp ") + self._shown(name) + b" failed" + _reason(error)
            )
            raise _Failed from None
        return True

    def _set_times(self, name: bytes, fd: int, entry: FileEntry, status: os.stat_result, fresh: bool) -> bool:
        """mtime with ``-t``, atime with ``-U``."""
        options = self._options
        is_dir = stat.S_ISDIR(status.st_mode)
        if (is_dir and options.omit_dir_times) or (stat.S_ISLNK(status.st_mode) and options.omit_link_times):
            return False
        exact = fresh or options.checksum
        atime_ns, mtime_ns = status.st_atime_ns, status.st_mtime_ns
        changed = False
        if options.times:
            wanted = _mtime_ns(entry)
            if wanted != mtime_ns if exact else not same_mtime(entry, status, options):
                mtime_ns, changed = wanted, True
        if options.atimes and not is_dir:
            near = same_time(entry.atime, 0, atime_ns // _NANO, 0, options.window)
            if exact or not near:
                atime_ns, changed = entry.atime * _NANO, True
        if not changed:
            return False
        try:
            if fd >= 0:
                os.utime(fd, ns=(atime_ns, mtime_ns))
            else:
                self._dest.utime_ns(name, atime_ns, mtime_ns)
        except OverflowError:
            out_of_range = OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
            self._fail(b"failed to set times on " + self._shown(name) + _reason(out_of_range))
            raise _Failed from None
        except OSError as error:
            self._fail(b"failed to set times on " + self._shown(name) + _reason(error))
            raise _Failed from None
        return True

    def _set_mode(self, name: bytes, fd: int, mode: int) -> bool:
        """A mode that nobody asked to preserve may fail to be set, silently."""
        if self._rank == FAKE:
            return True  # it has been said in an attribute
        try:
            if fd >= 0:
                os.fchmod(fd, stat.S_IMODE(mode))
            else:
                self._dest.chmod(name, mode)
        except OSError as error:
            if not (self._options.perms or self._options.executability):
                return True
            self._fail(b"failed to set permissions on " + self._shown(name) + _reason(error))
            return False
        return True

    def _store(self, name: bytes, entry: FileEntry, mode: int) -> None:
        """FAKE-2: say in an attribute what the file can't be given, and give it what it can be."""
        real = self._dest.real_lstat(name)
        said = fakesuper.stored(self._dest.attribute_path(name), self._shown(name), real, self._fail)
        device = (entry.rdev_major, entry.rdev_minor) if entry.is_device else (0, 0)
        uid = entry.uid if self._options.owner else (said or real).st_uid
        gid = entry.gid if self._options.group else (said or real).st_gid
        given = stat.S_IFMT(real.st_mode) | mode & 0o777 | (0o700 if stat.S_ISDIR(real.st_mode) else 0o600)
        wanted = stat.S_IFMT(mode) | stat.S_IMODE(mode)
        if stat.S_IFMT(real.st_mode) | stat.S_IMODE(real.st_mode) != given and not stat.S_ISLNK(real.st_mode):
            self._dest.chmod(name, given)
        text = fakesuper.text_of(wanted, *device, uid, gid)
        path = self._dest.attribute_path(name)
        try:
            if given == wanted and (real.st_uid, real.st_gid) == (uid, gid) and not entry.is_device:
                if said is not None:
                    os.removexattr(path, STAT, follow_symlinks=False)
            elif said is None or fakesuper.text_of_status(said) != text:
                os.setxattr(path, STAT, text, follow_symlinks=False)
        except OSError as error:
            if not (error.errno == errno.EPERM and stat.S_ISLNK(real.st_mode)):
                self._fail(b"failed to write xattr " + STAT + b" for " + self._shown(name) + _reason(error))

    def _stat(self, name: bytes, fd: int) -> os.stat_result:
        if fd >= 0 and self._rank != FAKE:
            return os.fstat(fd)
        status = self._dest.lstat(name)
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return status

    def _shown(self, name: bytes) -> bytes:
        return b'"' + self._dest.path(name) + (b'/."' if name == b"." else b'"')


class _Failed(Exception):
    """Told already; the attributes that would come after are left."""


def _close_enough(entry: FileEntry, status: os.stat_result) -> bool:
    """Equal times; an entry without nanoseconds may only have come by a protocol that carries none."""
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    return seconds == entry.mtime and entry.nsec in (0, nanoseconds)


def _mtime_ns(entry: FileEntry) -> int:
    return entry.mtime * _NANO + entry.nsec


def _reason(error: OSError) -> bytes:
    number = error.errno or 0
    return b": " + os.strerror(number).encode() + b" (%d)" % number
