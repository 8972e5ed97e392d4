"""Which rules travel, and when.

Clauses FILT-1, FILT-11 to FILT-13; upstream ``exclude.c:send_rules``,
``send_filter_list``, ``recv_filter_list``.
"""

from __future__ import annotations

from ..options.model import Options
from ..wire import filterlist
from ..wire.dialect import Dialect
from ..wire.errors import Exit, RefsyncError
from .rulelist import FilterList


def receiver_wants_filters(options: Options, dialect: Dialect) -> bool:
    """FILT-12: a receiver has use for the rules only if they can keep it from deleting."""
    return options.delete and (not options.delete_excluded or dialect.filter_prefixes)


def encode_filters(filters: FilterList, dialect: Dialect, options: Options) -> bytes:
    """FILT-11: the client's rules that concern the server, with the list's end.

    With ``--delete-excluded`` a rule that names no side is the sender's only.
    A rule that the server's version has no words for ends the run (exit 2):
    leaving it out could delete what it protects.
    """
    other = "r" if options.sender else "s"
    texts = []
    for rule in filters.rules:
        sides = "s" if options.delete_excluded and rule.sides == "sr" else rule.sides
        if other not in sides:
            continue
        text = rule.to_wire(prefixes=dialect.filter_prefixes, modern=dialect.filter_modern)
        if text is None:
            shown = rule.pattern.decode("utf-8", "backslashreplace")
            raise RefsyncError(f"filter rules are too modern for remote rsync: {shown}", Exit.PROTOCOL)
        texts.append(text)
    return filterlist.encode(texts)


def protecting(filters: FilterList, options: Options) -> FilterList:
    """FILT-13: the rules that keep a name from being deleted here."""
    if not options.delete_excluded:
        return filters.for_side("r")
    return FilterList([rule for rule in filters.rules if rule.sides != "sr"], "r")
