"""One entry of a file list, as a value.

Names are bytes, relative to the root of the transfer; ids are the sender's.
"""

from __future__ import annotations

import stat

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from .acl import Acl
    from .xattr import XattrList

#: A directory that was named by the user: deletions are judged from here down.
TOP_DIR = 1 << 0
#: A directory whose contents are (or will be) listed.
CONTENT_DIR = 1 << 1
#: A directory that is listed only because it leads to a requested name.
IMPLIED_DIR = 1 << 2
#: A further entry of a name that the same list already has; kept in place, never used (FLIST-20).
CLEARED = 1 << 3
#: One of several names of an inode; ``hlink`` tells which.
HLINKED = 1 << 4
#: The entry's sub-list has been received (IREC-6).
GOT_LIST = 1 << 5
#: A directory on another device: it is listed, its contents are not (``-x``).
MOUNT_DIR = 1 << 6
#: A further name of a directory on the sender; its contents go with the first's.
DUPLICATE = 1 << 7
#: The name can't be had in this side's character set: the entry only holds its number (ICONV-4).
UNNAMED = 1 << 8


class FileEntry:
    """A file, directory, link, device or special file.

    ``name`` is the path from the transfer's root without leading or trailing
    slash, ``b"."`` for the root itself. ``mtime``, ``atime``, ``crtime`` are
    seconds since 1970, ``nsec`` the mtime's nanoseconds. ``link`` is a
    symlink's target. ``dev``, ``ino`` are the sender's, for hard links
    (-1: the only name). ``hlink`` is the group of a hard link on the
    receiver: the index of its first name from protocol 30, a number of the
    (dev, ino) pair before; -1 without. ``path`` is the file to open, on the
    sender. ``checksum`` is the whole-file digest of ``--checksum``. ``acl``
    and, of a directory, ``default_acl`` travel with ``--acls``, ``xattrs``
    with ``--xattrs``; entries with the same share one object.
    """

    __slots__ = (
        "acl",
        "atime",
        "checksum",
        "crtime",
        "default_acl",
        "dev",
        "flags",
        "gid",
        "gname",
        "hlink",
        "ino",
        "link",
        "mode",
        "mtime",
        "name",
        "nsec",
        "path",
        "rdev_major",
        "rdev_minor",
        "size",
        "uid",
        "uname",
        "xattrs",
    )

    def __init__(self, name: bytes = b"", mode: int = 0, size: int = 0, mtime: int = 0) -> None:
        self.name = name
        self.mode = mode
        self.size = size
        self.mtime = mtime
        self.nsec = 0
        self.uid = 0
        self.gid = 0
        self.uname: bytes | None = None
        self.gname: bytes | None = None
        self.rdev_major = 0
        self.rdev_minor = 0
        self.link: bytes | None = None
        self.checksum: bytes | None = None
        self.atime = 0
        self.crtime = 0
        self.hlink = -1
        self.dev = -1
        self.ino = -1
        self.flags = 0
        self.path = b""
        self.acl: Acl | None = None
        self.default_acl: Acl | None = None
        self.xattrs: XattrList | None = None

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_reg(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_device(self) -> bool:
        return stat.S_ISCHR(self.mode) or stat.S_ISBLK(self.mode)

    @property
    def is_special(self) -> bool:
        return stat.S_ISFIFO(self.mode) or stat.S_ISSOCK(self.mode)

    @property
    def active(self) -> bool:
        """False for what only holds its place in the numbering."""
        return not self.flags & (CLEARED | UNNAMED)

    @property
    def basename(self) -> bytes:
        return self.name[self.name.rfind(b"/") + 1 :]

    @property
    def dirname(self) -> bytes:
        """The parent's name; empty at the top."""
        cut = self.name.rfind(b"/")
        return self.name[:cut] if cut >= 0 else b""

    def value(self) -> tuple[object, ...]:
        """All fields, for comparing two entries."""
        return tuple(getattr(self, slot) for slot in self.__slots__)

    def __repr__(self) -> str:
        kind = stat.filemode(self.mode)
        return f"<FileEntry {self.name!r} {kind} {self.size} bytes mtime {self.mtime}.{self.nsec:09}>"
