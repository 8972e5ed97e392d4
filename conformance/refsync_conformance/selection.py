"""Which cells a run visits: every case's combinations of the axes, times the pairs of peers.

A full product costs more than it tells. By default most cases visit two combinations each, and which these
are takes turns, so that the cases together meet every combination of transport, direction and protocol many
times; a few cases that all others stand on meet them all.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from refsync_conformance.model import PROTOCOLS, SCRIPTED, Breadth, Case, Cell, Judged


@dataclass(frozen=True, slots=True)
class Axes:
    """What a run is limited to; an empty field is no limit. ``pairs`` are (client, server) names."""

    transports: frozenset[str] = frozenset()
    directions: frozenset[str] = frozenset()
    protocols: frozenset[int] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    full: bool = False
    #: The highest version that the judged peers speak: later ones are visited where a case has no other.
    highest: int = max(PROTOCOLS)
    #: One combination for each case, whatever its breadth.
    narrow: bool = False
    #: Each subject with each, not only with the control.
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A case in one combination of the axes: its control cell and the cells that are held to it.

    There is no control for a case that is not ``controlled``.
    """

    case: Case
    control: Cell | None
    judged: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them, the control's first."""
        return (self.control, *self.judged) if self.control else self.judged


def combinations(case: Case, full: bool, turn: int = 0) -> list[tuple[str, str, int]]:
    """(transport, direction, protocol) triples for one case; ``turn`` shifts the protocol versions."""
    places = [
        (transport, direction)
        for transport in case.transports
        for direction in (case.directions if transport != "local" else case.directions[:1])
    ]
    if full:
        return [(*place, protocol) for place in places for protocol in case.protocols]
    if case.breadth is Breadth.FULL:  # the versions that hardly anybody speaks any more over one transport
        return [
            (*place, protocol)
            for place in places
            for protocol in case.protocols
            if protocol >= 30 or place[0] == "pipe" or "pipe" not in case.transports
        ]
    newest = case.protocols[::-1]
    remote = [place for place in places if place[0] != "local"]
    if case.breadth is Breadth.NEWEST:
        return [(*place, newest[0]) for place in _turns(remote or places, turn, 1)]
    if case.breadth is Breadth.NARROW:
        chosen = _turns(remote or places, turn, 1)
    else:
        # Over a pipe one way and from or to a daemon the other way; every fifth case is copied
        # locally instead.
        chosen = (
            _turns(remote, turn, 2) if remote and (turn % 5 or len(remote) == len(places)) else places[:1]
        )
    # Places and versions take turns of lengths with a common divisor: a shift lets all of their pairs occur.
    shift = turn + turn // (len(places) * len(newest) // 2 or 1)
    return [(*place, newest[(shift + index) % len(newest)]) for index, place in enumerate(chosen)]


def _turns(places: list[tuple[str, str]], turn: int, count: int) -> list[tuple[str, str]]:
    """Up to ``count`` places, as unlike each other as may be, from the ``turn``-th on."""
    if len(places) <= count:
        return places
    # Places come transport by transport, so the one most unlike the n-th is its mirror image.
    ahead = places[turn % len(places)]
    back = places[len(places) - 1 - turn % len(places)]
    return [ahead, back][:count]


def pairs(
    case: Case, transport: str, subjects: Sequence[str], control: str, thin: bool
) -> list[tuple[str, str]]:
    """(client, server) for one combination, without the control's own pair.

    ``thin`` leaves out the subject with itself: what two ends of one making agree on is told by the fewer
    cells.
    """
    if case.judged is Judged.CLIENT:
        return [(name, SCRIPTED) for name in subjects]
    if case.judged is Judged.SERVER:
        return [(SCRIPTED, name) for name in subjects]
    if transport == "local":
        return [(name, name) for name in subjects]
    found = []
    for name in subjects:
        found += [(name, control), (control, name)]
        if not thin:
            found.append((name, name))
    return found


