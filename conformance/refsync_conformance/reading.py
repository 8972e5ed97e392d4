"""The verbs that run nothing: what a clause demands, what two runs differ in, vectors, a page drawn again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from refsync_conformance import advisories, clauses, registry, report
from refsync_conformance.results import SCHEMA, schema
from refsync_conformance.vectors.export import export

#: Verdicts that are worse than having passed.
_BAD = frozenset(("fail", "flaky", "error", "xpass"))


class Unreadable(Exception):
    """A clause that doesn't exist, or a file that isn't the results of a run."""


def explain(id: str) -> int:
    """Print a clause, or an entry of the register of advisories, with the cases that judge it."""
    known = {one.id.upper(): one for one in advisories.load().values()}
    if id.upper() in known:
        print(advisories.explain(known[id.upper()]))
        return 0
    table = clauses.load()
    clause = table.get(id.upper())
    if clause is None:
        topic = id.upper().partition("-")[0]
        near = [one for one in table if one.startswith(topic + "-")]
        raise Unreadable(f"no clause is called {id}" + (f"; there are {', '.join(near)}" if near else ""))
    print(f"{clause.id}  {clause.title}  ({clause.strength}, protocols {clause.since} to {clause.until})\n")
    print(" ".join(clause.text.split()))
    print(f"\nupstream: {', '.join(clause.upstream)}")
    cases = [case for case in registry.load().values() if clause.id in (case.clause, *case.also)]
    print("judged by:" if cases else f"judged by no case: {clause.unjudged}")
    for case in cases:
        print(f"    {case.id:12} {case.title}")
    return 0


def export_vectors(directory: Path) -> int:
    """Write the vectors; 1 if the directory can't be written."""
    try:
        groups, vectors = export(directory)
    except OSError as error:
        raise Unreadable(f"{directory}: {error.strerror}") from None
    print(f"{vectors} vectors in {groups} groups: {directory}/index.json")
    return 0


def load_results(path: Path) -> dict[str, Any]:
    """The data of a run. Raises ``Unreadable``."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or "cells" not in data:
        raise Unreadable(f"{path} has no results of this version of the suite")
    return data


def difference(before: Path, after: Path) -> int:
    """Print which cells changed their verdict; 1 if any got worse, else 0."""
    old, new = (_verdicts(load_results(path)) for path in (before, after))
    worse = 0
    for cell in sorted(old.keys() | new.keys()):
        was, now = old.get(cell, "(not run)"), new.get(cell, "(not run)")
        if was != now:
            bad = now in _BAD and was not in _BAD
            worse += bad
            print(f"{'worse' if bad else 'other'}  {cell}: {was} -> {now}")
    print(f"{len(old)} cells before, {len(new)} after; {worse} worse")
    return int(worse > 0)


def _verdicts(data: dict[str, Any]) -> dict[str, str]:
    return {
        f"{cell['case']} {cell['direction']} {cell['transport']} {cell['protocol']} "
        f"{cell['client']}>{cell['server']}": cell["verdict"]
        for cell in data["cells"]
        if not cell["control"]
    }


def draw_again(results: Path, directory: Path) -> int:
    """Write the page of a run whose results are there."""
    data = load_results(results)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in report.pages(data).items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{directory}: {error.strerror}") from None
    print(f"report: {directory / 'index.html'}")
    return 0


def print_schema() -> int:
    """Print the JSON schema of ``results.json``."""
    print(json.dumps(schema(), indent=1))
    return 0
