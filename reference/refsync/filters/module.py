"""The rules that a daemon's configuration gives a module, as texts for ``FilterList.from_options``.

The parameters are read in the order ``filter``, ``include from``, ``include``,
``exclude from``, ``exclude``; the lists are split at white space, the files into
lines. A pattern with a slash anywhere is about the path from the module's
root, and to exclude a directory is to exclude what is in it.

Clause DAEMON-8; upstream ``clientserver.c:rsync_module``.
"""

from __future__ import annotations

import os

from .rulelist import FilterList
from .rules import INCLUDE, WORDS, as_bytes, format_rule
from .source import Source


def module_texts(
    *,
    rules: str = "",
    include_from: str = "",
    include: str = "",
    exclude_from: str = "",
    exclude: str = "",
    source: Source | None = None,
) -> list[str]:
    """The texts in order; ``RefsyncError`` if a rule is wrong (exit 1) or a file is not there (exit 11)."""
    made = FilterList(source=source or Source(), module_root=b"/")
    made.add_of_module(as_bytes(rules), WORDS)
    for path, patterns, kind in ((include_from, include, INCLUDE), (exclude_from, exclude, 0)):
        if path:
            made.add_file_of_module(as_bytes(path), kind)
        made.add_of_module(as_bytes(patterns), kind | WORDS, old_prefixes=True)
    return [os.fsdecode(format_rule(rule)) for rule in made.rules]
