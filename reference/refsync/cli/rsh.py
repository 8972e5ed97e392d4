"""The command that reaches the other end.

Clauses OPT-2, OPT-9; upstream ``main.c:do_cmd``, ``options.c:safe_arg``.
"""

from __future__ import annotations

import os
import string

from ..wire.errors import Exit, RefsyncError
from .arguments import Remote

_PLAIN = frozenset(string.ascii_letters + string.digits + ",.-_=+@/")
_SHELL_CHARS = set("!#$&;|<>(){}\"'` \t\n\\")
_WILDCARDS = set("*?[]")


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


def protect(argument: str, *, path: bool) -> str:
    """OPT-9: backslashes before what the remote shell would take for its own; a path keeps its wildcards."""
    special = _SHELL_CHARS if path else _SHELL_CHARS | _WILDCARDS
    out = "".join("\\" + char if char in special else char for char in argument)
    if path and argument.startswith("-"):
        return "./" + out
    return out


def remote_command(
    remote: Remote, rsh: str | None, rsync_path: str, server_args: list[str], paths: list[str]
) -> list[str]:
    """The whole command: the shell, the host, rsync, its arguments, a dot, the paths."""
    words = split_command(rsh or os.environ.get("RSYNC_RSH") or "ssh")
    if not words:
        raise RefsyncError("the remote shell is an empty command", Exit.SYNTAX)
    if remote.user:
        words += ["-l", remote.user]
    words.append(remote.host)
    words.append(rsync_path)
    words += [
        protect(argument, path=False) if argument.startswith("--") and "=" in argument else argument
        for argument in server_args
    ]
    words.append(".")
    words += [protect(path, path=True) for path in paths]
    return words


def shown_command(words: list[str]) -> bytes:
    """OUT-17: a command line for a person; upstream ``util1.c:print_child_argv``."""
    shown = [word if all(char in _PLAIN for char in word) else f'"{word}"' for word in words]
    return os.fsencode("".join(f"{word} " for word in shown) + f" ({len(words)} args)\n")
