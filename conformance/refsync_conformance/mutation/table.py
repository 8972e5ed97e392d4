"""The results of a run in markdown: ``docs/audits/mutants.md``."""

from __future__ import annotations

from collections.abc import Sequence

from .hunt import Result

HEAD = """\
# Mutants

Written by `ci/mutants`. Each record of `conformance/mutants` is one fault in a copy of the reference. The
suite judges the copy, with upstream 3.4.1 at the other end, by the cases that the record names. A mutant is
found when a cell fails, and fails again, whose case names the broken clause, and the intact reference passes
that cell.
"""


def table(results: Sequence[Result]) -> str:
    """The document: the count, the misses, all mutants."""
    missed = [result for result in results if result.cell is None]
    found = len(results) - len(missed)
    share = 100 * found / len(results) if results else 0
    lines = [HEAD, f"{len(results)} mutants: {found} found ({share:.0f} %), {len(missed)} missed.", ""]
    if missed:
        lines += ["## Missed", ""]
        lines += [_miss(result) for result in missed]
        lines += [""]
    lines += [
        "## All",
        "",
        "| mutant | what is wrong | code | clause | found by | what was noticed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_row(result) for result in results]
    return "\n".join(lines) + "\n"


def _miss(result: Result) -> str:
    mutant = result.mutant
    text = f"- **{mutant.name}** ({mutant.clause}): {mutant.title}. {result.cells} cells ran"
    if result.elsewhere:
        text += f"; failed without naming the clause: {', '.join(result.elsewhere)}"
    return text + "."


def _row(result: Result) -> str:
    mutant = result.mutant
    where = str(result.cell) if result.cell else "**missed**"
    what = result.finding.what if result.finding else ""
    words = (mutant.name, mutant.title, f"`{mutant.file}`", mutant.clause, where, what)
    return "| " + " | ".join(word.replace("|", "\\|").replace("\n", " ") for word in words) + " |"
