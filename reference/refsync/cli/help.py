"""``--help`` and ``--version``.

Clause OPT-10; upstream ``usage.c:usage``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..options.option import Option
from ..options.table import shown
from .capabilities import as_json, as_text

PLACES = (
    "SRC [SRC]... DEST",
    "SRC [SRC]... [USER@]HOST:DEST",
    "SRC [SRC]... [USER@]HOST::DEST",
    "SRC [SRC]... rsync://[USER@]HOST[:PORT]/DEST",
    "[USER@]HOST:SRC [DEST]",
    "[USER@]HOST::SRC [DEST]",
    "rsync://[USER@]HOST[:PORT]/SRC [DEST]",
)


def names(option: Option) -> str:
    """How an option is written, its long name first: ``--max-size=SIZE``, ``--verbose, -v``."""
    if len(option.name) == 1:
        return f"-{option.name}"
    argument = f"={option.argument}" if option.argument else ""
    name = f"--{option.name}{argument}"
    return f"{name}, -{option.short}" if option.short else name


def help_lines() -> Iterator[str]:
    """The version, the ways to call, a line for each option."""
    yield from as_text()
    yield ""
    yield "refsync copies files, and only what differs of them, from here to there."
    yield ""
    for number, places in enumerate(PLACES):
        yield ("  or   " if number else "Usage: ") + f"refsync [OPTION]... {places}"
    yield "A single ':' is a remote shell; '::' and 'rsync://' are a daemon, whose module comes first."
    yield "With a source alone the files are listed."
    yield ""
    yield "Options"
    for option in shown():
        yield f"{names(option):<24} {option.help}"
    yield "--no-OPTION              turn off an option that another implies (e.g. --no-D)"


def print_help() -> None:
    print("\n".join(help_lines()))


def print_version(times: int) -> None:
    """Once: for a person; twice: JSON."""
    print(as_json() if times > 1 else "\n".join(as_text()))
