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
    lines += _bad(bad)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_native(path: Path, outcomes: Sequence[Tried]) -> None:
    """The same for the C kernel: its calls, then the sites of the ring."""
    bad = [outcome for outcome in outcomes if outcome.wrong]
    sites = len({outcome.where for outcome in outcomes if ":" in outcome.where})
    lines = [
        "# Faults in the C kernel",
        "",
        "Made by `ci/faults native --table docs/audits/faults-native.md`; do not edit. One call of the",
        "system fails that the kernel makes by itself, at its first call and in the middle of all; a",
        "disk that is full stays full, for Python's calls too. Below that what is submitted to io_uring",
        "ends so, and the ring lacks something. A verdict is good as for",
        "[the Python data path](faults.md); after EINTR, EAGAIN and short work the run has to be whole.",
        "",
        f"{len(outcomes)} faults were met, those of calls at {sites} places; {len(bad)} verdicts were bad.",
        "",
        "| Call or site | Workload | Faults met | Exit codes | Bad |",
        "| --- | --- | --- | --- | --- |",
    ]
    grouped: dict[tuple[bool, str, str], list[Tried]] = {}
    for outcome in outcomes:
        call, _, offset = outcome.where.partition(":")
        grouped.setdefault((not offset, call, outcome.workload), []).append(outcome)
    for (_, call, workload), those in sorted(grouped.items()):
        faults = Counter(each.fault for each in those if each.fault)
        codes = Counter("hang" if each.code is None else str(each.code) for each in those)
        wrong = sum(bool(each.wrong) for each in those)
        lines.append(f"| {call} | {workload} | {_counts(faults) or 'that'} | {_counts(codes)} | {wrong} |")
    lines += _bad(bad)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _bad(bad: Sequence[Tried]) -> list[str]:
    if not bad:
        return []
    shown = (f"- {each.workload}, `{each.where}` {each.fault}: {each.wrong}" for each in bad)
    return ["", "## Bad verdicts", "", *(line.replace("\n", " ")[:400] for line in shown)]


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(counted.items()))
