"""The report: one page that holds everything, works without a network, and starts with what went wrong."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, select_autoescape
from markupsafe import Markup

from refsync_conformance.model import SCRIPTED
from refsync_conformance.report import badge, coverage, markdown
from refsync_conformance.report.coverage import GRAVITY, worst
from refsync_conformance.report.markdown import SAID
from refsync_conformance.wiretap.render import MARK_AT, MARKS

PLACES = (("push", "pipe"), ("pull", "pipe"), ("push", "daemon"), ("pull", "daemon"), ("copy", "local"))
#: Each end with the other.
ENDS = (("client", "server"), ("server", "client"))
#: As a legend lists them.
LISTED = ("pass", "unsupported", "xfail", "xpass", "departs", "flaky", "fail", "error")
WRONG = ("fail", "flaky", "error", "xpass", "departs")


def _asset(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def pair_name(cell: Mapping[str, Any]) -> str:
    return f"{cell['client']} → {cell['server']}"


def columns(cells: list[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """The pairs of a run, the judged ones in the order met, the control's last."""
    paired = [cell for cell in cells if SCRIPTED not in (cell["client"], cell["server"])]
    judged = dict.fromkeys(pair_name(cell) for cell in paired if not cell["control"])
    control = dict.fromkeys(pair_name(cell) for cell in paired if cell["control"])
    return [(name, False) for name in judged] + [(name, True) for name in control]


def rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Cases by topic: for each its squares by (pair, place, protocol), and a worst verdict to filter by."""
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for number, cell in enumerate(data["cells"]):
        by_case.setdefault(cell["case"], []).append({**cell, "anchor": anchor(cell, number)})
    topics: dict[str, dict[str, Any]] = {}
    for case in data["cases"]:
        cells = by_case[case["id"]]
        squares: dict[tuple[str, str, str, int], str] = {}
        alone: list[tuple[str, str]] = []
        for cell in cells:
            if SCRIPTED in (cell["client"], cell["server"]):
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
                "worst": worst(judged),
                "cells": cells,
                "axes": _axes(cells),
                "again": f"{data['command']} --cases {case['id']}",
            }
        )
    return list(topics.values())


def anchor(cell: Mapping[str, Any], number: int) -> str:
    """The name by which a page can be pointed at what is told of a cell; empty if nothing is."""
    return f"cell-{number}" if cell["verdict"] in WRONG else ""


def _axes(cells: list[Mapping[str, Any]]) -> str:
    """The words that the filters of the page look for in a case."""
    found = set()
    for cell in cells:
        if not cell["control"]:
            role = (
                "client" if cell["server"] == SCRIPTED else "server" if cell["client"] == SCRIPTED else "both"
            )
            found |= {f"p{cell['protocol']}", cell["transport"], cell["direction"], f"role-{role}"}
    return " ".join(sorted(found))


def overview(data: Mapping[str, Any], topics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The picture on top: by topic, a square for each case in the colour of its gravest verdict."""
    found = []
    for group in topics:
        counts = Counter(case["worst"] for case in group["cases"])
        good = counts["pass"] + counts["xfail"]
        judged = len(group["cases"]) - counts["unsupported"]
        found.append({**group, "good": good, "judged": judged})
    return found


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
    wrong = [
        {**cell, "anchor": anchor(cell, number)}
        for number, cell in enumerate(data["cells"])
        if cell["verdict"] in WRONG
    ]
    wrong.sort(key=lambda cell: (not cell["control"], GRAVITY.index(cell["verdict"]), cell["case"]))
    topics = rows(data)
    template = environment.from_string(_asset("page.html.j2"))
    return template.render(
        data=data,
        said=SAID.get(data["exit_code"], "No verdict"),
        style=Markup(_asset("style.css")),
        script=Markup(_asset("page.js")),
        topics=topics,
        overview=overview(data, topics),
        columns=columns(data["cells"]),
        places=PLACES,
        protocols=sorted({cell["protocol"] for cell in data["cells"]}),
        wrong=wrong,
        titles={case["id"]: case for case in data["cases"]},
        clauses=coverage.by_topic(data["clauses"]),
        clause_counts=Counter(clause["verdict"] for clause in data["clauses"]),
        ran={case["id"] for case in data["cases"]},
        verdicts=LISTED,
        pair_name=pair_name,
    )


def pages(data: Mapping[str, Any]) -> dict[str, str]:
    """All that is drawn from a run's data, by file name."""
    return {
        "index.html": render(data),
        "badge.svg": badge.render(data),
        "summary.md": markdown.render(data),
    }
