"""The command line of a daemon: few of a client's options, and some of its own.

Clause DAEMON-23; upstream ``options.c:parse_arguments`` (``long_daemon_options``).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.errors import Exit, RefsyncError
from .model import Options
from .option import Option
from .parse import parse

#: What makes a command line a daemon's.
ONLY_DAEMON = ("config", "daemon", "dparam", "detach", "check-config")
_KNOWN = frozenset(
    (
        *ONLY_DAEMON,
        *("address", "bwlimit", "help", "ipv4", "ipv6", "log-file", "log-file-format", "port"),
        *("server", "sockopts", "verbose"),
    )
)
_HINT = '(Type "rsync --daemon --help" for assistance with daemon mode.)'


def is_daemon(arguments: Sequence[str]) -> bool:
    """Whether a word of the command line is an option of a daemon's alone."""
    for word in arguments:
        if word == "--":
            return False
        name = word[2:].partition("=")[0] if word.startswith("--") else ""
        if name.removeprefix("no-") in ONLY_DAEMON:
            return True
    return False


def parse_daemon(arguments: Sequence[str]) -> tuple[Options, list[str]]:
    """DAEMON-23: the options and the other arguments; ``RefsyncError`` (exit 1) for what no daemon has."""

    def allow(option: Option) -> None:
        if option.name not in _KNOWN:
            raise RefsyncError(f"--{option.name}: unknown option (in daemon mode)\n{_HINT}", Exit.SYNTAX)

    words = ["--help" if word == "-h" else word for word in arguments]
    words = [f"--dparam{_value(word)}" if word.startswith("-M") else word for word in words]
    options, rest = parse(words, allow=allow)
    if not options.daemon and not options.help:
        raise RefsyncError(f"Daemon option(s) used without --daemon.\n{_HINT}", Exit.SYNTAX)
    return options, rest


def _value(word: str) -> str:
    """``-MNAME=VALUE``, ``-M=NAME=VALUE``; the word alone has its value behind it."""
    text = word[2:].removeprefix("=")
    return f"={text}" if text else ""
