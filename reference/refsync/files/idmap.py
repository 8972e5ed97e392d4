"""``--usermap``, ``--groupmap``: which of the sender's ids become which of ours, before names are looked at.

A map is a list of ``FROM:TO``, the first match counts. ``FROM`` is a name, a
pattern of names, an id, or a range of ids; nothing stands for ids without a
name. Clause IDS-2; upstream ``uidlist.c:parse_name_map``, ``recv_add_id``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..filters.wildmatch import compile_pattern
from ..records import dataclass
from ..wire.errors import Exit, RefsyncError

_RANGE = r"([0-9]+)(?:-([0-9]+))?"
_MAX_ID = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class IdRule:
    """Ids from ``low`` to ``high``, or with a name that ``named`` takes, become ``to``."""

    to: int
    low: int = -1
    high: int = -1
    named: Callable[[bytes], bool] | None = None

    def matches(self, number: int, name: bytes) -> bool:
        """Whether it is about this id; ``name`` is empty if it has none."""
        if self.named is not None:
            return self.named(name)
        return self.low <= number <= self.high


def parse_map(
    text: str, option: str, find: Callable[[bytes], int | None], say: Callable[[str], object]
) -> tuple[IdRule, ...]:
    """The rules in order. ``find`` looks a local name up; one that isn't there is told and left out.

    ``RefsyncError`` (exit 1) for a text that is no map.
    """
    rules = []
    for pair in text.split(","):
        source, colon, target = pair.partition(":")
        if not colon:
            raise RefsyncError(f"No colon found in --{option}: {pair}", Exit.SYNTAX)
        if not target:
            raise RefsyncError(f"No name found after colon --{option}: {pair}", Exit.SYNTAX)
        low = high = -1
        named: Callable[[bytes], bool] | None = None
        if source[:1].isascii() and source[:1].isdigit():
            import re

            found = re.fullmatch(_RANGE, source)
            if found is None:
                raise RefsyncError(f"Invalid number in --{option}: {source}", Exit.SYNTAX)
            low = high = id_number(found[1])
            # as upstream takes it: up to 0 is no range
            high = id_number(found[2]) or low if found[2] is not None else high
        else:
            raw = source.encode("utf-8", "surrogateescape")
            named = compile_pattern(raw, False) if any(one in source for one in "*?[") else raw.__eq__
        if target.isascii() and target.isdigit():
            to: int | None = id_number(target)
        else:
            to = find(target.encode("utf-8", "surrogateescape"))
        if to is None:
            say(f"Unknown --{option} name on receiver: {target}")
        else:
            rules.append(IdRule(to, low, high, named))
    return tuple(rules)


def id_number(text: str) -> int:
    """A number that an id can have (exit 1)."""
    digits = text.lstrip("0")
    number = int(digits or "0") if len(digits) <= 10 else _MAX_ID + 1
    if number > _MAX_ID:
        raise RefsyncError(f"Invalid ID number: {text}", Exit.SYNTAX)
    return number
