"""Extended attributes of files: reading them, telling which ones count, setting them.

A path is given twice: as it is opened (by the receiving side through a
directory's descriptor) and as it is shown. A symlink's own attributes are meant,
never those of what it points to. Clauses XATTR-3, XATTR-6 to XATTR-8; upstream
``xattrs.c:rsync_xal_get``, ``receive_xattr``, ``rsync_xal_set``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from ..options.model import Options
from ..wire.xattr import Xattr, XattrList, make
from .rank import FAKE, ORDINARY, rank

USER = b"user."
SYSTEM = b"system."
#: Where a receiver that isn't root keeps what has another name space.
RSYNC = b"user.rsync."
#: What ``--fake-super`` keeps, and never shows.
STAT, ACCESS_ACL, DEFAULT_ACL = RSYNC + b"%stat", RSYNC + b"%aacl", RSYNC + b"%dacl"
_FAKE = frozenset((STAT, ACCESS_ACL, DEFAULT_ACL))

_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP)
Digest = Callable[[bytes], bytes]


class XattrError(Exception):
    """The attributes of a file cannot be read; the text is upstream's."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class XattrNames:
    """Which attributes take part, by their names (XATTR-6).

    ``excluded`` answers for a name by the filter rules, or with None if
    there is no rule about attributes; then the name space decides.
    """

    def __init__(
        self, options: Options, *, sender: bool, excluded: Callable[[bytes], bool | None] | None = None
    ) -> None:
        self._rank = rank(options)
        self._sender = sender
        self._all = options.xattrs > 1
        self._excluded = excluded

    def _ruled(self, name: bytes) -> bool | None:
        return self._excluded(name) if self._excluded else None

    def taken(self, name: bytes) -> bool:
        """True if a file's attribute is sent, or compared with what was sent."""
        ruled = self._ruled(name)
        if ruled:
            return False
        if ruled is None:
            if not self._sender and self._rank == ORDINARY:
                if not name.startswith(USER):
                    return False
            elif name.startswith(SYSTEM):
                return False
        if name.startswith(RSYNC + b"%"):
            return not ((self._sender and not self._all) or (self._rank == FAKE and name in _FAKE))
        return True

    def kept(self, name: bytes) -> bytes | None:
        """The name here of an attribute that came; None if it is not kept."""
        ruled = self._ruled(name)
        if ruled:
            return None
        if self._rank <= ORDINARY and not name.startswith(USER):
            if self._rank == ORDINARY and ruled is None:
                return None
            name = RSYNC + name
        if name.startswith(RSYNC + b"%") and not self._all:
            return None
        return name

    def sent(self, name: bytes) -> bytes:
        """The name under which an attribute goes out: with ``--fake-super`` that which it had once."""
        if self._rank == FAKE and name.startswith(RSYNC) and not name.startswith(RSYNC + b"%"):
            return name[len(RSYNC) :]
        return name

    def removed(self, name: bytes) -> bool:
        """True if an attribute that the sender doesn't have has to go.

        What ``--fake-super`` keeps stays. Upstream 3.4.1 removes the access lists that it
        has just put on a directory when the sender's attributes come after them.
        """
        return self.copied(name) and not (self._rank == FAKE and name in _FAKE)

    def copied(self, name: bytes) -> bool:
        """True if a copy of a file that is here gets the attribute too (upstream ``copy_xattrs``)."""
        ruled = self._ruled(name)
        if ruled:
            return False
        if ruled is None:
            if self._rank <= ORDINARY:
                if not name.startswith(USER):
                    return False
            elif name.startswith(SYSTEM):
                return False
        return True


def list_names(path: bytes, shown: bytes) -> list[bytes]:
    """The names of all attributes; none where there can't be any."""
    try:
        return [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return []
        raise XattrError(b"get_xattr_names: llistxattr(" + shown + b",1024) failed" + reason(error)) from None


def read(path: bytes, shown: bytes, names: XattrNames, digest_of: Digest) -> XattrList:
    """The attributes that take part, in the order of names, numbered from 1."""
    found: XattrList = []
    for name in sorted(filter(names.taken, list_names(path, shown))):
        found.append(make(name, read_one(path, shown, name), digest_of, len(found) + 1))
    return found


def read_one(path: bytes, shown: bytes, name: bytes) -> bytes:
    """One value."""
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        raise XattrError(
            b"get_xattr_data: lgetxattr(" + shown + b',"' + name + b'",0) failed' + reason(error)
        ) from None


class XattrSetter:
    """Gives files the attributes of their entries (XATTR-8).

    ``fail`` takes the text of a failure that counts, ``say`` of one that does not.
    """

    def __init__(
        self,
        names: XattrNames,
        digest_of: Digest,
        fail: Callable[[bytes], object],
        say: Callable[[bytes], object],
    ) -> None:
        self._names = names
        self._digest_of = digest_of
        self._fail = fail
        self._say = say

    def set(self, path: bytes, shown: bytes, wanted: XattrList, basis: bytes) -> bool:
        """Set all that is wanted and remove the rest; True if anything was set.

        A value that was not sent is that of ``basis``, which may be ``path`` itself.
        """
        try:
            present = list_names(path, shown)
        except XattrError as error:
            self._fail(error.text)
            return False
        changed = False
        for one in wanted:
            if one.value is None and not self._find(one, basis, shown):
                continue
            if not (one.long and path == basis and self._same(path, one)):
                changed |= self._do(b"lsetxattr", path, shown, one.name, one.value)
        keep = {one.name for one in wanted}
        for name in present:
            if name not in keep and self._names.removed(name):
                changed |= self._do(b"lremovexattr", path, shown, name, None)
        return changed

    def _find(self, one: Xattr, basis: bytes, shown: bytes) -> bool:
        """XATTR-5: the value of the file here, if it is the sender's; from then on it is known."""
        try:
            value = os.getxattr(basis, one.name, follow_symlinks=False)
            if len(value) == one.size and self._digest_of(value) == one.digest:
                one.value = value
                return True
        except OSError:
            pass
        self._say(b"Missing abbreviated xattr value, " + one.name + b", for " + shown)
        return False

    @staticmethod
    def _same(path: bytes, one: Xattr) -> bool:
        try:
            return os.getxattr(path, one.name, follow_symlinks=False) == one.value
        except OSError:
            return False

    def _do(self, call: bytes, path: bytes, shown: bytes, name: bytes, value: bytes | None) -> bool:
        try:
            if value is None:
                os.removexattr(path, name, follow_symlinks=False)
            else:
                os.setxattr(path, name, value, follow_symlinks=False)
        except (OSError, ValueError) as error:  # ValueError: an empty name
            known = error if isinstance(error, OSError) else OSError(errno.EINVAL, "")
            self._fail(b"rsync_xal_set: " + call + b"(" + shown + b',"' + name + b'") failed' + reason(known))
            return False
        return True


def reason(error: OSError) -> bytes:
    """``: reason (number)``."""
    number = error.errno or 0
    return b": " + os.strerror(number).encode() + b" (%d)" % number
