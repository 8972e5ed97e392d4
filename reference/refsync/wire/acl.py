"""Access control lists on the wire: the one behind an entry, and a directory's default.

As with attributes a list is sent once and then named by its number; lists of
the two kinds are numbered apart. What follows from the entry's mode is not
sent. Clauses ACL-1 to ACL-4; upstream ``acls.c:send_rsync_acl``,
``recv_rsync_acl``, ``rsync_acl_strip_perms``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..records import dataclass, replace
from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError
from .integers import read_varint, varint
from .limits import MAX_ACL_COUNT, MAX_ACL_LISTS, MAX_ID_NAME

#: In the place of a permission: there is no such entry.
NO_ENTRY = 0x80

USER_OBJ = 1 << 0
GROUP_OBJ = 1 << 1
MASK_OBJ = 1 << 2
OTHER_OBJ = 1 << 3
NAME_LIST = 1 << 4

NAME_FOLLOWS = 1 << 0
NAME_IS_USER = 1 << 1

ACCESS, DEFAULT = "ACL_TYPE_ACCESS", "ACL_TYPE_DEFAULT"


@dataclass(frozen=True, slots=True)
class Named:
    """The entry of one user or group; ``name`` is what the sender calls it, if that was sent."""

    id: int
    access: int
    is_user: bool
    name: bytes | None = None


@dataclass(frozen=True, slots=True)
class Acl:
    """Permissions of owner, group, mask and others (``NO_ENTRY``: none), and those of named ids."""

    user: int = NO_ENTRY
    group: int = NO_ENTRY
    mask: int = NO_ENTRY
    other: int = NO_ENTRY
    names: tuple[Named, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two lists the same: a name only says who an id is."""
        names = tuple((one.id, one.access, one.is_user) for one in self.names)
        return self.user, self.group, self.mask, self.other, names


EMPTY = Acl()


def of_mode(mode: int) -> Acl:
    """The list that a mode alone stands for."""
    return Acl(mode >> 6 & 7, mode >> 3 & 7, NO_ENTRY, mode & 7)


def stripped(acl: Acl, mode: int) -> Acl:
    """ACL-3: an access list without what the receiver can infer from the mode."""
    group_bits = mode >> 3 & 7
    group, mask = acl.group, acl.mask
    if mask == NO_ENTRY:
        group = NO_ENTRY
    else:
        if group == group_bits:
            group = NO_ENTRY
        if acl.names and mask == group_bits:
            mask = NO_ENTRY
    return Acl(NO_ENTRY, group, mask, NO_ENTRY, acl.names)


def with_mask(acl: Acl, kind: str, mode: int) -> Acl:
    """ACL-3: the mask that named entries need, if it was not sent: the group's in the mode, or all."""
    if not acl.names or acl.mask != NO_ENTRY:
        return acl
    if kind == ACCESS:
        return replace(acl, mask=mode >> 3 & 7)
    bits = acl.group
    for one in acl.names:
        bits |= one.access
    return replace(acl, mask=bits & 7)


class AclEncoder:
    """The sender's lists of one kind in a session.

    ``named`` tells of (is_user, id) whether its name is still to be sent, and
    is only asked where names travel inline (ACL-4).
    """

    __slots__ = ("_known", "_named")

    def __init__(self, named: Callable[[bool, int], bool] | None) -> None:
        self._known: dict[tuple[object, ...], int] = {}
        self._named = named

    def encode(self, acl: Acl) -> bytes:
        """ACL-1: the number of a list that went out before, or 0 and the list."""
        known = self._known.get(acl.key)
        if known is not None:
            return varint(known + 1)
        self._known[acl.key] = len(self._known)
        return b"\0" + self._literal(acl)

    def _literal(self, acl: Acl) -> bytes:
        parts = []
        flags = 0
        for flag, access in (
            (USER_OBJ, acl.user),
            (GROUP_OBJ, acl.group),
            (MASK_OBJ, acl.mask),
            (OTHER_OBJ, acl.other),
        ):
            if access != NO_ENTRY:
                flags |= flag
                parts.append(varint(access))
        if acl.names:
            flags |= NAME_LIST
            parts.append(varint(len(acl.names)))
            parts += [self._entry(one) for one in acl.names]
        return bytes((flags,)) + b"".join(parts)

    def _entry(self, one: Named) -> bytes:
        bits = one.access << 2 | (NAME_IS_USER if one.is_user else 0)
        number = varint(_as_int(one.id))
        if self._named and one.name and self._named(one.is_user, one.id):
            name = one.name[:MAX_ID_NAME]
            return number + varint(_as_int(bits | NAME_FOLLOWS)) + bytes((len(name),)) + name
        return number + varint(_as_int(bits))