def mutual_pairs(case: Case, transport: str, subjects: Sequence[str], control: str) -> list[tuple[str, str]]:
    """Every client with every server, less what the control's own cell is."""
    if case.judged is not Judged.BOTH or transport == "local":
        found = pairs(case, transport, subjects, control, False)
    else:
        found = [(client, server) for client in subjects for server in subjects]
    return [pair for pair in found if pair != control_pair(case, control) or not case.controlled]


def plan_matrix(cases: Sequence[Case], protocols: Mapping[str, int], control: str, axes: Axes) -> list[Group]:
    """Every peer with every other (``protocols`` by name), each pair in versions that both of them speak.

    A pair's newest common version bounds what it visits, so that a peer of few versions is judged by as many
    cases as one of many.
    """
    table = {**protocols, SCRIPTED: max(PROTOCOLS)}
    levels: dict[int, set[tuple[str, str]]] = {}
    for client in table:
        for server in table:
            levels.setdefault(min(table[client], table[server]), set()).add((client, server))
    merged: dict[tuple[str, str, str, int], Group] = {}
    for level, wanted in sorted(levels.items(), reverse=True):
        bound = dataclasses.replace(axes, mutual=True, highest=level, pairs=frozenset(wanted))
        for group in plan(cases, list(protocols), control, bound):
            first = group.cells[0]
            place = (first.case, first.transport, first.direction, first.protocol)
            known = merged.get(place)
            judged = (*known.judged, *group.judged) if known else group.judged
            merged[place] = dataclasses.replace(group, judged=tuple(dict.fromkeys(judged)))
    return list(merged.values())


def control_pair(case: Case, control: str) -> tuple[str, str]:
    if case.judged is Judged.CLIENT:
        return (control, SCRIPTED)
    if case.judged is Judged.SERVER:
        return (SCRIPTED, control)
    return (control, control)


def plan(cases: Iterable[Case], subjects: Sequence[str], control: str, axes: Axes) -> list[Group]:
    """The groups of a run in the order of cases. Groups that the axes leave without a cell are dropped.

    With no subjects the control alone is run: that is how the suite checks itself.
    """
    groups = []
    for case in cases:
        for transport, direction, protocol in _within(case, axes, turn_of(case)):
            thin = not axes.full and case.breadth is not Breadth.FULL
            chosen = [
                pair
                for pair in (
                    mutual_pairs(case, transport, subjects, control)
                    if axes.mutual
                    else pairs(case, transport, subjects, control, thin and not axes.pairs)
                )
                if not axes.pairs or pair in axes.pairs
            ]
            if (subjects or not case.controlled) and not chosen:
                continue
            place = (case.id, transport, direction, protocol)
            groups.append(
                Group(
                    case,
                    Cell(*place, *control_pair(case, control)) if case.controlled else None,
                    tuple(Cell(*place, *pair) for pair in chosen),
                )
            )
    return groups


def turn_of(case: Case) -> int:
    """Neighbours follow each other, and a case keeps its cells whatever else is there."""
    topic, _, number = case.id.rpartition("-")
    return zlib.crc32(topic.encode()) % 97 + int(number) if number.isdigit() else zlib.crc32(case.id.encode())


def _within(case: Case, axes: Axes, turn: int) -> list[tuple[str, str, int]]:
    """The case's combinations that the axes allow; an axis asked for by name is visited even if it wasn't
    its turn.
    """
    named = bool(axes.transports or axes.directions or axes.protocols)
    if spoken := tuple(number for number in case.protocols if number <= axes.highest):
        case = dataclasses.replace(case, protocols=spoken)
    if axes.narrow and case.breadth is not Breadth.NEWEST:
        case = dataclasses.replace(case, breadth=Breadth.NARROW)
    return [
        (transport, direction, protocol)
        for transport, direction, protocol in combinations(case, axes.full or named, turn)
        if (not axes.transports or transport in axes.transports)
        and (not axes.directions or direction in axes.directions or transport == "local")
        and (not axes.protocols or protocol in axes.protocols)
    ]
