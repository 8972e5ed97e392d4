"""The names of the ids in a list, as they follow a list that is sent whole.

Clause FLIST-21; upstream ``uidlist.c:send_id_lists``.
"""

from __future__ import annotations

from ..files.ids import IdNames
from ..session.lists import FileList
from ..wire import idlist
from .session import Session


def send_id_names(session: Session, listing: FileList, ids: IdNames) -> None:
    """Names of the ids that occur, newest first as upstream keeps them."""
    dialect = session.dialect
    users: dict[int, bytes] = {}
    groups: dict[int, bytes] = {}
    for entry in listing.entries:
        if entry.uname is not None:
            users.setdefault(entry.uid, entry.uname)
        if entry.gname is not None:
            groups.setdefault(entry.gid, entry.gname)
        for acl in filter(None, (entry.acl, entry.default_acl)):
            for one in acl.names:
                if one.name is not None:
                    (users if one.is_user else groups).setdefault(one.id, one.name)
    acls = session.preserve.acls
    for wanted, names, zero in (
        (session.preserve.uid or acls, users, ids.user_name),
        (session.preserve.gid or acls, groups, ids.group_name),
    ):
        if wanted:
            id0 = (zero(0) or b"") if dialect.id0_names else None
            session.link.write(idlist.encode(reversed(names.items()), varints=dialect.varints, id0_name=id0))
