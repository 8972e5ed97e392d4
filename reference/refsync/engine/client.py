"""The client's half of a transfer, whatever carries it.

Clauses SETUP-1, FILT-11, FILT-12; upstream ``main.c:client_run``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..filters.exchange import client_rules
from ..filters.rulelist import FilterList
from ..options.model import Options
from ..session.link import Link
from ..session.setup import negotiate
from ..wire.errors import RefsyncError
from .listing import split_argument
from .report import Reporter
from .roles import receive, send
from .server import offer_from, say_last_words
from .session import PeerExit, Session


async def run(
    link: Link,
    options: Options,
    reporter: Reporter,
    paths: list[bytes],
    dest: bytes,
    *,
    remote_protocol: int = 0,
    started: Callable[[Session], None] = lambda session: None,
) -> int:
    """Push ``paths`` (``options.sender``) or pull them into ``dest``; returns this side's exit code.

    ``started`` is called once the setup is done.
    """
    agreement = await negotiate(link, offer_from(options, remote_protocol=remote_protocol))
    role = "sender" if options.sender else "receiver"
    session = Session(link, options, agreement, reporter, role)
    filters = FilterList.from_options(options.filters)
    try:
        started(session)
        rules = client_rules(filters, options, session.dialect, sender=options.sender)
        for warning in filters.warnings:
            session.warn(warning)
        if rules is not None:
            link.write(rules)
        if options.sender:
            return await send(session, paths, filters)
        return await receive(session, dest, filters, requested=requested_names(paths))
    except PeerExit:
        await link.flush()
        raise
    except RefsyncError as error:
        await say_last_words(session, error)
        raise


def requested_names(paths: list[bytes]) -> frozenset[bytes] | None:
    """HOST-2: the first components that a server may send; None if it may be any.

    A wildcard is the server's to expand, and ``dir/`` asks for whatever is in it.
    """
    names = set()
    for path in paths:
        _, name, contents = split_argument(path)
        if contents or any(letter in name for letter in b"*?[\\~"):
            return None
        names.add(name)
    return frozenset(names)
