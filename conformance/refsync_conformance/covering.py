"""Covering arrays: few rows of choices in which any two choices of two groups meet at least once.

A fault seldom needs more than two options to show. All combinations of eight groups are tens of thousands,
all pairs of them fit into a few dozen rows. The rows are made without chance, and rows that are there already
stay as they are: a new group or value only adds to them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

#: By group, the values that it can take. A row names one for each.
Groups = Mapping[str, Sequence[str]]
Row = Mapping[str, str]
#: Two choices, each a group with its value, in the order of the groups.
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs(groups: Groups) -> set[Pair]:
    """All that have to meet."""
    return {
        ((one, left), (other, right))
        for one, other in itertools.combinations(groups, 2)
        for left in groups[one]
        for right in groups[other]
    }


def met(row: Row, groups: Groups) -> set[Pair]:
    """What meets in a row."""
    return {
        ((one, row[one]), (other, row[other]))
        for one, other in itertools.combinations(groups, 2)
        if one in row and other in row
    }


def missing(rows: Sequence[Row], groups: Groups) -> set[Pair]:
    """What has to meet and doesn't in any of the rows."""
    return pairs(groups).difference(*(met(row, groups) for row in rows))


def extend(rows: Sequence[Row], groups: Groups) -> list[Row]:
    """The rows, and behind them those that let the rest meet. The same input gives the same rows."""
    found = list(rows)
    left = missing(rows, groups)
    while left:
        row = _row(left, groups)
        found.append(row)
        left -= met(row, groups)
    return found


def _row(left: set[Pair], groups: Groups) -> dict[str, str]:
    """A row that lets many of the missing pairs meet, group by group from the one that lacks the most."""
    (one, left_value), (other, right_value) = min(left)
    row = {one: left_value, other: right_value}
    lacking = {group: sum(group in (first[0], second[0]) for first, second in left) for group in groups}
    for group in sorted(groups, key=lambda name: (-lacking[name], list(groups).index(name))):
        if group not in row:
            row[group] = max(groups[group], key=lambda value: _gain(left, groups, row, group, value))
    return {group: row[group] for group in groups}


def _gain(
    left: set[Pair], groups: Groups, row: Mapping[str, str], group: str, value: str
) -> tuple[int, int, int]:
    """How many missing pairs a value adds to a row; then how many it lacks in all, then the earlier value."""
    order = list(groups)

    def pair(other: str) -> Pair:
        mine, theirs = (group, value), (other, row[other])
        return (mine, theirs) if order.index(group) < order.index(other) else (theirs, mine)

    now = sum(pair(other) in left for other in row)
    later = sum((group, value) in one for one in left)
    return now, later, -list(groups[group]).index(value)
