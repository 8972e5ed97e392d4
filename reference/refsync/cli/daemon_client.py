"""A client's run with a daemon: connect, ask for the module, transfer.

The daemon listens on a socket, or is started for this one run over a remote
shell. Clauses GREET-1 to GREET-9, OPT-3, OPT-8, OPT-11; upstream
``clientserver.c:start_socket_client``, ``start_inband_exchange``.
"""

from __future__ import annotations

import os

from ..options import server_args
from ..options.model import Options
from ..session.daemon_client import Answered, Call, module_arguments, start
from ..session.link import Link
from ..session.tasks import Tasks
from ..transport.child import run_command
from ..transport.childerr import ChildErrors
from ..transport.pump import Pump
from ..transport.tcp import DAEMON_PORT, connect
from ..wire.errors import Exit, RefsyncError
from .arguments import Job
from .batch import BatchFiles
from .client import (
    converse,
    own_charset,
    secluded_block,
    server_arguments,
    tell_command,
    tell_secluded,
    with_child,
)
from .messages import Printer
from .password import early_input, password
from .rsh import daemon_command, shown_command


def run_daemon_client(options: Options, job: Job, printer: Printer, files: BatchFiles | None = None) -> int:
    """Transfer with a module, or list the modules; returns the exit code."""
    remote = job.remote
    assert remote is not None
    printer.charset = own_charset(options, printer)
    if options.rsh is None:
        if options.debug["CONNECT"]:
            port = remote.port or options.port or DAEMON_PORT
            where = f"{remote.host or 'localhost'} port {port}\n"
            printer.info(f"opening tcp connection to {where}".encode("utf-8", "surrogateescape"))
        with connect(
            remote.host or "localhost",
            remote.port or options.port or DAEMON_PORT,
            address=options.address,
            timeout=options.contimeout,
            family=options.address_family,
            options=options.sockopts,
        ) as socket:
            return _talk(options, job, printer, socket.fileno(), socket.fileno(), files)
    if options.contimeout:
        raise RefsyncError(
            "The --contimeout option may only be used when connecting to an rsync daemon.", Exit.SYNTAX
        )
    os.environ["RSYNC_PORT"] = str(remote.port or options.port or DAEMON_PORT)
    command = daemon_command(remote, options)
    tell_command(options, printer, command)
    child = run_command(command)

    def talk() -> int:
        return _talk(options, job, printer, child.fd_in, child.fd_out, files, child.errors)

    return with_child(child, talk, printer, options)


def _talk(
    options: Options,
    job: Job,
    printer: Printer,
    fd_in: int,
    fd_out: int,
    files: BatchFiles | None,
    errors: ChildErrors | None = None,
) -> int:
    """Greeting, module and transfer over two descriptors."""
    remote = job.remote
    assert remote is not None
    paths = [job.dest or ""] if job.sender else job.sources
    modules = {path.partition("/")[0] for path in paths}
    if len(modules) > 1:
        raise RefsyncError("All source args must come from the same module.", Exit.SYNTAX)
    module = modules.pop()
    if not module and job.sender:
        raise RefsyncError("The remote path must start with a module name not a /", Exit.SYNTAX)
    named = module_arguments(
        os.fsencode(module), [os.fsencode(path) for path in paths], old_args=bool(options.old_args)
    )
    kept: list[str] = []

    def text(line: bytes) -> None:
        if not options.no_motd:  # which is the list too: they can not be told apart
            printer.info(line + b"\n")

    def secluded() -> bytes:
        if not options.secluded_args:
            return b""
        tell_secluded(options, printer, [*kept, ".", *map(os.fsdecode, named)])
        return secluded_block(kept, named, printer.charset)

    def arguments(protocol: int) -> list[bytes]:
        options.protocol = min(options.protocol, protocol)
        words = server_arguments(options)
        if options.secluded_args:
            words, kept[:] = server_args.seclude(words)
        else:
            words += [".", *map(os.fsdecode, named)]
        if options.debug["CMD"]:
            printer.client(b"sending daemon args: " + shown_command(words))
        return [os.fsencode(word) for word in words]

    user = remote.user or os.environ.get("USER") or os.environ.get("LOGNAME") or "nobody"
    call = Call(
        os.fsencode(module),
        arguments,
        text,
        lambda: password(options.password_file),
        user=os.fsencode(user),
        protocol=options.protocol,
        early_input=early_input(options.early_input) if module else b"",
        secluded=secluded,
    )
    link = Link()
    tasks = Tasks(link, start(link, call))
    Pump(link, fd_in, fd_out, timeout=options.timeout, errors=errors).run(tasks)
    answered: Answered = tasks.results[0]
    printer.flush()
    if answered.listed:
        return Exit.OK
    if not job.sender:  # the names that come are below the module, and know nothing of it (HOST-2)
        job = Job([path.partition("/")[2] for path in job.sources], job.dest, job.sender, remote)
    return converse(
        options,
        job,
        printer,
        fd_in,
        fd_out,
        link=link,
        remote_protocol=answered.remote_protocol,
        files=files,
        errors=errors,
    )
