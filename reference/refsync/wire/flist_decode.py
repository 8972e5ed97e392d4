"""Reads the entries of a file list, each as its difference from the one before.

Clauses FLIST-2 to FLIST-14; upstream ``flist.c:recv_file_entry``,
``recv_file_list``.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence

from . import flist_usual
from .attached import AttachedDecoder
from .cursor import Cursor
from .dialect import Dialect
from .entry import CONTENT_DIR, HLINKED, IMPLIED_DIR, TOP_DIR, FileEntry
from .errors import Exit, NeedMoreData, ProtocolError
from .flist import (
    DEVICES,
    FILE_TYPES,
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
    EndOfList,
    Preserve,
    split_dev,
)
from .integers import read_int32, read_longint, read_varint, read_varint30, read_varlong
from .limits import MAX_PATH


class FlistDecoder:
    """One direction of a session: the same decoder serves the list and all its sub-lists.

    The state changes only when a whole entry was there. ``keep_xattr`` is
    asked for the name under which an attribute is kept (``XattrDecoder``).
    """

    __slots__ = (
        "_atime",
        "_attached",
        "_del_len",
        "_dev",
        "_dialect",
        "_gid",
        "_in_del",
        "_inodes",
        "_major",
        "_mode",
        "_mtime",
        "_name",
        "_preserve",
        "_rdev",
        "_uid",
        "_usual",
    )

    def __init__(
        self,
        dialect: Dialect,
        preserve: Preserve,
        keep_xattr: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        self._dialect = dialect
        self._preserve = preserve
        self._attached = AttachedDecoder(preserve, keep_xattr)
        self._name = b""
        self._mode = self._mtime = self._atime = 0
        self._uid = self._gid = 0
        self._rdev = self._major = self._dev = 0
        self._inodes: dict[tuple[int, int], int] = {}  # below 30: a number for each inode
        self._in_del = False  # below 30: inside a directory that may be deleted from
        self._del_len = 0
        self._usual = flist_usual.serves(dialect, preserve)

    def state(self) -> tuple[bytes, int, int, int, int]:
        """Name, mtime, mode, uid and gid that the next entry is told as the difference from."""
        return self._name, self._mtime, self._mode, self._uid, self._gid

    def passed(self, name: bytes, mtime: int, mode: int) -> None:
        """Usual entries of the same owner have been read by another way, with this one as the last."""
        self._name, self._mtime, self._mode = name, mtime, mode

    def decode(self, cursor: Cursor, entries: Sequence[FileEntry], list_start: int) -> FileEntry | EndOfList:
        """FLIST-3: the next entry, or the end.

        ``entries`` are those of the same list so far, in the order received,
        the first with index ``list_start``: a hard link may refer to one.
        """
        start = cursor.pos
        if (
            self._usual
            and len(cursor.data) - start >= flist_usual.LONGEST
            and self._mode & 0o170000 == 0o100000
        ):
            found = flist_usual.decode(
                cursor.data, start, self._name, self._mtime, self._mode, self._uid, self._gid
            )
            if found is not None:
                entry, cursor.pos = found
                self._name, self._mtime = entry.name, entry.mtime
                return entry
        try:
            return self._decode(cursor, entries, list_start)
        except NeedMoreData:
            cursor.pos = start
            raise

    def _decode(self, cursor: Cursor, entries: Sequence[FileEntry], list_start: int) -> FileEntry | EndOfList:
        dialect, preserve = self._dialect, self._preserve
        start = cursor.pos
        if dialect.flist_flags_varint:
            flags = read_varint(cursor)
            if flags == 0:
                return EndOfList(read_varint(cursor))
        else:
            flags = cursor.byte()
            if flags == 0:
                return EndOfList()
            if dialect.extended_flags and flags & X_EXTENDED:
                flags |= cursor.byte() << 8
                if flags == X_EXTENDED | X_IO_ERROR_END:
                    if not dialect.safe_flist:
                        raise ProtocolError(f"Invalid flist flag: {flags:x}", clause="FLIST-4", offset=start)
                    return EndOfList(read_varint(cursor))
        varints = dialect.varints

        shared = cursor.byte() if flags & X_SAME_NAME else 0
        length = read_varint30(cursor, varints) if flags & X_LONG_NAME else cursor.byte()
        if length < 0 or length >= MAX_PATH - shared:
            raise ProtocolError(
                f"file name of {shared} + {length} bytes is too long",
                clause="FLIST-5",
                offset=start,
                code=Exit.MALLOC,
            )
        name = self._name[:shared] + cursor.take(length)
        entry = FileEntry(name)

        first_index = -1
        if (
            dialect.hard_links_by_index
            and flags & X_HLINKED
            and preserve.hard_links
            and not flags & X_HLINK_FIRST
        ):
            first_index = read_varint(cursor)
            if not 0 <= first_index < list_start + len(entries):
                raise ProtocolError(
                    f"hard-link reference out of range: {first_index} ({list_start + len(entries)})",
                    clause="FLIST-12",
                    offset=start,
                )
            if first_index >= list_start:
                return self._abbreviated(cursor, entry, entries[first_index - list_start], first_index)

        size = read_varlong(cursor, 3) if varints else read_longint(cursor)
        if flags & X_SAME_TIME:
            mtime = self._mtime
        else:
            mtime = read_varlong(cursor, 4) if varints else int.from_bytes(cursor.take(4), "little")
        entry.mtime = mtime
        if flags & X_MOD_NSEC and dialect.nanoseconds:
            entry.nsec = read_varint(cursor)
            if not 0 <= entry.nsec <= 999_999_999:
                raise ProtocolError(f"{entry.nsec} nanoseconds", clause="FLIST-8", offset=start)
        if preserve.crtimes:
            entry.crtime = mtime if flags & X_CRTIME_EQ_MTIME else read_varlong(cursor, 4)
        mode = self._mode if flags & X_SAME_MODE else read_int32(cursor) & 0xFFFFFFFF
        kind = mode & 0o170000
        if (kind not in FILE_TYPES or mode > 0xFFFF) and not (mode == 0 and preserve.missing_args):
            raise ProtocolError(f"mode {mode:o} names no file type", clause="FLIST-9", offset=start)
        entry.mode = mode
        atime = self._atime
        if preserve.atimes and kind != stat.S_IFDIR:
            if not flags & X_SAME_ATIME:
                atime = read_varlong(cursor, 4)
            entry.atime = atime
        uid, gid = self._uid, self._gid
        if preserve.uid and not flags & X_SAME_UID:
            uid = (read_varint(cursor) if varints else read_int32(cursor)) & 0xFFFFFFFF
            if varints and flags & X_USER_NAME:
                entry.uname = cursor.take(cursor.byte())
        if preserve.gid and not flags & X_SAME_GID:
            gid = (read_varint(cursor) if varints else read_int32(cursor)) & 0xFFFFFFFF
            if varints and flags & X_GROUP_NAME:
                entry.gname = cursor.take(cursor.byte())
        entry.uid, entry.gid = uid, gid

        rdev, major, size = self._read_rdev(cursor, entry, flags, kind, size)
        if size < 0:
            raise ProtocolError(
                "Offset underflow: file-length is negative",
                clause="FLIST-7",
                offset=start,
                code=Exit.UNSUPPORTED,
            )
        entry.size = size
        if preserve.links and kind == stat.S_IFLNK:
            length = read_varint30(cursor, varints)
            if not 0 <= length < MAX_PATH:
                raise ProtocolError(
                    f"symlink target of {length} bytes", clause="FLIST-10", offset=start, code=Exit.MALLOC
                )
            entry.link = cursor.take(length)
            if b"\0" in entry.link:
                raise ProtocolError("a NUL in a symlink's target", clause="FLIST-10", offset=start)

        dev = self._dev
        pair: tuple[int, int] | None = None
        if preserve.hard_links:
            if dialect.hard_links_by_index:
                if flags & X_HLINKED:
                    entry.flags |= HLINKED
                    entry.hlink = first_index if first_index >= 0 else list_start + len(entries)
            elif flags & X_HLINKED if dialect.extended_flags else kind == stat.S_IFREG:
                entry.flags |= HLINKED
                if not (flags & X_SAME_DEV and dialect.extended_flags):
                    dev = read_longint(cursor)
                pair = (dev, read_longint(cursor))
        if preserve.checksum_length and (kind == stat.S_IFREG or dialect.checksum_all_types):
            digest = cursor.take(preserve.checksum_length)
            if kind == stat.S_IFREG:
                entry.checksum = digest

        self._attached.decode(cursor, entry)

        # the whole entry was there: only now does the state move
        if kind == stat.S_IFDIR:
            self._directory_flags(entry, flags, shared)
        if pair is not None:
            entry.hlink = self._inodes.setdefault(pair, len(self._inodes))
        self._name, self._mode, self._mtime, self._atime = name, mode, mtime, atime
        self._uid, self._gid, self._dev, self._rdev, self._major = uid, gid, dev, rdev, major
        return entry

    def _read_rdev(
        self, cursor: Cursor, entry: FileEntry, flags: int, kind: int, size: int
    ) -> tuple[int, int, int]:
        """FLIST-11: new (rdev, major, size) of the state and the entry."""
        dialect, preserve = self._dialect, self._preserve
        rdev, major = self._rdev, self._major
        device = preserve.devices and kind in DEVICES
        special = preserve.specials and kind in SPECIALS and dialect.specials_have_rdev
        if not device and not special:
            return (rdev if dialect.rdev_split else 0), major, size
        if not dialect.rdev_split:
            if not flags & X_SAME_RDEV_27:
                rdev = read_int32(cursor) & 0xFFFFFFFF
            number = split_dev(rdev)
        else:
            if not flags & X_SAME_RDEV_MAJOR:
                major = read_varint30(cursor, dialect.varints) & 0xFFFFFFFF
            if dialect.varints:
                minor = read_varint(cursor) & 0xFFFFFFFF
            elif flags & X_RDEV_MINOR_8:
                minor = cursor.byte()
            else:
                minor = read_int32(cursor) & 0xFFFFFFFF
            number = (major, minor)
        if device:
            entry.rdev_major, entry.rdev_minor = number
        return rdev, major, 0

    def _abbreviated(self, cursor: Cursor, entry: FileEntry, first: FileEntry, index: int) -> FileEntry:
        """FLIST-12: a hard link to an entry of the same list has all but the name from it."""
        for slot in ("mode", "size", "mtime", "nsec", "uid", "gid", "rdev_major", "rdev_minor"):
            setattr(entry, slot, getattr(first, slot))
        self._attached.decode(cursor, entry)
        entry.link, entry.checksum = first.link, first.checksum
        entry.atime, entry.crtime = first.atime, first.crtime
        entry.hlink = index
        entry.flags |= HLINKED
        self._name, self._mode, self._mtime = entry.name, entry.mode, entry.mtime
        self._uid, self._gid = entry.uid, entry.gid
        if not entry.is_dir:
            self._atime = entry.atime
        if entry.is_device:
            self._major = entry.rdev_major
        return entry

    def _directory_flags(self, entry: FileEntry, flags: int, shared: int) -> None:
        """FLIST-14: what the flags say of a directory; below 30 also where deletions may happen."""
        if self._dialect.varints:
            if not flags & X_NO_CONTENT_DIR:
                entry.flags |= CONTENT_DIR | (TOP_DIR if flags & X_TOP_DIR else 0)
            elif flags & X_TOP_DIR:
                entry.flags |= IMPLIED_DIR
            return
        name = entry.name
        if flags & X_TOP_DIR:
            self._in_del = self._preserve.recurse
            self._del_len = 0 if name == b"." else len(name)
            if self._preserve.relative and self._del_len > 2 and name.endswith(b"/."):
                self._del_len -= 2
            entry.flags |= TOP_DIR | CONTENT_DIR
        elif self._in_del:
            inside = shared >= self._del_len and name[self._del_len : self._del_len + 1] == b"/"
            if not self._preserve.relative or not self._del_len or inside:
                entry.flags |= CONTENT_DIR
            else:
                self._in_del = False
