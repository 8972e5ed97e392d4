"""A module's own filter rules, from the parameters that state them.

The first that matches decides, before any rule of the client's. Clause
DAEMON-8; upstream ``clientserver.c:rsync_module``.
"""

from __future__ import annotations

from ..filters.module import module_texts
from ..filters.source import Source
from ..options.named import read_named
from .config import Section


def module_rules(section: Section) -> list[str]:
    """DAEMON-8: the rules as texts; ``RefsyncError`` if one is wrong or a file can't be read."""
    return module_texts(
        rules=section.text("filter"),
        include_from=section.text("include from"),
        include=section.text("include"),
        exclude_from=section.text("exclude from"),
        exclude=section.text("exclude"),
        source=Source(read=read_named),
    )
