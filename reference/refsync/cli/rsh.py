"""The command that reaches the other end.

Clauses OPT-2, OPT-9; upstream ``main.c:do_cmd``, ``options.c:safe_arg``.
"""

from __future__ import annotations

import os
from itertools import pairwise

from ..options.model import Options
from ..wire.errors import Exit, RefsyncError
from .arguments import Remote

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789,.-_=+@/")
_SHELL_CHARS = set("!#$&;|<>(){}\"'` \t\\")
_WILDCARDS = set("*?[]")
_ESCAPABLE = tuple("*?[]")


def split_command(text: str) -> list[str]:
    """The words of ``-e``: parted by spaces, grouped by quotes; a doubled quote inside stands for itself."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if quote:
            if char == quote:
                if text[at : at + 1] == quote:
                    at += 1
                    word = [*(word or []), char]
                else:
                    quote = ""
            else:
                word = [*(word or []), char]
        elif char in "'\"":
            quote = char
            word = word or []
        elif char == " ":
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [*(word or []), char]
    if quote:
        raise RefsyncError(f"Missing trailing-{quote} in remote-shell command.", Exit.SYNTAX)
    if word is not None:
        words.append("".join(word))
    return words


def protect(argument: str, *, path: bool, tilde: bool = False) -> str:
    """OPT-9: backslashes before what the remote shell would take for its own; a path keeps its wildcards.

    So a backslash before a wildcard of a path stays alone: the user has escaped it.
    ``tilde``: a home directory is not meant. A newline is put in quotes,
    because a shell drops it behind a backslash.
    """
    special = _SHELL_CHARS if path else _SHELL_CHARS | _WILDCARDS
    out = ["./"] if path and argument.startswith("-") else []
    if tilde and argument.startswith("~"):
        out.append("\\")
    for at, char in enumerate(argument):
        if char == "\n":
            out.append("'\n'")
        elif char in special and not (path and char == "\\" and argument[at + 1 : at + 2] in _ESCAPABLE):
            out.append("\\" + char)
        else:
            out.append(char)
    return "".join(out)


def is_own_tilde(path: str, options: Options) -> bool:
    """OPT-9: whether a leading tilde names a file, where what may be sent depends on the name asked for."""
    if options.sender or options.trust_sender or options.old_args:
        return False
    return "/./" not in path if options.relative else "/" not in path


def remote_command(remote: Remote, options: Options, server_args: list[str], paths: list[str]) -> list[str]:
    """The whole command: the shell, the host, rsync, its arguments, a dot, the paths.

    With secluded arguments there are no paths here, and with ``--old-args`` the
    remote shell may split them, if it is given twice the options too.
    """
    old = options.old_args or 0
    raw = old > 1 or bool(options.secluded_args)
    words = _shell(remote, options)
    words += server_args if raw else [_option(word, options, old) for word in server_args]
    if options.secluded_args:
        return words
    words.append(".")
    for path in paths:
        if old:
            words.append("./" + path if path.startswith("-") else path)
        else:
            words.append(protect(path, path=True, tilde=is_own_tilde(path, options)))
    return words


def daemon_command(remote: Remote, options: Options) -> list[str]:
    """OPT-8: a daemon that serves one connection over the remote shell."""
    return [*_shell(remote, options, daemon=True), "--server", "--daemon", "."]


def _option(word: str, options: Options, old: int) -> str:
    if old and word in options.remote_options:
        return word
    return protect(word, path=False)


def _shell(remote: Remote, options: Options, *, daemon: bool = False) -> list[str]:
    words = split_command(options.rsh or os.environ.get("RSYNC_RSH") or "ssh")
    if not words:
        raise RefsyncError("the remote shell is an empty command", Exit.SYNTAX)
    is_ssh = os.path.basename(words[0]) == "ssh"
    named = any(word == "-l" and not after.startswith("-") for word, after in pairwise(words))
    if remote.user and not (daemon and named):
        words += ["-l", remote.user]
    if is_ssh and options.address_family:
        words.append(f"-{options.address_family}")
    return [*words, remote.host, options.rsync_path]


def shown_command(words: list[str]) -> bytes:
    """OUT-17: a command line for a person; upstream ``util1.c:print_child_argv``."""
    shown = [word if all(char in _PLAIN for char in word) else f'"{word}"' for word in words]
    return os.fsencode("".join(f"{word} " for word in shown) + f" ({len(words)} args)\n")
