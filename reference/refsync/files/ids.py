"""User and group ids: their names on the sending side, their local counterparts on the receiving side.

Clauses FLIST-21 and FLIST-22; upstream ``uidlist.c:uid_to_user``,
``recv_add_id``, ``is_in_group``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache

from ..typed import Protocol
from .idmap import IdRule

#: What chown takes for "leave it alone": an id of this value can be received, but not set.
NO_ID = 0xFFFFFFFF


def user_name(uid: int) -> bytes | None:
    """The name of a local user, None if the id has none."""
    import pwd

    try:
        return os.fsencode(pwd.getpwuid(uid).pw_name) or None
    except (KeyError, OverflowError):
        return None


def group_name(gid: int) -> bytes | None:
    """The name of a local group, None if the id has none."""
    import grp

    try:
        return os.fsencode(grp.getgrgid(gid).gr_name) or None
    except (KeyError, OverflowError):
        return None


def user_id(name: bytes) -> int | None:
    """The id of a local user, None if there is no such user."""
    import pwd

    try:
        return pwd.getpwnam(os.fsdecode(name)).pw_uid
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        return None


def group_id(name: bytes) -> int | None:
    """The id of a local group, None if there is no such group."""
    import grp

    try:
        return grp.getgrnam(os.fsdecode(name)).gr_gid
    except (KeyError, ValueError):
        return None


class Names(Protocol):
    """Names of ids and ids of names, None where there is none: this machine's, or a daemon's own."""

    def user_name(self, uid: int) -> bytes | None: ...

    def group_name(self, gid: int) -> bytes | None: ...

    def user_id(self, name: bytes) -> int | None: ...

    def group_id(self, name: bytes) -> int | None: ...


class _LocalNames:
    """The system's tables."""

    def user_name(self, uid: int) -> bytes | None:
        return user_name(uid)

    def group_name(self, gid: int) -> bytes | None:
        return group_name(gid)

    def user_id(self, name: bytes) -> int | None:
        return user_id(name)

    def group_id(self, name: bytes) -> int | None:
        return group_id(name)


LOCAL_NAMES = _LocalNames()


class IdNames:
    """The sender's side: names of ids, each looked up once.

    ``numeric`` (``--numeric-ids``): no id has a name.
    """

    def __init__(self, numeric: bool = False, names: Names = LOCAL_NAMES) -> None:
        self._numeric = numeric
        self._names = names
        self._users: dict[int, bytes | None] = {}
        self._groups: dict[int, bytes | None] = {}

    def user_name(self, uid: int) -> bytes | None:
        """The name to send along with a user id."""
        if self._numeric:
            return None
        try:
            return self._users[uid]
        except KeyError:
            name = self._users[uid] = self._names.user_name(uid)
            return name

    def group_name(self, gid: int) -> bytes | None:
        """The name to send along with a group id."""
        if self._numeric:
            return None
        try:
            return self._groups[gid]
        except KeyError:
            name = self._groups[gid] = self._names.group_name(gid)
            return name


class IdMap:
    """The receiver's side: what the sender's ids are here.

    The first rule of ``--usermap`` or ``--groupmap`` that matches decides. Else
    an id that came with a name becomes the id that the name has here; without
    a name, with one unknown here, or with ``numeric``, the number stands, and
    id 0 is 0. ``id0_named``: the name of id 0 comes as any other; else it is root's.
    """

    def __init__(
        self,
        numeric: bool = False,
        users: Sequence[IdRule] = (),
        groups: Sequence[IdRule] = (),
        *,
        id0_named: bool = True,
        names: Names = LOCAL_NAMES,
    ) -> None:
        self._names = names
        self._numeric = numeric
        self._user_rules = users
        self._group_rules = groups
        self._id0_named = id0_named

    def user(self, uid: int, name: bytes | None) -> int:
        """The local id of the sender's user."""
        return self._map(uid, name, self._names.user_id, self._user_rules)

    def group(self, gid: int, name: bytes | None) -> int:
        """The local id of the sender's group."""
        return self._map(gid, name, self._names.group_id, self._group_rules)

    def _map(
        self,
        number: int,
        name: bytes | None,
        find: Callable[[bytes], int | None],
        rules: Sequence[IdRule],
    ) -> int:
        if self._numeric:
            name = None
        elif rules and not number and not self._id0_named:
            name = b"root"
        for rule in rules:
            if rule.matches(number, name or b""):
                return rule.to
        if not name or not number:
            return number
        found = find(name)
        return number if found is None else found


@lru_cache(maxsize=1)
def _own_groups(uid: int, gid: int) -> frozenset[int]:
    return frozenset((gid, *os.getgroups()))


def may_set_group(gid: int, rank: int) -> bool:
    """True if this process can give a file to the group: who acts as root to any, others to theirs.

    A group that it cannot set is neither set nor compared, silently (upstream's ``FLAG_SKIP_GROUP``).
    """
    return rank != 0 or gid in _own_groups(os.geteuid(), os.getegid())
