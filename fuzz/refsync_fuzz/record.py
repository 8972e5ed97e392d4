"""What has been run, added up: a table in markdown, to which each run adds its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEAD = """\
# What has been run

Coverage-guided runs of each target, added up by `refsync-fuzz run TARGET --record FILE`: how many, how long,
how many inputs, and how many of the runs ended in a finding. What became of the findings is in
`corpus/TARGET/found`.

| target | runs | seconds | executions | findings | last |
| --- | --- | --- | --- | --- | --- |
"""
_ROW = re.compile(r"\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\S+) \|")


@dataclass(slots=True)
class Total:
    """All runs of a target; ``last`` is the day of the last one."""

    runs: int = 0
    seconds: int = 0
    executions: int = 0
    findings: int = 0
    last: str = "-"


def read(path: Path) -> dict[str, Total]:
    """The table; empty if there is no file."""
    if not path.is_file():
        return {}
    return {
        found[1]: Total(int(found[2]), int(found[3]), int(found[4]), int(found[5]), found[6])
        for line in path.read_text().splitlines()
        if (found := _ROW.fullmatch(line))
    }


def add(path: Path, target: str, *, seconds: float, executions: int, findings: int, day: str) -> None:
    """One more run; makes the file if there is none."""
    totals = read(path)
    total = totals.setdefault(target, Total())
    total.runs += 1
    total.seconds += round(seconds)
    total.executions += executions
    total.findings += findings
    total.last = max(day, total.last) if total.last != "-" else day
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(_lines(totals)))


def _lines(totals: dict[str, Total]) -> Iterable[str]:
    for name in sorted(totals):
        one = totals[name]
        yield (f"| {name} | {one.runs} | {one.seconds} | {one.executions} | {one.findings} | {one.last} |\n")
