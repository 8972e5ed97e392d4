"""What follows an entry of a file list: its access rights, then its attributes.

They follow every entry, that of a hard link that is otherwise left short
too; a symlink has no access rights of its own. Clauses ACL-1, XATTR-1;
upstream ``flist.c:send_file_name``, ``recv_file_entry``.
"""

from __future__ import annotations

from collections.abc import Callable

from .acl import ACCESS, DEFAULT, EMPTY, AclDecoder, AclEncoder, of_mode, stripped
from .cursor import Cursor
from .dialect import Dialect
from .entry import FileEntry
from .flist import Preserve
from .xattr import XattrDecoder, XattrEncoder


class AttachedEncoder:
    """The sender's half. ``users`` and ``groups`` are the ids whose names have gone out inline."""

    __slots__ = ("_access", "_default", "_groups", "_users", "_xattrs")

    def __init__(
        self,
        dialect: Dialect,
        preserve: Preserve,
        users: set[int],
        groups: set[int],
        xattr_name: Callable[[bytes], bytes] | None,
    ) -> None:
        self._users = users
        self._groups = groups
        named = self._first_time if dialect.inc_recurse else None
        self._access = AclEncoder(named) if preserve.acls else None
        self._default = AclEncoder(named) if preserve.acls else None
        self._xattrs = XattrEncoder(xattr_name) if preserve.xattrs else None

    def _first_time(self, is_user: bool, number: int) -> bool:
        told = self._users if is_user else self._groups
        if number in told:
            return False
        told.add(number)
        return True

    def encode(self, entry: FileEntry) -> bytes:
        """The entry's ``xattrs`` become those that its number stands for."""
        out = b""
        if self._access and self._default and not entry.is_link:
            out = self._access.encode(stripped(entry.acl or of_mode(entry.mode), entry.mode))
            if entry.is_dir:
                out += self._default.encode(entry.default_acl or EMPTY)
        if self._xattrs:
            more, entry.xattrs = self._xattrs.encode(entry.xattrs or [])
            out += more
        return out


class AttachedDecoder:
    """The receiver's half."""

    __slots__ = ("_access", "_default", "_xattrs")

    def __init__(self, preserve: Preserve, keep_xattr: Callable[[bytes], bytes | None] | None) -> None:
        wide = preserve.acl_any_bits
        self._access = AclDecoder(ACCESS, wide=wide) if preserve.acls else None
        self._default = AclDecoder(DEFAULT, wide=wide) if preserve.acls else None
        self._xattrs = XattrDecoder(keep_xattr, preserve.max_value) if preserve.xattrs else None

    def decode(self, cursor: Cursor, entry: FileEntry) -> None:
        """Fill in the entry. If ``NeedMoreData`` escapes nothing was remembered."""
        new_acl = new_default = new_xattrs = False
        if self._access and self._default and not entry.is_link:
            entry.acl, new_acl = self._access.decode(cursor, entry.mode)
            if entry.is_dir:
                entry.default_acl, new_default = self._default.decode(cursor, 0)
        if self._xattrs:
            entry.xattrs, new_xattrs = self._xattrs.decode(cursor)
        if self._access and new_acl and entry.acl is not None:
            self._access.remember(entry.acl)
        if self._default and new_default and entry.default_acl is not None:
            self._default.remember(entry.default_acl)
        if self._xattrs and new_xattrs and entry.xattrs is not None:
            self._xattrs.remember(entry.xattrs)
