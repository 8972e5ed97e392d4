"""A client's run: find the other end, connect, transfer, sum up.

Clauses OPT-2, OPT-7, END-1; upstream ``main.c:start_client``, ``client_run``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from ..engine import client
from ..engine.ending import complaint, role_of
from ..engine.filesfrom import load
from ..engine.server import allow_inc_recurse
from ..engine.session import PeerExit, Session
from ..files.charset import Charset, open_charset
from ..files.charset import own_charset as locale_charset
from ..files.interrupt import Interrupted
from ..options import server_args
from ..options.combinations import settle_arguments, settle_max_alloc
from ..options.model import Options
from ..options.parse import parse, settle_selection
from ..session.link import Link, PeerClosed, PeerDeaf
from ..session.tasks import Tasks
from ..transport.child import LEAVING, Child, run_command, run_local
from ..transport.childerr import ChildErrors
from ..transport.pace import Pace
from ..transport.pump import FAREWELL, Pump
from ..typed import TYPE_CHECKING
from ..wire.errors import Exit, RefsyncError
from ..wire.greeting import encode_arguments
from .arguments import Job, check_files_from, plan, plan_replay
from .messages import Printer
from .serve import run_server
from .statistics import print_summary

if TYPE_CHECKING:
    from ..files.log import Log
    from .batch import BatchFiles

#: How texts become bytes: file names in them are bytes that need not be text.
ENCODING = ("utf-8", "surrogateescape")


def run_client(options: Options, paths: list[str], words: Sequence[str] = ()) -> int:
    """Transfer what ``paths`` name; returns the exit code. ``words``: the command as it was given."""
    settle_arguments(options, os.environ)
    if options.io_uring == "require":
        check_ring(options)
    settle_max_alloc(options, os.environ)
    if options.read_batch is not None:
        return _replay(options, plan_replay(paths))
    job = plan(paths, list_only=options.list_only)
    options.sender = job.sender
    if job.dest is None:
        options.list_only = True
        settle_selection(options)
    check_files_from(options, job)
    load(options)
    if not options.writes_batch:
        return _run(options, job)
    from .batch import BatchFiles

    files = BatchFiles(options, words, paths)
    try:
        return _run(options, job, files)
    finally:
        files.close()


def check_ring(options: Options) -> None:
    """``--io-uring=require``: exit 4 before anything is done where there is no ring."""
    from ..uring.choice import require

    require(options.io_uring_depth, sqpoll=options.io_uring_sqpoll)


def _replay(options: Options, job: Job) -> int:
    """BATCH-3: the batch is the sender; what we would tell it goes nowhere."""
    assert options.read_batch is not None
    from .batch import open_batch

    batch = open_batch(options.read_batch)
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    printer = Printer(options, open_log(options))

    def talk() -> int:
        printer.charset = own_charset(options, printer)
        return converse(options, job, printer, batch, nowhere)

    try:
        options.local = True
        return _logged(printer, talk)
    finally:
        os.close(batch)
        os.close(nowhere)


def _run(options: Options, job: Job, files: BatchFiles | None = None) -> int:
    printer = Printer(options, open_log(options))
    return _logged(printer, lambda: _transfer(options, job, printer, files))


def _logged(printer: Printer, transfer: Callable[[], int]) -> int:
    """A transfer, and its totals for the log however it ends."""
    try:
        code = transfer()
    except (RefsyncError, Interrupted) as error:
        printer.log_totals(error.code, by_peer=isinstance(error, PeerExit))
        raise
    if printer.link is not None:  # a list of modules is no transfer
        printer.log_totals(code)
    return code


def _transfer(options: Options, job: Job, printer: Printer, files: BatchFiles | None) -> int:
    if job.remote is None or not job.remote.daemon:
        refuse_daemon_options(options)
    else:
        from .daemon_client import run_daemon_client

        return run_daemon_client(options, job, printer, files)
    options.local = job.remote is None
    printer.charset = own_charset(options, printer)
    link = Link()
    child = _connect(options, job, printer, link)

    def talk() -> int:
        fds = child.fd_in, child.fd_out
        return converse(options, job, printer, *fds, link=link, files=files, errors=child.errors)

    return with_child(child, talk, printer, options if job.remote is not None else None)


def with_child(
    child: Child, talk: Callable[[], int], printer: Printer | None = None, options: Options | None = None
) -> int:
    """END-14: the exit code of a conversation with a child, whose own may be the greater one.

    After an error here only that of a child that has ended before: what it
    makes of our end is no news. Where the connection broke it may know more,
    and so does what a remote shell has said, which ``printer`` passes on and logs.
    """
    if child.errors is not None and printer is not None:
        child.errors.forward = printer.interject
    try:
        code = talk()
    except RefsyncError as error:
        broken = isinstance(error, PeerClosed | PeerDeaf)
        error.code = max(error.code, child.code(LEAVING if broken else 0.0))
        child.end()
        if broken and child.errors is not None and printer is not None:
            for line in child.errors.tail.splitlines():
                printer.log(line + b"\n")
        if broken and options is not None:
            error.advice = advice(error.code, options)
        raise
    except BaseException:
        child.end(hurry=True)
        raise
    child.close()
    return max(code, child.wait())


def advice(code: int, options: Options) -> str:
    """What to do about a remote shell's exit code; empty if that says nothing certain."""
    shell = options.rsh or os.environ.get("RSYNC_RSH") or "ssh"
    if code == Exit.COMMAND_NOT_FOUND:
        return (
            f'the remote shell ("{shell}") found no program "{options.rsync_path}" on the other host: '
            "install rsync there, or say where it is with --rsync-path"
        )
    if code == Exit.COMMAND_RUN:
        return (
            f'"{options.rsync_path}" on the other host is there but cannot be run: '
            "look at its permissions and at its architecture, or name another with --rsync-path"
        )
    if code == 255:
        return (
            f'"{shell}" could not connect, or not log in: try it by hand, with the same host and user; '
            "what it said is above"
        )
    return ""


