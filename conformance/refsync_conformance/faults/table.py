"""The tables of ``docs/audits``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Protocol


class Tried(Protocol):
    """An outcome, as the tables need it."""

    @property
    def workload(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def fault(self) -> str: ...
    @property
    def code(self) -> int | None: ...
    @property
    def wrong(self) -> str: ...


def write_faults(
    path: Path, outcomes: Sequence[Tried], others: Sequence[Tried], tried: int, total: int, seed: int
) -> None:
    """By call site: which faults, which exit codes, which verdicts."""
    bad = [outcome for outcome in (*outcomes, *others) if outcome.wrong]
    counts = f"{tried} of {total} faults were planted (seed {seed}), {len(outcomes)} were met; "
    counts += f"{len(others)} trials with sources that change, a clock that jumps and signals; "
    counts += f"{len(bad)} verdicts were bad."
    lines = [
        "# Faults at every call site",
        "",
        "Made by `ci/faults --table docs/audits/faults.md`; do not edit. The reference's Python data",
        "path is run with one call of the system failing at one place of its source; the places are",
        "recorded by a run without a fault. A verdict is good if the run ended by itself, with an error",
        "that names the fault and an exit code that rsync has for it, or did all without one; every",
        "file of the destination is whole, old or new; no temporary file is left; nothing outside was",
        "touched; and the next run completes.",
        "",
        *wrap(counts, 94),
        "",
        "| Place | Call | Faults met | Exit codes | Bad |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_site: dict[str, list[Tried]] = {}
    for outcome in outcomes:
        file, call = outcome.where.split(" ")
        by_site.setdefault(f"{file.split(':')[0]} | {call}", []).append(outcome)
    for where, those in sorted(by_site.items()):
        faults = Counter(each.fault for each in those)
        codes = Counter("hang" if each.code is None else str(each.code) for each in those)
        wrong = sum(bool(each.wrong) for each in those)
        lines.append(f"| {where} | {_counts(faults)} | {_counts(codes)} | {wrong} |")
    lines += ["", "| Moment | Workload | Exit code | Bad |", "| --- | --- | --- | --- |"]
    lines += [f"| {each.where} | {each.workload} | {each.code} | {each.wrong or 'no'} |" for each in others]
    if bad:
        lines += ["", "## Bad verdicts", ""]
        for each in bad:
            lines.append(
                f"- {each.workload}, `{each.where}` {each.fault}: {each.wrong}".replace("\n", " ")[:400]
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(counted.items()))
