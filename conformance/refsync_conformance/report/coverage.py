"""Which clauses of the specification a run has judged, and how: those that it left out are named too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from refsync_conformance.clauses import Clause
from refsync_conformance.model import Case, Outcome

#: The verdict that stands for several, the gravest first.
GRAVITY = ("error", "fail", "flaky", "xpass", "departs", "xfail", "pass", "unsupported")
NOT_RUN, NO_CASE, UNJUDGED = "not run", "no case", "unjudged"


def worst(verdicts: Iterable[str]) -> str:
    """The gravest of some verdicts; what passed outweighs what could not be judged."""
    return min(verdicts, key=GRAVITY.index, default=NOT_RUN)


def of_run(
    outcomes: Iterable[Outcome], cases: Mapping[str, Case], clauses: Mapping[str, Clause]
) -> list[dict[str, Any]]:
    """Every clause with the cases that judge it and the verdict that it got in this run.

    ``not run``: none of its cases was; ``no case``: there is none yet; ``unjudged``: no case can tell from
    outside.
    """
    by_case: dict[str, list[str]] = {}
    for outcome in outcomes:
        if not outcome.control:
            by_case.setdefault(outcome.cell.case, []).append(outcome.verdict.value)
    judges: dict[str, list[str]] = {}
    for case in cases.values():
        for id in dict.fromkeys((case.clause, *case.also)):
            judges.setdefault(id, []).append(case.id)
    found = []
    for clause in clauses.values():
        names = judges.get(clause.id, [])
        verdict = worst(one for name in names for one in by_case.get(name, ()))
        if not names:
            verdict = UNJUDGED if clause.unjudged else NO_CASE
        found.append(
            {
                "id": clause.id,
                "topic": clause.topic,
                "title": clause.title,
                "strength": clause.strength,
                "since": clause.since,
                "until": clause.until,
                "cases": names,
                "verdict": verdict,
                **({"unjudged": clause.unjudged} if clause.unjudged else {}),
            }
        )
    return sorted(found, key=lambda entry: (entry["topic"], _number(entry["id"])))


def _number(id: str) -> int:
    number = id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def by_topic(table: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The clauses by topic, and whether something is wrong there."""
    topics: dict[str, dict[str, Any]] = {}
    for clause in table:
        entry = topics.setdefault(clause["topic"], {"topic": clause["topic"], "clauses": [], "wrong": False})
        entry["clauses"].append(clause)
        entry["wrong"] |= clause["verdict"] in ("fail", "error", "flaky", "xpass")
    return list(topics.values())
