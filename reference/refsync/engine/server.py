"""The server's half, behind a remote shell or in a daemon's module.

Clauses SETUP-1, OPT-1, FILT-2, DAEMON-12; upstream ``main.c:start_server``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from ..files.charset import Charset
from ..files.interrupt import Interrupted
from ..files.sources import read_all
from ..filters.exchange import local_rules, server_rules
from ..filters.rulelist import FilterList
from ..filters.source import Source
from ..options.combinations import settle_max_alloc
from ..options.model import Options
from ..options.named import read_named
from ..options.needs import needed
from ..session.link import Link
from ..session.setup import Offer, negotiate
from ..wire import mux
from ..wire.errors import Exit, RefsyncError
from ..wire.filterlist import list_travels, receive_filters
from ..wire.integers import int32
from .ending import closing_line, from_system, role_of, say_last_words
from .filesfrom import load, over_the_link
from .module import ModuleContext
from .report import RemoteReporter
from .roles import receive, send
from .session import PeerExit, Session


def allow_inc_recurse(options: Options, *, sender: bool) -> bool:
    """IREC-2: whether this side's options leave incremental recursion possible."""
    if not options.recurse or not options.inc_recurse or options.qsort:
        return False
    late = options.delete and options.delete_when in ("before", "after")
    return sender or not (late or options.delay_updates or options.prune_empty_dirs)


def offer_from(options: Options, *, remote_protocol: int = 0) -> Offer:
    """What this side brings to the setup."""
    return Offer(
        server=options.server,
        protocol=options.protocol,
        remote_protocol=remote_protocol,
        letters=options.capabilities,
        allow_inc_recurse=allow_inc_recurse(options, sender=options.sender),
        checksum_choice=options.checksum_choice,
        compress=bool(options.compress),
        compress_choice=(options.compress_choice or "").lower() or None,
        compress_level=options.compress_level,
        writes_batch=options.writes_batch,
        checksum_environment=os.environ.get("RSYNC_CHECKSUM_LIST"),
        compress_environment=os.environ.get("RSYNC_COMPRESS_LIST"),
        # what a client says of files that have arrived; a server has its frames anyway
        generator_speaks=bool(options.remove_source_files) and options.sender == options.server,
        names_arrive=options.sender and over_the_link(options),
        needs=needed(options),
        seed=options.checksum_seed or (int(time.time()) ^ os.getpid() << 6) & 0x7FFFFFFF,
    )


async def serve(
    link: Link,
    options: Options,
    args: list[bytes],
    *,
    module: ModuleContext | None = None,
    remote_protocol: int = 0,
    log: Callable[[bytes], None] | None = None,
    charset: Charset | None = None,
) -> int:
    """Run the server's side of one transfer; returns its exit code.

    ``args`` are the paths that followed the options: first a dot, then what
    the client named. In a module they are relative to its root. Errors are
    told to the client in frames before they end the run. ``charset`` is that
    of the names here, if they are to be converted.
    """
    settle_max_alloc(options, os.environ)
    agreement = await negotiate(link, offer_from(options, remote_protocol=remote_protocol))
    reporter = RemoteReporter(link, module, options, log)
    reporter.old = not agreement.dialect.varints
    reporter.charset = charset
    session = Session(link, options, agreement, reporter, "sender" if options.sender else "receiver")
    session.module = module
    session.charset = charset
    if module is not None and module.confined:
        from ..files.beneath import Beneath

        session.files = Beneath(module.root)
    try:
        code = await _serve(session, args, module)
        _log_end(session, code)
        return code
    except PeerExit:
        await link.flush()
        raise
    except (RefsyncError, Interrupted) as error:
        _log_totals(session, error.code)
        say_last_words(session, error)
        raise
    except (OSError, MemoryError) as error:
        fatal = from_system(error)
        say_last_words(session, fatal)
        raise fatal from error


def _log_totals(session: Session, code: int) -> None:
    """OUT-14: the totals, which a receiver only knows if all went well."""
    link = session.link
    if code == 0 or session.options.sender:
        session.reporter.log(session.stats.totals_line(link.bytes_out + link.pending, link.bytes_in))


def _log_end(session: Session, code: int) -> None:
    """OUT-14: the totals, and what went wrong; the client has heard of that already."""
    _log_totals(session, code)
    if code:
        line = closing_line(code, role_of(None, sender=session.options.sender), "server.py(0)")
        session.reporter.log(line.encode())


async def _serve(session: Session, args: list[bytes], module: ModuleContext | None) -> int:
    options, link = session.options, session.link
    own_filters = FilterList.from_options(
        module.filters if module else options.filters,
        from0=options.from0,
        module_root=module.root if module else b"",
        source=Source(read=partial(read_all, session.files)) if module else Source(named=read_named),
    )
    if module and module.timeout and session.dialect.error_exit:
        link.message(mux.IO_TIMEOUT, int32(module.timeout))
    if options.local:
        keep_parts_out(own_filters, session)
        filters = local_rules(own_filters, options, session.dialect)
    else:
        travels = list_travels(options, session.dialect, client_sends=not options.sender)
        received = await receive_filters(link, session.dialect) if travels else []
        filters = server_rules(own_filters, received, options, session.dialect, sender=options.sender)
    root = module.root if module else b""
    load(options, root, module, session.files)
    if options.sender:
        if module and module.write_only:
            raise RefsyncError("ERROR: module is write only", Exit.SYNTAX)
        if module and module.read_only and options.remove_source_files:
            kind = "source" if options.remove_source_files == 1 else "sent"
            text = f"ERROR: --remove-{kind}-files cannot be used with a read-only module"
            raise RefsyncError(text, Exit.SYNTAX)
        paths = args[1:]
        if not paths and (options.recurse or options.dirs or options.list_only):
            paths = [b"."]
        return await send(session, paths, filters, root)
    if module and module.read_only:
        raise RefsyncError("ERROR: module is read only", Exit.SYNTAX)
    dest = args[1] if len(args) > 1 else b"."
    return await receive(session, dest, filters, root=root, guard=own_filters if module else None)


def keep_parts_out(filters: FilterList, session: Session) -> None:
    """FILT-17: the directories of ``--partial-dir`` are neither sent nor deleted.

    If nothing else is in a directory that is to be deleted, they are no obstacle. In a local copy the
    receiver has a rule of its own, so that there they are none in any version.
    """
    options = session.options
    if options.partial_dir and not options.partial_dir.startswith("/"):
        perishable = session.role != "sender" or session.dialect.filter_modern
        filters.add(("-p " if perishable else "- ") + options.partial_dir + "/")
