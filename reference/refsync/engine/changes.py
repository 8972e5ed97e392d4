"""What a run changes of modes and owners on the way: --chmod, --usermap, --groupmap and a module's own.

Clauses CHMOD-1 to CHMOD-3, IDS-1, IDS-2; upstream ``flist.c:send_file_name``,
``recv_file_entry``, ``uidlist.c:parse_name_map``, ``clientserver.c:rsync_module``.
"""

from __future__ import annotations

import os

from ..files.idmap import IdRule, parse_map
from ..files.ids import IdMap
from ..options.chmod import Change, parse
from ..options.model import Options
from .session import Session


def umask() -> int:
    """The user's."""
    value = os.umask(0)
    os.umask(value)
    return value


def chmod_changes(options: Options) -> tuple[Change, ...]:
    """CHMOD-3: the user's changes, then the module's; one that is no change was found out before."""
    texts = [*options.chmod, *filter(None, (options.module_chmod,))]
    mask = umask() if texts else 0
    return tuple(change for text in texts for change in parse(text, mask))


def module_changes(options: Options) -> tuple[Change, ...]:
    """CHMOD-3: those that a receiving module makes even without -p."""
    return parse(options.module_chmod, umask()) if options.module_chmod else ()


def id_map(session: Session) -> IdMap:
    """IDS-2: how the sender's ids become ours."""
    options = session.options

    def rules(text: str | None, option: str) -> tuple[IdRule, ...]:
        if text is None:
            return ()
        find = session.names.user_id if option == "usermap" else session.names.group_id
        return parse_map(
            text, option, find, lambda said: session.say(said.encode("utf-8", "surrogateescape"))
        )

    return IdMap(
        options.numeric_ids or options.unmatched_ids,
        rules(options.usermap, "usermap"),
        rules(options.groupmap, "groupmap"),
        id0_named=session.dialect.id0_names or session.dialect.inc_recurse,
        names=session.names,
    )