def own_charset(options: Options, printer: Printer) -> Charset | None:
    """ICONV-2: that of the names here, if ``--iconv`` is given; exit 4 if it is not known."""
    charset = open_charset(options.iconv, server=False)
    if options.debug["ICONV"] > 1 and not options.eight_bit:
        printer.info(f"msg checking charset: {locale_charset()}\n".encode())
    if charset is not None and options.debug["ICONV"]:
        printer.info(f"[{'sender' if options.sender else 'Receiver'}] charset: {charset.name}\n".encode())
    return charset


def open_log(options: Options) -> Log | None:
    """OUT-14: the file that ``--log-file`` names; in place of one that can't be opened the system's log."""
    if not options.log_file:
        return None
    from ..files.log import Log

    log = Log(options.log_file, tag="rsync")
    if log.failure:
        print(f"rsync: [client] {log.failure}", file=sys.stderr, flush=True)
        if not options.quiet:
            print('Ignoring "log file" setting.', flush=True)
    return log


def server_arguments(options: Options) -> list[str]:
    """What the server is started with, before the dot and the paths."""
    allowed = allow_inc_recurse(options, sender=options.sender)
    return server_args.build(options, inc_recurse=allowed)


def refuse_daemon_options(options: Options) -> None:
    """OPT-6: what only makes sense with a daemon."""
    for name, given, doing in (
        ("password-file", options.password_file is not None, "accessing"),
        ("contimeout", options.contimeout > 0, "connecting to"),
    ):
        if given:
            raise RefsyncError(
                f"The --{name} option may only be used when {doing} an rsync daemon.", Exit.SYNTAX
            )


def tell_command(options: Options, printer: Printer, command: list[str]) -> None:
    """OUT-17: what is run to reach the other end."""
    from .rsh import shown_command

    if options.debug["CMD"]:
        printer.client(b"opening connection using: " + shown_command(command))
    if options.debug["CMD"] > 1:
        words = [b"cmd[%d]=%s " % (at, os.fsencode(word)) for at, word in enumerate(command)]
        printer.client(b"".join(words) + b"\n")


def tell_secluded(options: Options, printer: Printer, words: list[str]) -> None:
    """OUT-17: the arguments that no shell sees."""
    if options.debug["CMD"]:
        from .rsh import shown_command

        printer.client(b"protected args: " + shown_command(words))


