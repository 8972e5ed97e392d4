"""The report: one page that holds everything, works without a network, and starts with what went wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, select_autoescape
from markupsafe import Markup

from refsync_conformance.wiretap.render import MARK_AT, MARKS

PLACES = (("push", "pipe"), ("pull", "pipe"), ("push", "daemon"), ("pull", "daemon"), ("copy", "local"))
#: The verdict that a square shows when several cells share it, the gravest first.
GRAVITY = ("error", "fail", "flaky", "xpass", "xfail", "unsupported", "pass")
SAID = {
    0: "Conformant",
    1: "Not conformant",
    3: "No verdict: the suite or its control failed",
    4: "Expectations are stale",
}


def _asset(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def pair_name(cell: Mapping[str, Any]) -> str:
    return f"{cell['client']} → {cell['server']}"


def columns(cells: list[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """The pairs of a run, the judged ones in the order met, the control's last."""
    judged = list(
        dict.fromkeys(
            pair_name(cell) for cell in cells if not cell["control"] and "script" not in pair_name(cell)
        )
    )
    control = list(
        dict.fromkeys(
            pair_name(cell) for cell in cells if cell["control"] and "script" not in pair_name(cell)
        )
    )
    return [(name, False) for name in judged] + [(name, True) for name in control]


def rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Cases by topic: for each its squares by (pair, place, protocol), and a worst verdict to filter by."""
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for cell in data["cells"]:
        by_case.setdefault(cell["case"], []).append(cell)
    topics: dict[str, dict[str, Any]] = {}
    for case in data["cases"]:
        cells = by_case[case["id"]]
        squares: dict[tuple[str, str, str, int], str] = {}
        alone: list[tuple[str, str]] = []
        for cell in cells:
            if "script" in (cell["client"], cell["server"]):
                # Judged at one end only: there is no pair to show it under.
                alone.append((cell["verdict"], f"{pair_name(cell)} {cell['transport']} {cell['protocol']}"))
                continue
            key = (pair_name(cell), cell["direction"], cell["transport"], cell["protocol"])
            squares[key] = cell["verdict"]
        judged = [cell["verdict"] for cell in cells if not cell["control"]] or [
            cell["verdict"] for cell in cells
        ]
        topic = case["id"].rpartition("-")[0]
        group = topics.setdefault(topic, {"topic": topic, "cases": []})
        group["cases"].append(
            {
                **case,
                "squares": squares,
                "alone": alone,
                "verdicts": sorted(set(judged), key=GRAVITY.index),
                "worst": min(judged, key=GRAVITY.index),
                "number": len(cells),
                "unsupported": sorted({c.get("reason", "") for c in cells if c["verdict"] == "unsupported"}),
            }
        )
    return list(topics.values())


def clause_table(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Clauses that this run met, each with its cases and its worst verdict."""
    worst: dict[str, list[str]] = {}
    case_clause = {case["id"]: case for case in data["cases"]}
    for cell in data["cells"]:
        if not cell["control"]:
            worst.setdefault(case_clause[cell["case"]]["clause"], []).append(cell["verdict"])
    found: dict[str, dict[str, Any]] = {}
    for case in data["cases"]:
        entry = found.setdefault(
            case["clause"],
            {"id": case["clause"], "title": case["clause_title"], "strength": case["strength"], "cases": []},
        )
        entry["cases"].append(case["id"])
        entry["worst"] = min(worst.get(case["clause"], ["unsupported"]), key=GRAVITY.index)

    def order(entry: Mapping[str, Any]) -> tuple[str, int]:
        topic, _, number = entry["id"].rpartition("-")
        return topic, int(number) if number.isdigit() else 0

    return sorted(found.values(), key=order)


def side_by_side(expected: str, got: str) -> Markup:
    """Two texts as two columns, what differs marked line by line; a single line each is shown plainly."""
    one, two = expected.splitlines() or [""], got.splitlines() or [""]
    left, right = [], []
    for mark, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        changed = mark != "equal"
        left += [(changed, line) for line in one[a:b]]
        right += [(changed, line) for line in two[c:d]]
    return Markup(
        '<div class="sides"><div><b>expected</b><pre>{}</pre></div><div><b>got</b><pre>{}</pre></div></div>'
    ).format(_lines(left), _lines(right))


def _lines(found: list[tuple[bool, str]]) -> Markup:
    return Markup("").join(
        Markup('<span class="{}">{}</span>').format("changed" if changed else "same", line)
        for changed, line in found
    )


def wire(text: str) -> Markup:
    """A transcript, each direction in its colour and what breaks a clause marked."""

    def kind(line: str) -> str:
        if MARKS["wrong"] in line[MARK_AT : MARK_AT + 2]:
            return "changed"
        return {">": "client", "<": "server"}.get(line[:1], "same")

    return Markup("").join(
        Markup('<span class="{}">{}</span>').format(kind(line), line) for line in text.splitlines()
    )


def render(data: Mapping[str, Any]) -> str:
    """The page for a run's data (see :func:`refsync_conformance.results.as_data`)."""
    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["side_by_side"] = side_by_side
    environment.globals["wire"] = wire
    wrong = [cell for cell in data["cells"] if cell["verdict"] in ("fail", "flaky", "error", "xpass")]
    wrong.sort(key=lambda cell: (not cell["control"], GRAVITY.index(cell["verdict"]), cell["case"]))
    titles = {case["id"]: case for case in data["cases"]}
    template = environment.from_string(_asset("page.html.j2"))
    return template.render(
        data=data,
        said=SAID.get(data["exit_code"], "No verdict"),
        style=Markup(_asset("style.css")),
        script=Markup(_asset("page.js")),
        topics=rows(data),
        columns=columns(data["cells"]),
        places=PLACES,
        protocols=sorted({cell["protocol"] for cell in data["cells"]}),
        wrong=wrong,
        titles=titles,
        clauses=clause_table(data),
        verdicts=GRAVITY[::-1],
        pair_name=pair_name,
    )
