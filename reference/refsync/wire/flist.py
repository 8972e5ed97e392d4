"""What both halves of the file list codec share: entry flags, preserved attributes, the list's end.

``flist_encode.FlistEncoder`` and ``flist_decode.FlistDecoder`` are the two
directions. Clauses FLIST-1 to FLIST-14; upstream ``rsync.h:XMIT_*``.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass

from .limits import MAX_XATTR_VALUE

# Entry flags (FLIST-2). Some bits have a second meaning by context.
X_TOP_DIR = 1 << 0
X_SAME_MODE = 1 << 1
X_EXTENDED = 1 << 2
X_SAME_RDEV_27 = 1 << 2
X_SAME_UID = 1 << 3
X_SAME_GID = 1 << 4
X_SAME_NAME = 1 << 5
X_LONG_NAME = 1 << 6
X_SAME_TIME = 1 << 7
X_SAME_RDEV_MAJOR = 1 << 8
X_NO_CONTENT_DIR = 1 << 8
X_HLINKED = 1 << 9
X_SAME_DEV = 1 << 10
X_USER_NAME = 1 << 10
X_RDEV_MINOR_8 = 1 << 11
X_GROUP_NAME = 1 << 11
X_HLINK_FIRST = 1 << 12
X_IO_ERROR_END = 1 << 12
X_MOD_NSEC = 1 << 13
X_SAME_ATIME = 1 << 14
X_CRTIME_EQ_MTIME = 1 << 17

FILE_TYPES = frozenset(
    (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
)
DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
SPECIALS = (stat.S_IFIFO, stat.S_IFSOCK)


@dataclass(frozen=True, slots=True)
class Preserve:
    """Which attributes travel with the entries: both sides know it from the options."""

    links: bool = False
    uid: bool = False
    gid: bool = False
    devices: bool = False
    specials: bool = False
    hard_links: bool = False
    atimes: bool = False
    crtimes: bool = False
    recurse: bool = False
    relative: bool = False
    acls: bool = False
    acl_any_bits: bool = False  # permissions of any bits are taken (--fake-super)
    xattrs: bool = False
    missing_args: bool = False  # an entry without a type stands for something to be deleted (FLIST-25)
    checksum_length: int = 0  # bytes of each entry's digest under --checksum
    max_value: int = MAX_XATTR_VALUE  # bytes of one attribute's value (--max-alloc)


@dataclass(frozen=True, slots=True)
class EndOfList:
    """The mark after the last entry, and the sender's io_error bits if they came with it."""

    io_error: int = 0


def make_dev(major: int, minor: int) -> int:
    """A device number as Linux packs it, for the versions that send it whole (FLIST-11)."""
    return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32


def split_dev(rdev: int) -> tuple[int, int]:
    """(major, minor) of a packed device number."""
    return (rdev >> 8 & 0xFFF) | (rdev >> 32 & ~0xFFF), (rdev & 0xFF) | (rdev >> 12 & ~0xFF)