def _connect(options: Options, job: Job, printer: Printer, link: Link) -> Child:
    """The server: behind a remote shell, or ourselves in a fork for a local copy.

    Secluded arguments (OPT-11) are the first that it is told over ``link``.
    """
    paths = [job.dest or "."] if options.sender else [path or "." for path in job.sources]
    if job.remote is not None:
        from .rsh import remote_command

        arguments, rest = server_arguments(options), list[str]()
        if options.secluded_args:
            arguments, rest = server_args.seclude(arguments)
            link.write(secluded_block(rest, [os.fsencode(path) for path in paths], printer.charset))
        command = remote_command(job.remote, options, arguments, paths)
        tell_command(options, printer, command)
        child = run_command(command)
        if options.secluded_args:
            tell_secluded(options, printer, [*rest, ".", *paths])
        return child
    options.secluded_args = False
    options.local = True
    if options.whole_file is None and not options.append and not options.writes_batch:
        options.whole_file = True
    arguments = server_arguments(options)

    def serve(fd_in: int, fd_out: int) -> int:
        theirs, rest = parse([*arguments, "--", ".", *paths])
        theirs.local = True
        # A copy of this process also knows what is not told to a server (FILT-18).
        theirs.filters, theirs.from0, theirs.eight_bit = options.filters, options.from0, options.eight_bit
        if theirs.super_user is None and not theirs.fake_super:
            theirs.super_user, theirs.fake_super = options.super_user, options.fake_super
        theirs.io_uring, theirs.io_uring_depth = options.io_uring, options.io_uring_depth
        theirs.io_uring_sqpoll, theirs.zero_copy = options.io_uring_sqpoll, options.zero_copy
        theirs.info, theirs.debug = options.info, options.debug
        return run_server(theirs, [os.fsencode(path) for path in rest], fd_in, fd_out)

    return run_local(serve)


def secluded_block(rest: list[str], paths: list[bytes], charset: Charset | None = None) -> bytes:
    """OPT-11: a program's name, the options that the shell does not see, a dot, the paths; NULs end them.

    With ``charset`` they travel in UTF-8 (ICONV-6).
    """
    words = [b"rsync", *map(os.fsencode, rest), b".", *paths]
    if charset is not None:
        words = [charset.text_to_wire(word) for word in words]
    return encode_arguments([word or b"." for word in words], nulls=True)


def converse(
    options: Options,
    job: Job,
    printer: Printer,
    fd_in: int,
    fd_out: int,
    *,
    link: Link | None = None,
    remote_protocol: int = 0,
    files: BatchFiles | None = None,
    errors: ChildErrors | None = None,
) -> int:
    """The client's half over two descriptors; returns its exit code after printing the totals."""
    printer.link = link = link or Link()
    sessions: list[Session] = []
    started = time.time()

    def on_start(session: Session) -> None:
        sessions.append(session)
        if files is not None:
            files.write_script(session.dialect.protocol)
        printer.attach(session.stats)
        printer.flush()

    sources = [os.fsencode(path) for path in job.sources]
    dest = os.fsencode(job.dest or ".")
    conversation = client.run(
        link,
        options,
        printer,
        sources,
        dest,
        remote_protocol=remote_protocol,
        started=on_start,
        recorder=files.recorder if files is not None else None,
        charset=printer.charset,
    )
    pace = Pace(options.bwlimit, options.stop_at)
    pump = Pump(link, fd_in, fd_out, timeout=options.timeout, pace=pace, errors=errors)
    tasks = Tasks(link, conversation)
    try:
        pump.run(tasks)
    except Interrupted:
        pump.flush(FAREWELL)
        raise
    except RefsyncError as error:
        pump.flush()
        if errors is not None:
            errors.linger()
        printer.finish()
        if sessions or isinstance(error, PeerClosed):
            words = complaint(error, role_of(error, sender=options.sender))
            if words:
                printer.error(words.encode(*ENCODING))
            error.told = True
        raise
    code = int(tasks.results[0])
    if (
        not remote_protocol and options.read_batch is None
    ):  # a process is at the other end, and may have more to say before it ends
        pump.hear_out()
    session = sessions[0]
    if options.sender:
        session.stats.total_read, session.stats.total_written = link.bytes_in, link.bytes_out
    printer.finish()
    print_summary(session, printer, int(time.time()) - int(started))
    return code
