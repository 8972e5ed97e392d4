"""The ``refsync`` command.

Clauses OPT-1 to OPT-5, END-1, END-2; upstream ``main.c:main``, ``start_client``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from ..files.temp import discard_all
from ..options.daemon_args import is_daemon, parse_daemon
from ..options.model import Options
from ..options.parse import parse
from ..wire.errors import EXIT_TEXT, Exit, RefsyncError


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (without the program's name); returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _set_signals()
    options = Options()
    try:
        options, paths = parse_daemon(arguments) if is_daemon(arguments) else parse(arguments)
        code = _dispatch(options, paths, [sys.argv[0], *arguments])
    except RefsyncError as error:
        code = error.code
        if str(error):
            _complain(options, str(error))
    except KeyboardInterrupt:
        code = Exit.SIGNAL
    except BrokenPipeError:
        code = Exit.MESSAGE_IO
    finally:
        discard_all()
    if code and not options.server:
        _finish_line(options, code)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
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


def _set_signals() -> None:
    """A termination request ends the run as an interrupt does, so that temporary files go away."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _complain(options: Options, text: str) -> None:
    sys.stdout.flush()
    prefix = "" if text.startswith(("rsync: ", "ERROR: ", "@ERROR", "ABORTING")) else "rsync: "
    print(f"{prefix}{text}", file=sys.stderr)


def _finish_line(options: Options, code: int) -> None:
    from .. import __version__

    sys.stdout.flush()
    text = EXIT_TEXT.get(code, "unexplained error")
    kind = "warning" if code == Exit.VANISHED else "error"
    role = "sender" if options.sender else "receiver" if code in (Exit.PARTIAL, Exit.VANISHED) else "client"
    print(f"rsync {kind}: {text} (code {code}) [{role}=refsync {__version__}]", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
