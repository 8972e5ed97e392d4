"""What the client's rules become on the wire, and what each end adds to them.

==========================  =============================================
end                         adds for ``--cvs-exclude``
==========================  =============================================
client, sends               ``:C`` (from protocol 29) and ``-C``, before sending
                            the list; below 29 ``:C`` behind it
client, receives            ``:C`` and ``-C``, after sending the list
receiver of a local copy    ``:C`` and ``-C``
server, sends               ``:C`` and ``-C`` behind what it received
server, receives            below protocol 29 ``:C``
==========================  =============================================

A ``-C`` rule that a sender sends is sent as the patterns that it stands for.

Clauses FILT-11, FILT-12 and FILT-16; upstream ``exclude.c:send_filter_list``,
``recv_filter_list``, ``send_rules``, ``get_rule_prefix``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..typed import Protocol
from ..wire.dialect import Dialect
from ..wire.errors import Exit, RefsyncError
from ..wire.filterlist import DeleteOptions, encode, list_travels
from .rulelist import FilterList
from .rules import (
    CVS,
    MERGE,
    PER_DIR,
    PERISHABLE,
    RECEIVER,
    SENDER,
    Rule,
    kind_of,
    modifiers,
    tail_of,
)


class FilterOptions(DeleteOptions, Protocol):
    """The options that the exchange looks at."""

    @property
    def cvs_exclude(self) -> bool: ...


def client_rules(
    filters: FilterList, options: FilterOptions, dialect: Dialect, *, sender: bool
) -> bytes | None:
    """Make a client's list ready for its side; the bytes to send, None if none are to be sent.

    ``RefsyncError`` (exit 2) if a rule cannot be said in the agreed protocol: upstream
    looks at all of them even if the peer does not want any.
    """
    _prepare(filters, options, dialect)
    if options.cvs_exclude and sender:
        if dialect.filter_prefixes:
            filters.add(":C")
        filters.add("-C")
    filters.settle(SENDER if sender else RECEIVER)
    texts = wire_texts(filters, dialect, sender=sender, delete_excluded=options.delete_excluded)
    if options.cvs_exclude:
        if not sender or not dialect.filter_prefixes:
            filters.add(":C")
        if not sender:
            filters.add("-C")
    return encode(texts) if list_travels(options, dialect, client_sends=sender) else None


def server_rules(
    own: FilterList, received: Iterable[bytes], options: FilterOptions, dialect: Dialect, *, sender: bool
) -> FilterList:
    """A server's list: the module's own rules, what the client sent, and what the options add."""
    filters = own.extended(
        received, old_prefixes=not dialect.filter_prefixes, delete_excluded=options.delete_excluded
    )
    _prepare(filters, options, dialect)
    filters.work_for(SENDER if sender else RECEIVER)
    if options.cvs_exclude:
        if sender or not dialect.filter_prefixes:
            filters.add(":C")
        if sender:
            filters.add("-C")
    return filters


def local_rules(filters: FilterList, options: FilterOptions, dialect: Dialect) -> FilterList:
    """FILT-18: the receiver's list in a local copy, made from the same rules as the sender's; none travel."""
    _prepare(filters, options, dialect)
    if options.cvs_exclude:
        filters.add(":C")
        filters.add("-C")
    filters.settle(RECEIVER)
    return filters


def _prepare(filters: FilterList, options: FilterOptions, dialect: Dialect) -> None:
    if options.delete_excluded:
        filters.delete_excluded()
    if not dialect.filter_modern:
        filters.old_cvs()


def wire_texts(filters: FilterList, dialect: Dialect, *, sender: bool, delete_excluded: bool) -> list[bytes]:
    """FILT-11: the rules that the other side needs, in the words that the protocol has for them."""
    return list(_texts(filters, filters.rules, dialect, sender, delete_excluded))


def _texts(
    filters: FilterList, rules: Sequence[Rule], dialect: Dialect, sender: bool, delete_excluded: bool
) -> Iterable[bytes]:
    own = SENDER if sender else RECEIVER
    for rule in rules:
        if filters.sides_of(rule) == own:
            continue
        if rule.flags & CVS and not rule.flags & MERGE:
            # Whatever it stands for must be sayable, even where the rule itself is sent.
            inner = list(_texts(filters, filters.cvs_rules, dialect, sender, delete_excluded))
            if sender or not dialect.filter_prefixes:
                yield from inner
                continue
        text = wire_text(rule, dialect, sender=sender, delete_excluded=delete_excluded)
        if text is None:
            raise RefsyncError("filter rules are too modern for remote rsync.", Exit.PROTOCOL)
        yield text


def wire_text(rule: Rule, dialect: Dialect, *, sender: bool, delete_excluded: bool) -> bytes | None:
    """One rule as it is sent; None if the protocol has no words for it."""
    flags, tail = rule.flags, tail_of(rule)
    if flags & PERISHABLE and not dialect.filter_modern and sender:
        return None
    if dialect.filter_prefixes:
        return kind_of(flags) + modifiers(flags, perishable=dialect.filter_modern) + b" " + tail
    sayable = RECEIVER if delete_excluded and sender else 0
    if flags & PER_DIR or modifiers(flags, sides=sayable, perishable=False):
        return None
    kind = kind_of(flags)
    if kind == b"-" and rule.pattern[:2] not in (b"- ", b"+ ") and tail != b"!":  # which would clear the list
        return tail
    return kind + b" " + tail
