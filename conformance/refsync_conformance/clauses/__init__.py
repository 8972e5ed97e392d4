"""The clauses of the specification as data: what a case cites and a report is sorted by.

Each ``*.toml`` beside this module holds tables ``[[clause]]`` with ``id``, ``strength`` (must, should, may),
``since`` and ``until`` (protocol versions, both included), ``title``, ``text`` and ``upstream``
(``file.c:function``), and where no case can judge it from outside, ``unjudged``: why.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

STRENGTHS = ("must", "should", "may")


class ClauseError(Exception):
    """A clause file that can't be used: the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered statement of the specification."""

    id: str
    strength: str
    since: int
    until: int
    title: str
    text: str
    upstream: tuple[str, ...]
    #: Why no case judges it, where none can from outside.
    unjudged: str = ""

    @property
    def topic(self) -> str:
        """The part of the id before the number: ``FLIST`` of ``FLIST-3``."""
        return self.id.rpartition("-")[0]


def parse(text: str, origin: str) -> list[Clause]:
    """The clauses of one TOML document; ``origin`` is what an error calls it.

    Raises :class:`ClauseError` for a document that is no TOML, a table without id or title, or an unknown
    strength.
    """
    try:
        tables = tomllib.loads(text).get("clause", [])
    except tomllib.TOMLDecodeError as error:
        raise ClauseError(f"{origin}: {error}") from error
    found = []
    for table in tables:
        where = table.get("upstream", ())
        try:
            clause = Clause(
                id=table["id"],
                strength=table.get("strength", "must"),
                since=int(table.get("since", 27)),
                until=int(table.get("until", 32)),
                title=table["title"],
                text=table.get("text", ""),
                upstream=(where,) if isinstance(where, str) else tuple(where),
                unjudged=table.get("unjudged", ""),
            )
        except KeyError as error:
            raise ClauseError(f"{origin}: clause {table.get('id', '?')} has no {error.args[0]}") from error
        if clause.strength not in STRENGTHS:
            raise ClauseError(f"{origin}: clause {clause.id}: unknown strength {clause.strength!r}")
        found.append(clause)
    return found


@cache
def load() -> dict[str, Clause]:
    """All clauses by id, in the order of file name and place.

    Raises :class:`ClauseError` for an id used twice.
    """
    clauses: dict[str, Clause] = {}
    folder = resources.files(__name__)
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if not entry.name.endswith(".toml"):
            continue
        for clause in parse(entry.read_text(encoding="utf-8"), entry.name):
            if clause.id in clauses:
                raise ClauseError(f"{entry.name}: clause {clause.id} is defined twice")
            clauses[clause.id] = clause
    return clauses
