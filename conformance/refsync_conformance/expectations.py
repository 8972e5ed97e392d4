"""Known failures of a peer, as data: each with a reason, its bounds and the day it was written.

    [[expect]]
    cell = "DELTA-004 [* pipe 30 *>mine]"   # a glob over the cell's text, or over the case's id alone
    verdict = "fail"                        # or "error"
    reason = "whole files are sent below protocol 31"
    until = "2.0"                           # optional: not expected any more from this version on
    date = 2026-11-23

A failure that is expected is ``xfail``. A pass where a failure was expected is ``xpass``, and an entry that
fits no case is stale: both end a run with exit code 4, so that the list never says more than is true.
"""

from __future__ import annotations

import datetime
import fnmatch
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from refsync_conformance.model import Cell, Outcome, Verdict

#: A failure of what only should be is expected as any other.
WEAK = (Verdict.DEPARTS, Verdict.FAIL)


class ExpectationError(Exception):
    """A file of expectations that can't be read: the message names the entry."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry. ``cell`` is a glob in which only ``*`` and ``?`` are special, brackets are themselves."""

    cell: str
    reason: str
    date: datetime.date
    verdict: Verdict = Verdict.FAIL
    until: str = ""

    def fits(self, cell: Cell) -> bool:
        if "[" not in self.cell:
            return fnmatch.fnmatchcase(cell.case, self.cell)
        return fnmatch.fnmatchcase(str(cell), self.cell.replace("[", "[[]"))


def parse(text: str) -> list[Expectation]:
    """Entries of a TOML document. Raises :class:`ExpectationError`."""
    try:
        tables = tomllib.loads(text).get("expect", [])
    except tomllib.TOMLDecodeError as error:
        raise ExpectationError(str(error)) from error
    found = []
    for number, table in enumerate(tables, 1):
        unknown = set(table) - {"cell", "reason", "date", "verdict", "until"}
        missing = {"cell", "reason", "date"} - set(table)
        if unknown or missing:
            raise ExpectationError(f"entry {number}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        if not isinstance(table["date"], datetime.date) or not str(table["reason"]).strip():
            raise ExpectationError(f"entry {number}: a date (2026-11-23) and a reason are needed")
        verdict = table.get("verdict", "fail")
        if verdict not in (Verdict.FAIL, Verdict.ERROR):
            raise ExpectationError(f"entry {number}: a verdict is fail or error, not {verdict!r}")
        found.append(
            Expectation(
                table["cell"], table["reason"], table["date"], Verdict(verdict), str(table.get("until", ""))
            )
        )
    return found


def version_key(version: str) -> tuple[int, ...]:
    """The numbers in a version, to compare by: ``3.4.1`` is (3, 4, 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def in_force(entries: Iterable[Expectation], version: str) -> list[Expectation]:
    """The entries that hold for a peer of this version."""
    return [one for one in entries if not one.until or version_key(version) < version_key(one.until)]


def apply(entries: Iterable[Expectation], outcomes: Iterable[Outcome]) -> None:
    """Turn expected failures into ``xfail`` and unexpected passes into ``xpass``; cells of the control stay
    as they are.
    """
    wanted = list(entries)
    for outcome in outcomes:
        if outcome.control:
            continue
        for entry in wanted:
            if not entry.fits(outcome.cell):
                continue
            if outcome.verdict is entry.verdict or (outcome.verdict, entry.verdict) == WEAK:
                outcome.verdict, outcome.reason = Verdict.XFAIL, entry.reason
            elif outcome.verdict is Verdict.PASS:
                outcome.verdict, outcome.reason = Verdict.XPASS, f"a failure was expected: {entry.reason}"
            break


def stale(entries: Iterable[Expectation], cells: Iterable[Cell], cases: Iterable[str]) -> list[Expectation]:
    """Entries that fit nothing that exists: no cell of this run, and no case by its id."""
    visited, known = list(cells), list(cases)
    return [
        entry
        for entry in entries
        if not any(entry.fits(cell) for cell in visited)
        and not any(fnmatch.fnmatchcase(id, entry.cell.partition(" ")[0]) for id in known)
    ]


def write(outcomes: Iterable[Outcome], today: datetime.date) -> str:
    """A file that expects every failure of a run, for a first adoption."""
    parts = []
    for outcome in outcomes:
        if outcome.verdict in (Verdict.FAIL, Verdict.DEPARTS, Verdict.ERROR) and not outcome.control:
            first = outcome.findings[0].what if outcome.findings else outcome.reason
            reason = first.replace("\\", "\\\\").replace('"', '\\"').splitlines()[0] if first else "unknown"
            lines = [
                "[[expect]]",
                f'cell = "{outcome.cell}"',
                f'reason = "{reason}"',
                f"date = {today.isoformat()}",
            ]
            if outcome.verdict is Verdict.ERROR:
                lines.append('verdict = "error"')
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n" if parts else ""
