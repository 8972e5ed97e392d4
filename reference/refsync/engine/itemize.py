"""What differs between an entry and what is here, as item flags.

Clause XFER-6; upstream ``generator.c:itemize``, ``quick_check_ok``.
"""

from __future__ import annotations

import os
import stat

from ..files.attributes import same_mtime, same_time
from ..files.destination import Destination
from ..files.ids import may_set_group
from ..files.rank import rank
from ..wire import items
from ..wire.entry import FileEntry
from .attached import TargetAttributes
from .session import Session

_CHMOD_BITS = 0o7777


class Itemizer:
    """Works out and sends item flags; below protocol 29, where none are sent, it reports them here."""

    def __init__(self, session: Session, dest: Destination, attached: TargetAttributes) -> None:
        self._session = session
        self._dest = dest
        self._attached = attached
        self._rank = rank(session.options)

    def itemize(
        self,
        entry: FileEntry,
        ndx: int | None,
        status: os.stat_result | None,
        iflags: int,
        xname: bytes | None = None,
        *,
        name: bytes | None = None,
        basis_type: int = items.BASIS_FNAME,
    ) -> None:
        """Send what is to be reported of ``entry``; ``status`` is what is here, None if nothing.

        ``ndx`` None: a request's index has been sent already, and the flags must follow.
        ``name`` is that of the file here, if it isn't the entry's.
        """
        session, options = self._session, self._session.options
        if session.replay is not None:  # the batch says what is reported
            return
        iflags = self._compare(entry, status, iflags, xname) & 0xFFFF
        iflags |= self._attached.differences(entry, entry.name if name is None else name, status)
        worth = iflags & items.SIGNIFICANT or xname
        worth = worth or options.info["NAME"] > 1 or options.format_has_i > 1
        if not worth and ndx is not None:
            return
        if session.dialect.iflags:
            attrs = items.ItemAttrs(iflags, basis_type, xname)
            prefix = session.ndx_out.encode(ndx) if ndx is not None else b""
            session.link.write(prefix + items.encode(attrs) + self._attached.request(entry, iflags))
        elif ndx is not None:
            self._tell(entry, iflags, xname or b"")

    def _tell(self, entry: FileEntry, iflags: int, xname: bytes) -> None:
        """OUT-1 below protocol 29: the sender hears of no item, so the generator's side names it."""
        options = self._session.options
        if not options.server:
            if options.format_has_i:
                self._session.items.made(entry, iflags, xname)
                return
        elif options.logfile_has_i and not options.dry_run:
            self._session.items.made(entry, iflags, xname)
        if (
            options.info["NAME"]
            and (iflags & items.SIGNIFICANT or xname)
            and (entry.is_dir or iflags & items.LOCAL_CHANGE)
        ):
            tail = b"/" if entry.is_dir else b" -> " + entry.link if entry.link is not None else b""
            if xname:
                tail = b" => " + xname
            self._session.reporter.info(entry.name + tail + b"\n")

    def _compare(
        self, entry: FileEntry, status: os.stat_result | None, iflags: int, xname: bytes | None
    ) -> int:
        options = self._session.options
        if status is None:
            return iflags | items.IS_NEW
        if entry.is_reg and entry.size != status.st_size:
            iflags |= items.REPORT_SIZE
        if self._keeps_time(entry):
            if not same_mtime(entry, status, options):
                iflags |= items.REPORT_TIME
        elif (
            iflags & (items.TRANSFER | items.LOCAL_CHANGE)
            and not iflags & items.MATCHED
            and (xname or not iflags & items.XNAME_FOLLOWS)
        ):
            iflags |= items.REPORT_TIME
        if options.atimes and not entry.is_dir and not entry.is_link:
            seconds = status.st_atime_ns // 1_000_000_000
            if not same_time(entry.atime, 0, seconds, 0, options.window):
                iflags |= items.REPORT_ATIME
        if entry.is_link:
            pass  # it has no permissions of its own
        elif options.perms:
            if (self._attached.mode_here(entry, status) ^ entry.mode) & _CHMOD_BITS:
                iflags |= items.REPORT_PERMS
        elif options.executability and bool(status.st_mode & 0o111) != bool(entry.mode & 0o111):
            iflags |= items.REPORT_PERMS
        if options.owner and self._rank and entry.uid != status.st_uid:
            iflags |= items.REPORT_OWNER
        if options.group and entry.gid != status.st_gid and may_set_group(entry.gid, self._rank):
            iflags |= items.REPORT_GROUP
        return iflags

    def differs(self, entry: FileEntry, status: os.stat_result) -> bool:
        """Whether an attribute that is kept is not what it is here."""
        return bool(self._compare(entry, status, 0, None) & items.SIGNIFICANT & ~items.REPORT_SIZE)

    def same_attributes(self, entry: FileEntry, name: bytes, status: os.stat_result) -> bool:
        """ALT-2: whether a file here, or elsewhere, needs none of its attributes changed."""
        flags = self._compare(entry, status, 0, None)
        flags &= items.REPORT_TIME | items.REPORT_PERMS | items.REPORT_OWNER | items.REPORT_GROUP
        options = self._session.options
        if entry.is_dir and options.times and not same_mtime(entry, status, options):
            return False
        return not flags and not self._attached.differences(entry, name, status)

    def up_to_date(self, name: bytes) -> None:
        """OUT-3: with ``-vv`` and no itemizing, what was looked at and left is named too."""
        options = self._session.options
        if options.info["NAME"] > 1 and not options.format_has_i:
            self._session.reporter.client(name + b" is uptodate\n")

    def _keeps_time(self, entry: FileEntry) -> bool:
        options = self._session.options
        if not options.times:
            return False
        if entry.is_dir:
            return not options.omit_dir_times
        return not (entry.is_link and options.omit_link_times)

    def unchanged(self, entry: FileEntry, name: bytes, status: os.stat_result) -> bool:
        """XFER-9: the quick check, by size and time, or with ``--checksum`` by the digest of ``name``."""
        options = self._session.options
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            return False
        if entry.is_reg:
            if status.st_size != entry.size:
                return False
            if options.checksum:
                try:
                    path = self._dest.attribute_path(name)
                    return self._session.checksums.file_digest(path, status.st_size) == entry.checksum
                except OSError:
                    return False
            if options.size_only:
                return True
            if options.ignore_times:
                return False
            return same_mtime(entry, status, options)
        if entry.is_device:
            return (os.major(status.st_rdev), os.minor(status.st_rdev)) == (
                entry.rdev_major,
                entry.rdev_minor,
            )
        return True
