"""The ``refsync`` command.

Clauses OPT-1 to OPT-5, END-1, END-2; upstream ``main.c:main``, ``start_client``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..files.interrupt import Interrupted, install
from ..files.temp import discard_all
from ..options.daemon_args import is_daemon, parse_daemon
from ..options.model import Options
from ..options.parse import parse
from ..wire.errors import Exit, RefsyncError

#: Beginnings of messages that upstream prints without its name in front.
_BARE = ("[", "rsync: ", "@ERROR", "ABORTING", "iconv_open(", "Unknown --", "unknown c", "Failed to nego")


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (without the program's name); returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    install()
    options, role = Options(), "client"
    end: RefsyncError | Interrupted | None = None
    try:
        if is_daemon(arguments):
            options, paths = parse_daemon(arguments)
        else:
            options, paths = parse(arguments, options, whole=False)
        role = ""
        code = _dispatch(options, paths, [program(), *arguments])
    except RefsyncError as error:
        code, end = error.code, error
        role = "client" if error.early else role
    except Interrupted as stop:
        code, end = stop.code, stop
    except BrokenPipeError:
        code = Exit.MESSAGE_IO
    except (OSError, MemoryError) as error:
        from ..engine.ending import from_system

        end = from_system(error)
        code = end.code
    finally:
        discard_all()
    if code and not options.check_config:  # which has said all there is to say
        _say(options, int(code), end, role)
    return _last_flush(int(code))


def program() -> str:
    """What runs this program again by itself, for scripts: ``python -m`` leaves a module's file."""
    here = sys.argv[0] if sys.argv else ""
    if here.endswith(".py") and not os.access(here, os.X_OK):
        beside = os.path.join(os.path.dirname(sys.executable), "refsync")
        return beside if os.access(beside, os.X_OK) else "refsync"
    return here


def _last_flush(code: int) -> int:
    """What stands in buffers goes out; if nobody takes it, that is exit 13."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            code = code or Exit.MESSAGE_IO
    return int(code)


def _dispatch(options: Options, paths: list[str], words: list[str]) -> int:
    """Hand over to the mode that the options ask for; what is not needed is not imported."""
    if options.help_on:
        levels = options.info if options.help_on == "info" else options.debug
        print("\n".join(levels.help_lines()))
        return Exit.OK
    if options.help:
        from .help import print_help

        print_help()
        return Exit.OK
    if options.version:
        from .help import print_version

        print_version(options.version)
        return Exit.OK
    if options.daemon:
        if options.server:
            from ..daemon.server import serve_over_shell

            return serve_over_shell(options)
        from ..daemon.server import run_daemon

        return run_daemon(options)
    if options.server:
        from .serve import run_server

        return run_server(options, [os.fsencode(path) for path in paths], 0, 1)
    from .client import run_client

    return run_client(options, paths, words)


def _say(options: Options, code: int, end: RefsyncError | Interrupted | None, role: str) -> None:
    """The error that ended the run, if it has not been told, and END-1's last line; both for the log too.

    A server's client has told them, or will; and so has a peer that ended the run (END-7), but for the log. A
    server whose arguments are wrong has told nobody yet (OPT-5).
    """
    from ..engine.ending import OF_RULES, closing_line, place_of, role_of
    from ..engine.session import PeerExit
    from .messages import escape

    serving = options.server and not options.daemon
    if serving and not (isinstance(end, RefsyncError) and end.early):
        return
    if isinstance(end, PeerExit) and (not options.log_file or options.info["STATS"]):
        return
    role = "server" if serving else role
    text = ""
    if isinstance(end, RefsyncError) and not end.told and str(end):
        texts = (*_BARE, *OF_RULES)
        bare = str(end).startswith(texts if role else (*texts, "ERROR: ", "The "))
        where = "on remote machine: " if serving and str(end).endswith(": unknown option") else ""
        if str(end).startswith(("failed to connect to ", "failed to open exclude ", "Failed to exec ")):
            where = f"[{role or role_of(end, sender=options.sender)}] "
        text = f"{end}\n" if bare else f"rsync: {where}{end}\n"
    if isinstance(end, RefsyncError) and end.advice:
        text += f"rsync: {end.advice}\n"
    place = place_of(end) if end is not None else f"main.py({sys._getframe(1).f_lineno})"
    text += closing_line(code, role or role_of(end, sender=options.sender), place)
    raw = text.encode("utf-8", "surrogateescape")
    try:
        sys.stdout.flush()
        for line in raw.splitlines(keepends=True):  # a peer may have put in what moves the cursor
            sys.stderr.write(escape(line, eight_bit=options.eight_bit).decode("utf-8", "surrogateescape"))
        sys.stderr.flush()
        if options.log_file and not options.daemon:
            from ..files.log import Log

            Log(options.log_file, tag="rsync").write(raw)
    except OSError:
        pass  # nobody is left to be told
