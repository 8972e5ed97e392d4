"""Writes the entries of a file list, each as its difference from the one before.

Clauses FLIST-2 to FLIST-14; upstream ``flist.c:send_file_entry``,
``write_end_of_flist``.
"""

from __future__ import annotations

import stat
from collections.abc import Callable

from . import flist_usual
from .attached import AttachedEncoder
from .dialect import Dialect
from .entry import CONTENT_DIR, IMPLIED_DIR, TOP_DIR, FileEntry
from .flist import (
    DEVICES,
    SPECIALS,
    X_CRTIME_EQ_MTIME,
    X_EXTENDED,
    X_GROUP_NAME,
    X_HLINK_FIRST,
    X_HLINKED,
    X_IO_ERROR_END,
    X_LONG_NAME,
    X_MOD_NSEC,
    X_NO_CONTENT_DIR,
    X_RDEV_MINOR_8,
    X_SAME_ATIME,
    X_SAME_DEV,
    X_SAME_GID,
    X_SAME_MODE,
    X_SAME_NAME,
    X_SAME_RDEV_27,
    X_SAME_RDEV_MAJOR,
    X_SAME_TIME,
    X_SAME_UID,
    X_TOP_DIR,
    X_USER_NAME,
    Preserve,
    make_dev,
)
from .integers import int32, longint, varint, varint30, varlong


