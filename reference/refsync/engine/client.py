"""The client's half of a transfer, whatever carries it.

Clauses SETUP-1, FILT-11, FILT-12; upstream ``main.c:client_run``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..files.charset import Charset
from ..files.interrupt import Interrupted
from ..filters.exchange import client_rules
from ..filters.rulelist import FilterList
from ..filters.source import Source
from ..options.model import Options
from ..options.named import read_named
from ..session.link import Link
from ..session.setup import Agreement, Offer, negotiate, read_batch_setup
from ..typed import TYPE_CHECKING
from ..wire.errors import RefsyncError
from .ending import from_system, say_last_words
from .report import Reporter
from .requested import requested_by
from .roles import receive, send
from .server import keep_parts_out, offer_from
from .session import PeerExit, Session

if TYPE_CHECKING:
    from ..wire import batch as batchfile
    from .batch import Recorder


async def run(
    link: Link,
    options: Options,
    reporter: Reporter,
    paths: list[bytes],
    dest: bytes,
    *,
    remote_protocol: int = 0,
    started: Callable[[Session], None] = lambda session: None,
    recorder: Recorder | None = None,
    charset: Charset | None = None,
) -> int:
    """Push ``paths`` (``options.sender``) or pull them into ``dest``; returns this side's exit code.

    ``started`` is called once the setup is done. ``recorder`` writes a batch
    file; with ``options.read_batch`` the link has one, and nobody hears us.
    ``charset`` is that of the names here, if they are to be converted.
    """
    if options.read_batch is not None:
        agreement = await _setup_from_batch(link, options, reporter)
    else:
        agreement = await negotiate(link, offer_from(options, remote_protocol=remote_protocol))
    role = "sender" if options.sender else "receiver"
    session = Session(link, options, agreement, reporter, role)
    session.recorder = recorder
    session.charset = charset
    if options.read_batch is not None:
        from .batch import Replay

        session.replay = Replay(link, inc_recurse=session.dialect.inc_recurse, unordered=charset is not None)
    filters = FilterList.from_options(options.filters, from0=options.from0, source=Source(named=read_named))
    try:
        started(session)
        keep_parts_out(filters, session)
        rules = client_rules(filters, options, session.dialect, sender=options.sender)
        for warning in filters.warnings:
            session.warn(warning)
        if rules is not None and session.replay is None and not options.local:
            link.write(rules)
        if recorder is not None:
            recorder.begin(link, session.dialect, agreement.seed, sender=options.sender)
        if options.sender:
            return await send(session, paths, filters)
        requested = None if session.replay else requested_by(options, paths)
        return await receive(session, dest, filters, requested=requested)
    except PeerExit:
        await link.flush()
        raise
    except (RefsyncError, Interrupted) as error:
        say_last_words(session, error)
        raise
    except (OSError, MemoryError) as error:
        fatal = from_system(error)
        say_last_words(session, fatal)
        raise fatal from error


async def _setup_from_batch(link: Link, options: Options, reporter: Reporter) -> Agreement:
    """BATCH-3: the batch tells what its stream depends on, and the options follow."""
    from .batch import match_options

    def tell(text: str) -> None:
        if options.info["MISC"]:
            reporter.info(text.encode())

    def found(head: batchfile.Head) -> Offer:
        match_options(options, head, tell)
        return offer_from(options)

    return await read_batch_setup(link, offer_from(options), found)
