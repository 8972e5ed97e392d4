"""A client's run with a daemon: connect, ask for the module, transfer.

Clauses GREET-1 to GREET-9, OPT-3, OPT-8; upstream ``clientserver.c:start_socket_client``.
"""

from __future__ import annotations

import os
import sys

from ..options.model import Options
from ..session.daemon_client import Answered, Call, module_arguments, start
from ..session.link import Link
from ..session.tasks import Tasks
from ..transport.pump import Pump
from ..transport.tcp import DAEMON_PORT, connect
from ..wire.errors import Exit, RefsyncError
from .arguments import Job
from .batch import BatchFiles
from .client import converse, open_log, server_arguments
from .messages import Printer
from .rsh import shown_command


def run_daemon_client(options: Options, job: Job, files: BatchFiles | None = None) -> int:
    """Transfer with a module, or list the modules; returns the exit code."""
    remote = job.remote
    assert remote is not None
    paths = [job.dest or ""] if job.sender else job.sources
    modules = {path.partition("/")[0] for path in paths}
    if len(modules) > 1:
        raise RefsyncError("All source args must come from the same module.", Exit.SYNTAX)
    module = modules.pop()
    if not module and job.sender:
        raise RefsyncError("The remote path must start with a module name not a /", Exit.SYNTAX)
    printer = Printer(options, open_log(options))

    def text(line: bytes) -> None:
        if not (module and options.no_motd):
            printer.info(line + b"\n")

    def arguments(protocol: int) -> list[bytes]:
        options.protocol = min(options.protocol, protocol)
        named = module_arguments(os.fsencode(module), [os.fsencode(path) for path in paths])
        words = [*map(os.fsencode, server_arguments(options)), b".", *named]
        if options.debug["CMD"]:
            printer.client(b"sending daemon args: " + shown_command([os.fsdecode(word) for word in words]))
        return words

    link = Link()
    call = Call(
        os.fsencode(module),
        arguments,
        text,
        _password,
        user=os.fsencode(remote.user or os.environ.get("USER") or os.environ.get("LOGNAME") or "nobody"),
        protocol=options.protocol,
    )
    if options.debug["CONNECT"]:
        port = remote.port or options.port or DAEMON_PORT
        printer.info(
            f"opening tcp connection to {remote.host or 'localhost'} port {port}\n".encode(
                "utf-8", "surrogateescape"
            )
        )
    with connect(
        remote.host or "localhost",
        remote.port or options.port or DAEMON_PORT,
        address=options.address,
        timeout=options.contimeout,
    ) as socket:
        fd = socket.fileno()
        tasks = Tasks(link, start(link, call))
        Pump(link, fd, fd, timeout=options.timeout).run(tasks)
        answered: Answered = tasks.results[0]
        printer.flush()
        if answered.listed:
            return Exit.OK
        return converse(
            options,
            job,
            printer,
            fd,
            fd,
            link=link,
            remote_protocol=answered.remote_protocol,
            files=files,
        )


def _password() -> bytes:
    """From ``RSYNC_PASSWORD``, else asked of the user at the terminal."""
    known = os.environ.get("RSYNC_PASSWORD")
    if known is not None:
        return os.fsencode(known)
    if not sys.stdin.isatty():
        raise RefsyncError("the module wants a password: set RSYNC_PASSWORD", Exit.SYNTAX)
    from getpass import getpass

    return os.fsencode(getpass("Password: "))
