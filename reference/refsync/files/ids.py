"""User and group ids: their names on the sending side, their local counterparts on the receiving side.

Clauses FLIST-21 and FLIST-22; upstream ``uidlist.c:uid_to_user``,
``recv_add_id``, ``is_in_group``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

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


class IdNames:
    """The sender's side: names of ids, each looked up once.

    ``numeric`` (``--numeric-ids``): no id has a name.
    """

    def __init__(self, numeric: bool = False) -> None:
        self._numeric = numeric
        self._users: dict[int, bytes | None] = {}
        self._groups: dict[int, bytes | None] = {}

    def user_name(self, uid: int) -> bytes | None:
        """The name to send along with a user id."""
        if self._numeric:
            return None
        try:
            return self._users[uid]
        except KeyError:
            name = self._users[uid] = user_name(uid)
            return name

    def group_name(self, gid: int) -> bytes | None:
        """The name to send along with a group id."""
        if self._numeric:
            return None
        try:
            return self._groups[gid]
        except KeyError:
            name = self._groups[gid] = group_name(gid)
            return name


class IdMap:
    """The receiver's side: what the sender's ids are here.

    An id that came with a name becomes the id that the name has here; without
    a name, with one unknown here, or with ``numeric``, the number stands. Id 0
    is always 0.
    """

    def __init__(self, numeric: bool = False) -> None:
        self._numeric = numeric

    def user(self, uid: int, name: bytes | None) -> int:
        """The local id of the sender's user."""
        return self._map(uid, name, user_id)

    def group(self, gid: int, name: bytes | None) -> int:
        """The local id of the sender's group."""
        return self._map(gid, name, group_id)

    def _map(self, number: int, name: bytes | None, find: Callable[[bytes], int | None]) -> int:
        if self._numeric or not name or not number:
            return number
        found = find(name)
        return number if found is None else found


@lru_cache(maxsize=1)
def _own_groups(uid: int, gid: int) -> frozenset[int]:
    return frozenset((gid, *os.getgroups()))


def may_set_group(gid: int) -> bool:
    """True if this process can give a file to the group: root to any, others to those they are in.

    A group that it cannot set is neither set nor compared, silently (upstream's ``FLAG_SKIP_GROUP``).
    """
    uid = os.geteuid()
    return uid == 0 or gid in _own_groups(uid, os.getegid())
