"""A whole transfer from one side: what client and server have in common.

Clauses XFER-1, END-1 to END-6, FILT-12; upstream ``main.c:client_run``,
``do_server_sender``, ``do_server_recv``, ``do_recv``. A side has one role, and imports
what that needs.
"""

from __future__ import annotations

import os

from ..filters.rulelist import FilterList
from ..session.lists import FileList
from ..session.tasks import together
from ..typed import TYPE_CHECKING
from ..wire import stats
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.ndx import NDX_FLIST_EOF, NDX_FLIST_OFFSET
from .attached import names_for
from .filesfrom import chosen_names, forward
from .session import Session

if TYPE_CHECKING:
    from .receive_list import ListReceiver
    from .requested import Requested


async def send(session: Session, arguments: list[bytes], filters: FilterList, root: bytes = b"") -> int:
    """Send what the arguments name; returns the exit code of this side."""
    from .listing import ListSender
    from .sender import Sender

    if session.options.server:
        session.debug("SEND", 1, f"server_sender starting pid={os.getpid()}")
    session.watch(filters, b"sender")
    if session.options.checksum and session.checksums.listing == "none":  # all of one size would be the same
        raise RefsyncError("Invalid checksum-choice for --checksum: none (0)", Exit.UNSUPPORTED)
    session.xattr_names = names_for(session.options, filters, sender=True)
    names, root = chosen_names(session, arguments, root)
    lists = ListSender(session, filters, root)
    first = await lists.send_first(names)
    if session.options.server and not first.entries:
        await session.link.flush()  # nothing to talk about: the client ends as soon as it has seen the list
        return session.exit_code()
    sender = Sender(session, lists)
    try:
        await sender.run()
        session.stats.total_read = session.link.bytes_in
        session.stats.total_written = session.link.bytes_out + session.link.pending
        if session.options.server:
            session.link.write(stats.encode_stats(session.stats.totals(), session.dialect))
        elif session.recorder is not None:
            session.recorder.totals(session.stats.totals(), session.dialect)
        await sender.goodbye()
    finally:
        sender.close()
    await session.link.flush()
    return session.exit_code()


async def receive(
    session: Session,
    dest: bytes,
    filters: FilterList,
    *,
    root: bytes = b"",
    guard: FilterList | None = None,
    requested: Requested | None = None,
) -> int:
    """Receive into ``dest``; returns the exit code of this side.

    ``filters`` are the run's own: they protect what is here from deletion, and
    on a client they tell what the sender may not send (HOST-2). ``guard`` is
    a module's list: what it excludes is not received.
    """
    from .deleter import Deleter
    from .generator import Generator
    from .receive_list import ListReceiver
    from .receiver import Receiver
    from .target import open_target
    from .writing import prepare

    if session.options.server:
        session.debug("RECV", 1, f"server_recv(2) starting pid={os.getpid()}")
    session.xattr_names = names_for(session.options, filters, sender=False)
    lists = ListReceiver(session, filters, requested)
    first: FileList = (await together(lists.receive(), forward(session)))[0]
    if session.dialect.inc_recurse and lists.lists.total == 1:
        await _one_more(session, lists)
    if not first.entries and not session.options.server:
        return session.exit_code()
    if session.options.list_only:
        session.options.only_lists = not session.options.dry_run
        session.options.dry_run = True
    session.debug("RECV", 1, b"get_local_name count=%d %s" % (lists.lists.total, dest))
    target = open_target(session, lists.lists, dest, root)
    try:
        writing = prepare(session, target)
        receiver = Receiver(session, lists, target, writing)
        session.place = target.root
        if session.module:
            session.module.here = target.root
        filters.set_root(target.root)
        session.watch(filters, b"generator")
        if guard is not None:
            guard.set_root(target.root)
        deleter = Deleter(session, target, filters, writing.backups)
        generator = Generator(session, lists, target, receiver, deleter, writing, guard)
        session.options.forked = True
        await together(receiver.run(), generator.run())
    finally:
        target.close()
    await session.link.flush()
    return session.exit_code()


async def _one_more(session: Session, lists: ListReceiver) -> None:
    """IREC-4: behind a first list of one entry comes a second list, or word that there is none."""
    ndx = await session.link.read(session.ndx_in.decode)
    if ndx == NDX_FLIST_EOF:
        lists.lists.eof = True
    elif ndx <= NDX_FLIST_OFFSET:
        await lists.receive(NDX_FLIST_OFFSET - ndx)
    else:
        raise ProtocolError(f"Invalid dir index: {ndx}", clause="IREC-5")
