"""Access rights of files beyond the mode: POSIX ACLs as Linux stores them.

The kernel's form is a version and entries of tag, permissions and id, in the
attributes ``system.posix_acl_access`` and ``system.posix_acl_default``; with
``--fake-super`` it is four permissions and pairs of id and permissions in
attributes of rsync's own. Clauses ACL-5, FAKE-3; upstream
``acls.c:get_rsync_acl``, ``set_rsync_acl``, ``change_sacl_perms``,
``default_perms_for_dir``.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from ..wire.acl import ACCESS, DEFAULT, EMPTY, NO_ENTRY, Acl, Named, of_mode
from .xattrs import ACCESS_ACL, DEFAULT_ACL

_STORED = {ACCESS: b"system.posix_acl_access", DEFAULT: b"system.posix_acl_default"}
_FAKED = {ACCESS: ACCESS_ACL, DEFAULT: DEFAULT_ACL}
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_FAKE_HEAD = struct.Struct("<4I")
_FAKE_NAME = struct.Struct("<2I")
_NO_ID = 0xFFFFFFFF
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
#: In ``--fake-super``'s form: the entry is a user's.
_IS_USER = 1 << 31
#: There is no list of this kind, or there can't be one.
_NONE = (errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def unpack(raw: bytes) -> Acl:
    """The kernel's form; ``ValueError`` if it isn't that."""
    if len(raw) < _VERSION.size or (len(raw) - _VERSION.size) % _ENTRY.size:
        raise ValueError(f"an ACL of {len(raw)} bytes")
    if _VERSION.unpack_from(raw)[0] != 2:
        raise ValueError("an ACL of an unknown version")
    objects = dict.fromkeys((_USER_OBJ, _GROUP_OBJ, _MASK, _OTHER), NO_ENTRY)
    names = []
    for tag, access, number in _ENTRY.iter_unpack(raw[_VERSION.size :]):
        if tag in objects:
            objects[tag] = access & 7
        elif tag in (_USER, _GROUP):
            names.append(Named(number, access & 7, tag == _USER))
    return Acl(objects[_USER_OBJ], objects[_GROUP_OBJ], objects[_MASK], objects[_OTHER], tuple(names))


def pack(acl: Acl) -> bytes:
    """The kernel's form, in the kernel's order; what is missing has no permission."""
    entries = [(_USER_OBJ, acl.user, _NO_ID)]
    entries += [(_USER, one.access, one.id) for one in sorted(acl.names, key=_by_id) if one.is_user]
    entries.append((_GROUP_OBJ, acl.group, _NO_ID))
    entries += [(_GROUP, one.access, one.id) for one in sorted(acl.names, key=_by_id) if not one.is_user]
    if acl.mask != NO_ENTRY:
        entries.append((_MASK, acl.mask, _NO_ID))
    entries.append((_OTHER, acl.other, _NO_ID))
    packed = (_ENTRY.pack(tag, access & 7, number) for tag, access, number in entries)
    return _VERSION.pack(2) + b"".join(packed)


def _by_id(one: Named) -> int:
    return one.id


def unpack_fake(raw: bytes, mode: int) -> Acl:
    """``--fake-super``'s form; what it leaves out is in the mode. ``ValueError`` if it isn't that."""
    if len(raw) < _FAKE_HEAD.size or (len(raw) - _FAKE_HEAD.size) % _FAKE_NAME.size:
        raise ValueError(f"an ACL of {len(raw)} bytes")
    user, group, mask, other = (value & 0xFF for value in _FAKE_HEAD.unpack_from(raw))
    names = tuple(
        Named(number, access & ~_IS_USER, bool(access & _IS_USER))
        for number, access in _FAKE_NAME.iter_unpack(raw[_FAKE_HEAD.size :])
    )
    basic = of_mode(mode)
    return Acl(
        basic.user if user == NO_ENTRY else user,
        basic.group if group == NO_ENTRY else group,
        mask,
        basic.other if other == NO_ENTRY else other,
        names,
    )


def pack_fake(acl: Acl) -> bytes:
    """``--fake-super``'s form."""
    names = (_FAKE_NAME.pack(one.id, one.access | (_IS_USER if one.is_user else 0)) for one in acl.names)
    return _FAKE_HEAD.pack(acl.user, acl.group, acl.mask, acl.other) + b"".join(names)


def read(path: bytes, kind: str, mode: int, *, fake: bool = False) -> Acl:
    """What a file has: without a list of its own what its mode says, of the default kind nothing.

    Raises OSError; EINVAL for what is stored but is no list.
    """
    name = _FAKED[kind] if fake else _STORED[kind]
    try:
        raw = os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NONE or fake:
            return EMPTY if fake or kind == DEFAULT else of_mode(mode)
        raise
    try:
        return unpack_fake(raw, mode) if fake else unpack(raw)
    except ValueError:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None


def write(path: bytes, kind: str, acl: Acl, *, fake: bool = False) -> None:
    """Give a file a list; an empty one of the default kind takes it away."""
    name = _FAKED[kind] if fake else _STORED[kind]
    if kind == DEFAULT and acl.user == NO_ENTRY:
        try:
            os.removexattr(path, name, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise
        return
    os.setxattr(path, name, pack_fake(acl) if fake else pack(acl), follow_symlinks=False)


def equal_enough(here: Acl, wanted: Acl, mode: int) -> bool:
    """ACL-5: equal but for what setting the mode will do anyway; ``wanted`` is as it was sent."""
    if (here.mask == NO_ENTRY) != (wanted.mask == NO_ENTRY):
        return False
    if here.mask != NO_ENTRY:
        group = mode >> 3 & 7 if wanted.group == NO_ENTRY else wanted.group
        if here.group != group:
            return False
    return here.key[4] == wanted.key[4]


def merged(acl: Acl, old_mode: int, mode: int) -> tuple[Acl, int]:
    """ACL-5: the list to set so that the file has ``mode``, and the mode that it then has.

    While a set-id bit is still there that has to go, or a sticky bit is not yet that
    is to come, nobody but the owner gets anything.
    """
    if stat.S_ISDIR(mode):
        unsafe = mode & ~old_mode & stat.S_ISVTX
    else:
        unsafe = old_mode & ~mode & (stat.S_ISUID | stat.S_ISGID)
    bits = mode & 0o7700 if unsafe else mode & 0o7777
    group = bits >> 3 & 7
    made = Acl(
        bits >> 6 & 7,
        group if acl.group == NO_ENTRY else acl.group,
        NO_ENTRY if acl.mask == NO_ENTRY else group,
        bits & 7,
        acl.names,
    )
    return made, (old_mode & ~0o777) | (bits & 0o777)


def default_permissions(path: bytes, umask: int) -> int:
    """FS-4: the permissions that new files get in a directory: by its default list, else by the umask."""
    try:
        acl = read(path, DEFAULT, 0)
    except OSError:
        acl = EMPTY
    if acl.user == NO_ENTRY:
        return 0o777 & ~umask
    group = acl.group if acl.mask == NO_ENTRY else acl.mask
    return (acl.user & 7) << 6 | (group & 7) << 3 | acl.other & 7
