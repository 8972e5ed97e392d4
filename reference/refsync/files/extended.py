"""Access rights and attributes of what the receiving side has: compared with an entry's, and set.

Clauses ACL-5, XATTR-8; upstream ``acls.c:set_acl``, ``xattrs.c:xattr_diff``,
``set_xattr``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from ..options.model import Options
from ..wire.acl import ACCESS, DEFAULT, EMPTY, Acl
from ..wire.entry import FileEntry
from ..wire.xattr import Xattr, XattrList
from . import acls, xattrs
from .destination import Destination
from .rank import FAKE, ORDINARY, rank
from .xattrs import Digest, XattrError, XattrNames, XattrSetter


class Extended:
    """The extended part of the attributes below one destination.

    ``fail`` takes the text of a failure that makes the exit code 23, ``say`` any other error, ``kept``
    an entry whose attributes have been set.
    """

    def __init__(
        self,
        dest: Destination,
        options: Options,
        fail: Callable[[bytes], object],
        say: Callable[[bytes], object],
        *,
        names: XattrNames,
        digest_of: Digest,
        kept: Callable[[FileEntry], object] = lambda entry: None,
    ) -> None:
        self._dest = dest
        self._options = options
        self._fail = fail
        self._rank = rank(options)
        self._kept = kept
        self._names = names
        self._digest_of = digest_of
        self._setter = XattrSetter(names, digest_of, fail, say)
        # what was read of the entry at hand: it is reported after it has been changed
        self._seen: tuple[FileEntry, bytes, tuple[Acl, Acl] | None] | None = None
        self._set: tuple[FileEntry, int] | None = None  # the mode that setting a list has led to

    # -- looking ----------------------------------------------------------

    def _has_acl(self, mode: int) -> bool:
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return True
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            return self._options.specials
        return not stat.S_ISLNK(mode) and self._options.devices

    def _has_xattrs(self, mode: int) -> bool:
        return self._options.links if stat.S_ISLNK(mode) else self._has_acl(mode)

    def acls_here(self, name: bytes, mode: int) -> tuple[Acl, Acl] | None:
        """(access, default) of a file; None if they cannot be read, which has been told."""
        if not self._has_acl(mode):
            return EMPTY, EMPTY
        path, fake = self._dest.attribute_path(name), self._rank == FAKE
        kind = ACCESS
        try:
            access, default = acls.read(path, ACCESS, mode, fake=fake), EMPTY
            if stat.S_ISDIR(mode):
                kind = DEFAULT
                default = acls.read(path, DEFAULT, mode, fake=fake)
        except OSError as error:
            self._fail(
                b"get_acl: sys_acl_get_file(" + name + b", " + kind.encode() + b")" + xattrs.reason(error)
            )
            return None
        return access, default

    def _look(self, entry: FileEntry, name: bytes, mode: int) -> tuple[Acl, Acl] | None:
        seen, self._seen = self._seen, None
        if seen is not None and seen[0] is entry and seen[1] == name:
            return seen[2]
        here = self.acls_here(name, mode)
        self._seen = (entry, name, here)
        return here

    def acls_differ(self, entry: FileEntry, name: bytes, status: os.stat_result) -> bool:
        """Whether the entry's lists, if it has any, are not those of the file."""
        here = self._look(entry, name, status.st_mode)
        return _acl_changes(entry, here, entry.mode) != (False, False)

    def mode_here(self, entry: FileEntry, mode: int) -> int:
        """The mode to report: what setting an access list has changed is not reported as a change of mode."""
        return self._set[1] if self._set is not None and self._set[0] is entry else mode

    def forget(self) -> None:
        """What is reported next is not the file whose list was set last."""
        self._set = self._seen = None

    def xattrs_here(self, name: bytes, mode: int) -> XattrList:
        """The attributes of a file, as far as they take part."""
        if not self._has_xattrs(mode):
            return []
        try:
            return xattrs.read(
                self._dest.attribute_path(name), self._shown(name), self._names, self._digest_of
            )
        except XattrError as error:
            self._fail(error.text)
        except OSError as error:
            self._fail(
                b"get_xattr_names: llistxattr(" + self._shown(name) + b",1024) failed" + xattrs.reason(error)
            )
        return []

    @staticmethod
    def missing(wanted: XattrList, here: XattrList) -> tuple[bool, list[Xattr]]:
        """XATTR-4: (the lists differ, long values that are not here)."""
        have = {one.name: one.content for one in here}
        lacking = [one for one in wanted if have.get(one.name) != one.content]
        return bool(lacking) or len(wanted) != len(here), [one for one in lacking if one.long]

    # -- setting ----------------------------------------------------------

    def set_xattrs(self, name: bytes, entry: FileEntry, status: os.stat_result, basis: bytes) -> bool:
        """Give ``name`` the entry's attributes; values that did not come are those of ``basis``."""
        path = self._dest.attribute_path(name)
        opened = False
        if self._rank == ORDINARY and not stat.S_ISLNK(status.st_mode) and not status.st_mode & stat.S_IWUSR:
            try:  # attributes can only be set on what may be written to
                self._dest.chmod(name, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
                opened = True
            except OSError:
                pass
        source = path if name == basis else self._dest.attribute_path(basis)
        path = self._dest.attribute_path(name)  # finding the basis may have closed the way here
        try:
            changed = self._setter.set(path, self._shown(name), entry.xattrs or [], source)
            self._kept(entry)
            return changed
        finally:
            if opened:
                self._dest.chmod(name, status.st_mode)

    def copy_xattrs(self, source: bytes, name: bytes) -> None:
        """Give ``name`` the attributes of another file here; what fails is told, and ends it."""
        try:
            path = self._dest.attribute_path(source)
            found = [
                (one, xattrs.read_one(path, self._shown(source), one))
                for one in xattrs.list_names(path, self._shown(source))
                if self._names.copied(one)
            ]
            path = self._dest.attribute_path(name)
            for one, value in found:
                os.setxattr(path, one, value, follow_symlinks=False)
        except XattrError as error:
            self._fail(error.text)
        except OSError as error:
            self._fail(b"copy_xattrs: lsetxattr(" + self._shown(name) + b") failed" + xattrs.reason(error))

    def set_acls(
        self, name: bytes, entry: FileEntry, here: tuple[Acl, Acl] | None, old_mode: int, mode: int
    ) -> tuple[bool, int]:
        """(whether a list was set, the mode that the file has now)."""
        access, default = _acl_changes(entry, here, mode)
        path, fake = self._dest.attribute_path(name), self._rank == FAKE
        kind = ACCESS
        try:
            if access and entry.acl is not None:
                if fake:
                    acls.write(path, ACCESS, entry.acl, fake=True)
                else:
                    acl, new_mode = acls.merged(entry.acl, old_mode, mode)
                    acls.write(path, ACCESS, acl)
                    old_mode = new_mode
                    self._set = (entry, new_mode)
            if default and entry.default_acl is not None:
                kind = DEFAULT
                acls.write(path, DEFAULT, entry.default_acl, fake=fake)
        except OSError as error:
            call = b"sys_acl_set_file"
            kinds = b", " + kind.encode()
            if kind == DEFAULT and entry.default_acl == EMPTY:
                call, kinds = b"sys_acl_delete_def_file", b""
            self._fail(b"set_acl: " + call + b"(" + name + kinds + b")" + xattrs.reason(error))
            return False, old_mode
        return access or default, old_mode

    def acls_before(self, name: bytes, entry: FileEntry, mode: int, *, fresh: bool) -> tuple[Acl, Acl] | None:
        """What a file has before it is changed; kept for the report unless the file is ``fresh``."""
        return self.acls_here(name, mode) if fresh else self._look(entry, name, mode)

    def _shown(self, name: bytes) -> bytes:
        return b'"' + self._dest.path(name) + b'"'


def _acl_changes(entry: FileEntry, here: tuple[Acl, Acl] | None, mode: int) -> tuple[bool, bool]:
    """Whether (the access list, the default list) of the entry is to be set."""
    access = entry.acl is not None and (here is None or not acls.equal_enough(here[0], entry.acl, mode))
    default = (
        stat.S_ISDIR(mode)
        and entry.default_acl is not None
        and (here is None or here[1].key != entry.default_acl.key)
    )
    return access, default
