"""The table of all cases: the decorator that fills it and the look-ups on it."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from refsync_conformance.model import Case, Judged
from refsync_conformance.trial import Trial

_CASES: dict[str, Case] = {}
_ID = re.compile(r"[A-Z]+-\d{3}")


class RegistryError(Exception):
    """A case that can't be registered, or a pattern that names none."""


def case(id: str, *, clause: str, title: str, **axes: Any) -> Callable[[Callable[[Trial], None]], Case]:
    """Register a function as a case; ``axes`` are the further fields of :class:`Case`.

    A case that judges one end only visits pipe and daemon but no direction: a local copy has no other end,
    and what the suite plays has no files. Raises :class:`RegistryError` for a malformed id or one that is
    taken.
    """
    if not _ID.fullmatch(id):
        raise RegistryError(f"{id}: an id is TOPIC-NNN")
    if id in _CASES:
        raise RegistryError(f"{id} is defined twice")
    if axes.get("judged", Judged.BOTH) != Judged.BOTH:
        axes = {"transports": ("pipe",), "directions": ("push",), **axes}

    def enter(function: Callable[[Trial], None]) -> Case:
        made = Case(id=id, clause=clause, title=title, run=function, **axes)
        _CASES[id] = made
        return made

    return enter


@cache
def load() -> dict[str, Case]:
    """Import every module of :mod:`refsync_conformance.cases`; all cases by id, sorted."""
    from refsync_conformance import cases

    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    return {id: _CASES[id] for id in sorted(_CASES)}


def select(patterns: Iterable[str]) -> list[Case]:
    """The cases whose id matches one of the globs, all for no pattern. Raises :class:`RegistryError` if one
    fits none.
    """
    table = load()
    chosen: dict[str, Case] = {}
    wanted = list(patterns)
    for pattern in wanted:
        fitting = [id for id in table if fnmatch.fnmatchcase(id, pattern.upper())]
        if not fitting:
            raise RegistryError(f"no case matches {pattern}")
        chosen.update((id, table[id]) for id in fitting)
    return list(chosen.values()) if wanted else list(table.values())
