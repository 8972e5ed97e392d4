"""The table of all surfaces: what each target holds, how much its corpus covers, how fast it runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

from . import corpus, promote, runners
from .measure import Row
from .target import Target

#: Long enough for a rate in two digits.
SECONDS = 1
#: What a target should run a second, if it only has bytes to take apart.
ENOUGH = 5000


def last_finding(name: str) -> str:
    """The day of the last input that was promoted, a dash if there was none."""
    notes = promote.sidecar(name, "any").parent.glob("*.toml")
    return max((str(tomllib.loads(note.read_text())["found"]) for note in notes), default="-")


def table(loaded: Iterable[Target], rows: Iterable[Row], layers: dict[str, float]) -> str:
    """In markdown. Rates are of the plain mutator in one process of the machine that wrote the table."""
    by_name = {row.target: row for row in rows}
    lines = [
        "# What is fuzzed",
        "",
        "Written by `refsync-fuzz audit`. Lines and branches are those of the modules that a target",
        "answers for, as all committed corpora together reach them, without fuzzing. Rates are of the plain",
        "mutator, checks included, a second of processor time in one process. Regressions are inputs that",
        "once broke the oracle; the day is that of the last.",
        "",
        "Branches of each layer: "
        + ", ".join(f"{name} {share:.1f} %" for name, share in layers.items())
        + ".",
        "",
        "| P | target | surface | oracle | inputs | regressions | last | lines | branches | runs a second |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    shown = list(loaded)
    for target in shown:
        row, surface = by_name[target.name], target.surface
        code = ", ".join(f"`{module.removeprefix('refsync.')}`" for module in surface.code)
        broke = len(corpus.files(target.name, "regressions"))
        rate = runners.run_plain(target, seconds=SECONDS, runs=0, seed=1).cpu_rate
        lines.append(
            f"| {surface.priority} | {target.name} | {code} | {surface.oracle} | {row.inputs} | {broke} "
            f"| {last_finding(target.name)} | {row.lines:.0f} % | {row.branches:.0f} % | {rate:.0f} |"
        )
    slow = [target for target in shown if target.surface.slow]
    if slow:
        lines += [
            "",
            f"Of the first two priorities, what may run less than {ENOUGH:,} times a second, and why:",
            "",
        ]
        lines += [f"- {target.name}: {target.surface.slow}" for target in slow]
    return "\n".join(lines) + "\n"
