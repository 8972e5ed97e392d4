"""``refsync --server``: one transfer over two descriptors."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..engine.ending import closing_line, complaint, place_of, role_of
from ..engine.server import serve
from ..engine.session import PeerExit
from ..files.charset import open_charset
from ..files.interrupt import Interrupted
from ..options.model import Options
from ..options.parse import parse
from ..session.link import Link
from ..session.tasks import Tasks
from ..transport.pace import Pace
from ..transport.pump import FAREWELL, Pump
from ..wire.errors import RefsyncError


def run_server(options: Options, args: list[bytes], fd_in: int, fd_out: int) -> int:
    """Serve a client that speaks over ``fd_in`` and ``fd_out``; returns the exit code.

    What goes wrong once frames are possible is told there; before that, on
    standard error, which a remote shell carries to the user.
    """
    options.stderr = options.stderr or "errors"
    link = Link()
    pump = Pump(link, fd_in, fd_out, timeout=options.timeout, pace=Pace(options.bwlimit))
    tasks = Tasks(link, _serve(link, options, args, pump))
    try:
        pump.run(tasks)
        return int(tasks.results[0])
    except PeerExit as error:
        pump.flush()
        return error.code
    except Interrupted as stop:
        pump.flush(FAREWELL)
        return stop.code
    except RefsyncError as error:
        if link.closed or not link.framed_out:
            begun = link.framed_out or options.local
            _tell_here(error, role_of(error, sender=options.sender) if begun else "server")
        pump.flush()
        return error.code


def _tell_here(error: RefsyncError, role: str) -> None:
    """Standard error, which a remote shell carries to the user, if anybody is left there."""
    text = complaint(error, role) + closing_line(error.code, role, place_of(error))
    try:
        os.write(2, text.encode("utf-8", "surrogateescape"))
    except OSError:
        pass


async def _serve(link: Link, options: Options, args: list[bytes], pump: Pump) -> int:
    """OPT-3: secluded arguments come over the connection, behind the few that the shell has seen."""
    charset = open_charset(options.iconv, server=True)
    if options.secluded_args:
        from ..daemon.paths import expand_plain
        from ..session.daemon_server import read_arguments

        raw = await read_arguments(link)
        words = [os.fsdecode(word if charset is None else charset.text_from_wire(word)) for word in raw]
        options, rest = parse(words[1:], options)
        pump.timeout, pump.pace = options.timeout, Pace(options.bwlimit)
        args = [found for path in rest for found in expand_plain(os.fsencode(path))]
    log: Callable[[bytes], None] | None = None
    if options.log_file:
        from ..files.log import Log

        log = Log(options.log_file, tag="rsync").write
    if charset is not None and options.debug["ICONV"]:
        who = "sender" if options.sender else "Receiver"
        os.write(2, f"[{who}] charset: {charset.name}\n".encode())
    return await serve(link, options, args, log=log, charset=charset)