class FlistEncoder:
    """One direction of a session: the same encoder serves the list and all its sub-lists.

    ``xattr_name`` gives the name under which an attribute goes out (``XattrEncoder``).
    """

    __slots__ = (
        "_atime",
        "_attached",
        "_dev",
        "_dialect",
        "_gid",
        "_groups",
        "_inodes",
        "_major",
        "_mode",
        "_mtime",
        "_name",
        "_preserve",
        "_rdev",
        "_uid",
        "_users",
        "_usual",
    )

    def __init__(
        self,
        dialect: Dialect,
        preserve: Preserve,
        xattr_name: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._dialect = dialect
        self._preserve = preserve
        self._name = b""
        self._mode = self._mtime = self._atime = 0
        self._uid = self._gid = 0
        self._rdev = self._major = 0
        self._dev = -1  # none yet; 0 is a device, and sent unlike "the same as before"
        self._inodes: dict[tuple[int, int], int] = {}  # index of each inode's first name
        self._users: set[int] = set()  # ids whose names have gone out
        self._groups: set[int] = set()
        self._attached = AttachedEncoder(dialect, preserve, self._users, self._groups, xattr_name)
        self._usual = flist_usual.serves(dialect, preserve)

    def state(self) -> tuple[bytes, int, int, int, int]:
        """Name, mtime, mode, uid and gid that the next entry is told as the difference from."""
        return self._name, self._mtime, self._mode, self._uid, self._gid

    def passed(self, name: bytes, mtime: int, mode: int) -> None:
        """Usual entries of the same owner have gone out by another way, with this one as the last."""
        self._name, self._mtime, self._mode = name, mtime, mode

    def encode(self, entry: FileEntry, ndx: int, list_start: int) -> bytes:
        """FLIST-3: one entry that gets index ``ndx``, in the list whose first index is ``list_start``."""
        if (
            self._usual
            and entry.mode == self._mode
            and self._mode & 0o170000 == stat.S_IFREG
            and (entry.uid == self._uid or not self._preserve.uid)
            and (entry.gid == self._gid or not self._preserve.gid)
            and self._name
        ):
            whole = flist_usual.encode(entry, self._name, self._mtime)
            if whole is not None:
                self._name, self._mtime = entry.name, entry.mtime
                return whole
        dialect, preserve = self._dialect, self._preserve
        mode, kind = entry.mode, entry.mode & 0o170000
        varints = dialect.varints
        flags = 0
        if kind == stat.S_IFDIR:
            if not varints:
                flags = entry.flags & TOP_DIR
            elif entry.flags & CONTENT_DIR:
                flags = X_TOP_DIR if entry.flags & TOP_DIR else 0
            elif entry.flags & IMPLIED_DIR:
                flags = X_TOP_DIR | X_NO_CONTENT_DIR
            else:
                flags = X_NO_CONTENT_DIR
        if mode == self._mode:
            flags |= X_SAME_MODE
        self._mode = mode

        rdev = self._rdev_fields(entry, kind)
        if rdev is not None:
            flags |= rdev[0]

        name = entry.name
        first = not self._name
        owner = group = b""
        if not preserve.uid or (entry.uid == self._uid and not first):
            flags |= X_SAME_UID
        else:
            self._uid = entry.uid
            owner = varint(_signed32(entry.uid)) if varints else int32(_signed32(entry.uid))
            if dialect.inc_recurse and entry.uname is not None and entry.uid not in self._users:
                self._users.add(entry.uid)
                flags |= X_USER_NAME
                owner += bytes((len(entry.uname),)) + entry.uname
        if not preserve.gid or (entry.gid == self._gid and not first):
            flags |= X_SAME_GID
        else:
            self._gid = entry.gid
            group = varint(_signed32(entry.gid)) if varints else int32(_signed32(entry.gid))
            if dialect.inc_recurse and entry.gname is not None and entry.gid not in self._groups:
                self._groups.add(entry.gid)
                flags |= X_GROUP_NAME
                group += bytes((len(entry.gname),)) + entry.gname
        if entry.mtime == self._mtime:
            flags |= X_SAME_TIME
        self._mtime = entry.mtime
        if entry.nsec and dialect.nanoseconds:
            flags |= X_MOD_NSEC
        send_atime = preserve.atimes and kind != stat.S_IFDIR
        if send_atime:
            if entry.atime == self._atime:
                flags |= X_SAME_ATIME
            self._atime = entry.atime
        if preserve.crtimes and entry.crtime == entry.mtime:
            flags |= X_CRTIME_EQ_MTIME

        linked = preserve.hard_links and entry.ino >= 0
        link_to = -1
        if linked:
            flags |= X_HLINKED
            if dialect.hard_links_by_index:
                link_to = self._inodes.setdefault((entry.dev, entry.ino), ndx)
                if link_to == ndx:
                    link_to = -1
                    flags |= X_HLINK_FIRST
            else:
                if entry.dev == self._dev and dialect.extended_flags:
                    flags |= X_SAME_DEV
                self._dev = entry.dev

        shared = _shared_prefix(self._name, name)
        rest = name[shared:]
        self._name = name
        if shared:
            flags |= X_SAME_NAME
        if len(rest) > 255:
            flags |= X_LONG_NAME

        out, flags = self._flag_bytes(flags, kind == stat.S_IFDIR)
        parts = [out]
        if shared:
            parts.append(bytes((shared,)))
        parts.append(varint30(len(rest), varints) if flags & X_LONG_NAME else bytes((len(rest),)))
        parts.append(rest)
        if link_to >= 0:
            parts.append(varint(link_to))
            if link_to >= list_start:  # FLIST-12: the rest is what that entry said
                parts.append(self._attached.encode(entry))
                return b"".join(parts)
        parts.append(varlong(entry.size, 3) if varints else longint(entry.size))
        if not flags & X_SAME_TIME:
            parts.append(
                varlong(entry.mtime, 4) if varints else (entry.mtime & 0xFFFFFFFF).to_bytes(4, "little")
            )
        if flags & X_MOD_NSEC:
            parts.append(varint(entry.nsec))
        if preserve.crtimes and not flags & X_CRTIME_EQ_MTIME:
            parts.append(varlong(entry.crtime, 4))
        if not flags & X_SAME_MODE:
            parts.append(int32(mode))
        if send_atime and not flags & X_SAME_ATIME:
            parts.append(varlong(entry.atime, 4))
        parts.append(owner)
        parts.append(group)
        if rdev is not None:
            parts.append(rdev[1])
        if preserve.links and kind == stat.S_IFLNK:
            target = entry.link or b""
            parts.append(varint30(len(target), varints))
            parts.append(target)
        if linked and not dialect.hard_links_by_index:
            if not flags & X_SAME_DEV or not dialect.extended_flags:
                parts.append(longint(entry.dev + 1))  # never zero on the wire (FLIST-13)
            parts.append(longint(entry.ino))
        if preserve.checksum_length and (kind == stat.S_IFREG or dialect.checksum_all_types):
            parts.append((entry.checksum or b"").ljust(preserve.checksum_length, b"\0"))
        parts.append(self._attached.encode(entry))
        return b"".join(parts)

    def _rdev_fields(self, entry: FileEntry, kind: int) -> tuple[int, bytes] | None:
        """FLIST-11: (flags, bytes) of the device number; None if the entry carries none."""
        dialect, preserve = self._dialect, self._preserve
        device = preserve.devices and kind in DEVICES
        special = preserve.specials and kind in SPECIALS and dialect.specials_have_rdev
        if not device and not special:
            if not dialect.rdev_split:
                self._rdev = 0
            return None
        if not dialect.rdev_split:
            rdev = make_dev(entry.rdev_major, entry.rdev_minor)
            if special or rdev == self._rdev:
                return X_SAME_RDEV_27, b""
            self._rdev = rdev
            return 0, int32(_signed32(rdev))
        flags, out = 0, b""
        major, minor = (entry.rdev_major, entry.rdev_minor) if device else (self._major, 0)
        if major == self._major:
            flags |= X_SAME_RDEV_MAJOR
        else:
            self._major = major
            out = varint30(_signed32(major), dialect.varints)
        if dialect.varints:
            return flags, out + varint(_signed32(minor))
        if minor <= 0xFF:
            return flags | X_RDEV_MINOR_8, out + bytes((minor,))
        return flags, out + int32(_signed32(minor))

    def _flag_bytes(self, flags: int, is_dir: bool) -> tuple[bytes, int]:
        """FLIST-2: the flags as sent, never zero since that ends the list."""
        dialect = self._dialect
        if dialect.flist_flags_varint:
            return varint(flags or X_EXTENDED), flags
        if not dialect.extended_flags:
            if not flags & 0xFF:
                flags |= X_LONG_NAME if is_dir else X_TOP_DIR
            return bytes((flags & 0xFF,)), flags
        if not flags and not is_dir:
            flags |= X_TOP_DIR
        if flags & 0xFF00 or not flags:
            flags |= X_EXTENDED
            return (flags & 0xFFFF).to_bytes(2, "little"), flags
        return bytes((flags,)), flags

    def encode_end(self, io_error: int = 0) -> bytes:
        """FLIST-4: the end of a list; ``io_error`` travels with it only if the dialect is safe."""
        dialect = self._dialect
        if dialect.flist_flags_varint:
            return b"\0" + varint(io_error)
        if io_error and dialect.safe_flist:
            return (X_EXTENDED | X_IO_ERROR_END).to_bytes(2, "little") + varint(io_error)
        return b"\0"


def _shared_prefix(old: bytes, new: bytes) -> int:
    """FLIST-5: how many leading bytes two names share, 255 at most."""
    limit = min(len(old), len(new), 255)
    if old[:limit] == new[:limit]:
        return limit
    low, high = 0, limit
    while low < high - 1:
        middle = (low + high) // 2
        if old[:middle] == new[:middle]:
            low = middle
        else:
            high = middle
    return low


def _signed32(value: int) -> int:
    """An unsigned id as the int that carries its bits."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value > 0x7FFFFFFF else value
