"""The table of deviations, filled by the modules of this package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Side = Literal["sender", "receiver"]

#: The victim must end with an error of the protocol.
REFUSED = frozenset((2, 4, 12, 22))
#: It may also skip what is wrong, and end as after any file that could not be transferred.
SKIPPED = REFUSED | {23, 24}
#: It may as well not care; what counts is what became of the files.
HARMLESS = SKIPPED | {0}

#: Of what the wire has from protocol 30 on: below there is nothing to deviate from.
NEWER = (30, 31, 32)


@dataclass(frozen=True, slots=True)
class Deviation:
    """One deviation.

    ``number`` makes the ids of its cases and is never used again. ``side`` is
    the deviant's: a ``sender`` is aimed at a receiver. ``expect`` are the exit codes that
    the victim may end with, ``options`` those that both sides run with, ``judges`` who can be
    its victim. ``source`` is what is asked for, ``keeps`` names files of the destination that must stay
    as they are. ``advisory`` is the entry of the register of advisories that it is drawn from.
    """

    number: int
    name: str
    title: str
    clause: str
    side: Side
    apply: Callable[[], None]
    expect: frozenset[int] = REFUSED
    options: tuple[str, ...] = ()
    source: str = "src/"
    keeps: tuple[str, ...] = ()
    judges: tuple[str, ...] = ("client", "server")
    #: Versions in which it bites.
    protocols: tuple[int, ...] = (28, 29, 30, 31, 32)
    advisory: str = ""

    @property
    def description(self) -> str:
        """What the deviant does, and what must come of it."""
        lines = [line.strip() for line in (self.apply.__doc__ or "").strip().splitlines()]
        if self.advisory:
            named = self.advisory.startswith("CVE-")
            lines.append(f"Drawn from {self.advisory if named else 'the fault ' + self.advisory}.")
        return "\n".join(lines)


MODULES = (
    "lists",
    "sublists",
    "answers",
    "requests",
    "frames",
    "compressed",
    "alternates",
    "attached",
    "stale",
)
_TABLE: dict[str, Deviation] = {}


def deviation(
    number: int, name: str, title: str, *, clause: str, side: Side, **rest: Any
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a function that patches the reference; ``rest`` are further fields of ``Deviation``."""

    def enter(apply: Callable[[], None]) -> Callable[[], None]:
        taken = [one for one in _TABLE.values() if one.number == number or one.name == name]
        if taken:
            raise ValueError(f"deviation {number} {name} is there already: {taken[0].name}")
        _TABLE[name] = Deviation(number, name, title, clause, side, apply, **rest)
        return apply

    return enter


@cache
def load() -> dict[str, Deviation]:
    """All deviations by name."""
    for module in MODULES:
        importlib.import_module(f"{__package__}.{module}")
    return dict(sorted(_TABLE.items(), key=lambda item: item[1].number))


def wrap(owner: object, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put ``make(original)`` in the place of a function or method. ``AttributeError`` if there is none."""
    setattr(owner, name, make(getattr(owner, name)))
