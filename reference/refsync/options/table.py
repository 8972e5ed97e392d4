"""Every option of rsync 3.4, once: its names, what it takes, what it sets, what it is for.

Parser, help, server arguments and the tests read this table. An option that
can't be had is here too, with what is said to somebody who asks for it.
Clauses OPT-1 to OPT-5; upstream ``options.c:long_options``.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import rows_choosing, rows_saying, rows_updating
from .option import Option

OPTIONS: tuple[Option, ...] = (*rows_saying.OPTIONS, *rows_choosing.OPTIONS, *rows_updating.OPTIONS)


def by_name() -> dict[str, Option]:
    """Long names."""
    return {option.name: option for option in OPTIONS}


def by_letter() -> dict[str, Option]:
    """Short names."""
    return {option.short: option for option in OPTIONS if option.short}


def shown() -> Iterator[Option]:
    """Those that ``--help`` lists."""
    return (option for option in OPTIONS if not (option.hidden or option.refused))
