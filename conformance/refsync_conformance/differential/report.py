"""docs/differential.md: what was compared, what may differ, what does; figures lie beside it."""

from __future__ import annotations

import argparse
import datetime
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refsync_conformance.peers.registry import REQUIRED

from . import commands, known, normal

DOCS = Path(__file__).resolve().parents[3] / "docs"
DATA, PAGE = DOCS / "differential.json", DOCS / "differential.md"
RESULTS = ("same", "known", "unknown", "missing")


def pattern(text: str | None) -> re.Pattern[str]:
    return re.compile(text or "")


def record_lines(
    about: Mapping[str, str], chosen: argparse.Namespace, tally: Mapping[tuple[str, str, str], int]
) -> None:
    """Put a run's figures in place of those of an earlier one like it, and write the page."""
    data = load()
    kinds = sorted({kind for kind, _, _ in tally})
    for kind in kinds:
        meetings: dict[str, dict[str, int]] = {}
        for (one, meeting, result), count in sorted(tally.items()):
            if one == kind:
                meetings.setdefault(meeting, dict.fromkeys(RESULTS, 0))[result] += count
        key = f"{about['user']} {about['locale']} {kind}"
        data["lines"][key] = {
            "user": about["user"],
            "locale": about["locale"],
            "kind": kind,
            "control": about["against"],
            "seed": chosen.seed if kind == "random" else None,
            "date": datetime.date.today().isoformat(),
            "meetings": meetings,
        }
    write(data)


def record_filters(chosen: argparse.Namespace, judged: int, runs: int, differ: int) -> None:
    data = load()
    data["filters"] = {
        "pairs": judged,
        "sets": runs,
        "differ": differ,
        "seed": chosen.seed,
        "control": chosen.against,
        "date": datetime.date.today().isoformat(),
    }
    write(data)


def load() -> dict[str, Any]:
    if not DATA.exists():
        return {"lines": {}, "filters": None}
    found = json.loads(DATA.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def write(data: dict[str, Any]) -> None:
    DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(page(data), encoding="utf-8")


def page(data: Mapping[str, Any]) -> str:
    """The page for ``data``, with the rules and the list as they are now."""
    parts = [_HEAD.format(control=REQUIRED), _lines(data["lines"]), _filters(data["filters"])]
    parts += [_rules(), _known(), _left_out()]
    return "\n".join(parts)


_HEAD = """\
# The same command lines, two programs

This page is written by `ci/differential --docs`, which gives refsync and {control} the same command lines
on the same trees, and compares the trees, exit codes, standard output (with its order), standard error and
log files. The lines are made from the option table: each option alone (with `-r` and with `-ai`), all pairs
within a group, and lines at random from a seed. A meeting says where the two ends are and which of them is
refsync, with the control at the other one. What the control itself does not do twice the same is no
difference.

Pairs and lines at random visit one mode each, in turn; options alone visit all.
"""


def _lines(found: Mapping[str, Any]) -> str:
    rows = ["## Command lines", ""]
    for _, one in sorted(found.items()):
        user = "root" if one["user"] == "0" else f"user {one['user']}"
        seed = f", seed {one['seed']}" if one["seed"] is not None else ""
        rows += [
            f"{_KINDS[one['kind']]}, as {user}, `LC_ALL={one['locale']}`{seed} "
            f"({one['date']}, {one['control']}):",
            "",
        ]
        rows += [
            "| meeting | compared | the same | listed below | differ |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        total: Counter[str] = Counter()
        for meeting, counts in sorted(one["meetings"].items()):
            total.update(counts)
            rows.append(_row(f"`{meeting}`", counts))
        rows += [_row("all", total), ""]
        if total["missing"]:
            rows += [f"{total['missing']} more were not reached.", ""]
    return "\n".join(rows)


_KINDS = {
    "alone": "Options alone",
    "pair": "Pairs of options",
    "random": "Lines at random",
    "chosen": "Chosen lines",
}


def _row(name: str, counts: Mapping[str, int]) -> str:
    done = counts["same"] + counts["known"] + counts["unknown"]
    return f"| {name} | {done} | {counts['same']} | {counts['known']} | {counts['unknown']} |"


def _filters(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "## Filter rules\n\nNot run yet: `ci/differential --filters 100000 --docs`.\n"
    sets, last = found["sets"], f"seed {found['seed']}, {found['date']}, {found['control']}"
    return (
        f"## Filter rules\n\n{found['pairs']} pairs of random rules and a path that they judged: {sets} dry "
        f"runs with `--delete` (a quarter of them over a remote shell, so that rules crossed the wire): "
        f"{found['differ']} decisions differ ({last}).\n"
    )


def _rules() -> str:
    rows = ["## What may differ", "", "| about | looked for | put there |", "| --- | --- | --- |"]
    for about, looked_for, instead in normal.RULES:
        rows.append(f"| {about} | {_code(looked_for.pattern)} | {_code(instead)} |")
    rows += [
        "",
        "Lines about items and messages of the generator (`deleting`, `skipping` and the like) are each "
        "compared in their order; how the two are mixed depends on how the writer's buffers are filled.",
        "",
        "Times that a run stamped itself, and the content of batch files, are not compared.",
        "",
    ]
    return "\n".join(rows)


def _code(text: str) -> str:
    return "`` " + text.replace("|", "\\|").replace("\r", "\\r") + " ``" if text else ""


def _known() -> str:
    rows = ["## What does differ", ""]
    listed = known.load()
    if not listed:
        return "\n".join([*rows, "Nothing is listed.", ""])
    rows += [
        "| options | meetings | parts | bound | since | reason |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in listed:
        cells = (_code(one.options.pattern), _code(one.where.pattern), ", ".join(sorted(one.parts)))
        rows.append(f"| {' | '.join(cells)} | {_code(one.bound.pattern)} | {one.date} | {one.reason} |")
    return "\n".join([*rows, ""])


def _left_out() -> str:
    rows = ["## Options that are not tried", "", "| option | why |", "| --- | --- |"]
    rows += [f"| `--{name}` | {why} |" for name, why in sorted(commands.NOT_HERE.items())]
    return "\n".join([*rows, ""])
