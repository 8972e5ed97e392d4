"""User and group ids and their names, here and at the peer.

Clauses FLIST-21, FLIST-22; upstream ``uidlist.c``.
"""

from __future__ import annotations

import grp
import os
import pwd


class IdNames:
    """Names of local ids, looked up once. With numeric ids nothing has a name."""

    def __init__(self, numeric: bool) -> None:
        self._numeric = numeric
        self._users: dict[int, bytes | None] = {}
        self._groups: dict[int, bytes | None] = {}

    def user_name(self, uid: int) -> bytes | None:
        if self._numeric:
            return None
        if uid not in self._users:
            try:
                self._users[uid] = os.fsencode(pwd.getpwuid(uid).pw_name)[:255]
            except (KeyError, OverflowError):
                self._users[uid] = None
        return self._users[uid]

    def group_name(self, gid: int) -> bytes | None:
        if self._numeric:
            return None
        if gid not in self._groups:
            try:
                self._groups[gid] = os.fsencode(grp.getgrgid(gid).gr_name)[:255]
            except (KeyError, OverflowError):
                self._groups[gid] = None
        return self._groups[gid]


class IdMap:
    """The peer's ids as ours: by name where one came and exists here, else the same number; 0 stays 0."""

    def __init__(self, numeric: bool) -> None:
        self._numeric = numeric

    def user(self, number: int, name: bytes | None) -> int:
        if not self._numeric and name and number:
            try:
                return pwd.getpwnam(os.fsdecode(name)).pw_uid
            except (KeyError, ValueError):
                pass
        return number

    def group(self, number: int, name: bytes | None) -> int:
        if not self._numeric and name and number:
            try:
                return grp.getgrnam(os.fsdecode(name)).gr_gid
            except (KeyError, ValueError):
                pass
        return number