def _as_int(number: int) -> int:
    """An unsigned number as the int that a varint holds; what is above 32 bits is lost, as in upstream."""
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number > 0x7FFFFFFF else number


class AclDecoder:
    """The receiver's lists of one kind in a session.

    ``wide``: permissions may have any bits (``--fake-super`` keeps what it doesn't know).
    """

    __slots__ = ("_kind", "_lists", "_wide")

    def __init__(self, kind: str, *, wide: bool = False) -> None:
        self._kind = kind
        self._wide = wide
        self._lists: list[Acl] = []

    def decode(self, cursor: Cursor, mode: int) -> tuple[Acl, bool]:
        """A list, and whether it is new; a new one counts once ``remember`` was called with it."""
        start = cursor.pos
        try:
            return self._decode(cursor, mode)
        except NeedMoreData:
            cursor.pos = start
            raise

    def remember(self, acl: Acl) -> None:
        """The entry is complete: its new list has the next number."""
        self._lists.append(acl)

    def _decode(self, cursor: Cursor, mode: int) -> tuple[Acl, bool]:
        start = cursor.pos
        index = read_varint(cursor)
        if not 0 <= index <= len(self._lists):
            raise ProtocolError(
                f"recv_acl_index: {self._kind} ACL index {index} > {len(self._lists)}",
                clause="ACL-1",
                offset=start,
                code=Exit.STREAM_IO,
            )
        if index:
            return self._lists[index - 1], False
        if len(self._lists) >= MAX_ACL_LISTS:
            raise ProtocolError("too many ACLs", clause="ACL-2", offset=start)
        flags = cursor.byte()
        user = self._access(cursor) if flags & USER_OBJ else NO_ENTRY
        group = self._access(cursor) if flags & GROUP_OBJ else NO_ENTRY
        mask = self._access(cursor) if flags & MASK_OBJ else NO_ENTRY
        other = self._access(cursor) if flags & OTHER_OBJ else NO_ENTRY
        names: tuple[Named, ...] = ()
        if flags & NAME_LIST:
            at = cursor.pos
            count = read_varint(cursor)
            if not 0 <= count <= MAX_ACL_COUNT:
                raise ProtocolError(f"{count} named entries in an ACL", clause="ACL-2", offset=at)
            names = tuple(self._named(cursor) for _ in range(count))
        return with_mask(Acl(user, group, mask, other, names), self._kind, mode), True

    def _access(self, cursor: Cursor) -> int:
        at = cursor.pos
        access = read_varint(cursor) & 0xFFFFFFFF
        if access > 7 and not self._wide:
            raise _out_of_range(access, at)
        return access & 0xFF  # as upstream holds it

    def _named(self, cursor: Cursor) -> Named:
        number = read_varint(cursor) & 0xFFFFFFFF
        at = cursor.pos
        bits = read_varint(cursor) & 0xFFFFFFFF
        access = bits >> 2
        if access > 7 and not self._wide:
            raise _out_of_range(access, at)
        name = cursor.take(cursor.byte()) if bits & NAME_FOLLOWS else None
        return Named(number, access, bool(bits & NAME_IS_USER), name)


def _out_of_range(access: int, at: int) -> ProtocolError:
    return ProtocolError(
        f"recv_acl_access: value out of range: {access:x}", clause="ACL-2", offset=at, code=Exit.STREAM_IO
    )
