"""A run as data: ``results.json`` for programs, ``junit.xml`` for continuous integration."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from refsync_conformance import clauses
from refsync_conformance.model import Case, Outcome, Verdict
from refsync_conformance.peers.model import Peer
from refsync_conformance.report import coverage
from refsync_conformance.runner import Run, strength

#: The form of the document, as `report/results.schema.json` has it.
SCHEMA = 3
#: What XML 1.0 can't hold, not even escaped.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many cells ended in each verdict, all verdicts named."""
    found = Counter(outcome.verdict for outcome in outcomes)
    return {verdict.value: found[verdict] for verdict in Verdict}


def again(outcome: Outcome, command: str) -> str:
    """The command that runs one cell again and keeps its scratch directory."""
    cell = outcome.cell
    words = [command, "--cases", cell.case, "--transport", cell.transport, "--protocol", str(cell.protocol)]
    if cell.transport != "local":
        words += ["--direction", cell.direction]
    if not outcome.control:
        words += ["--pair", f"{cell.client}:{cell.server}"]
    return " ".join([*words, "--keep"])


def as_data(
    run: Run, cases: Mapping[str, Case], peers: Iterable[Peer], *, command: str, code: int, control: str
) -> dict[str, Any]:
    """The document that ``results.json`` holds and the report is drawn from."""
    table = clauses.load()
    cells = []
    for outcome in run.outcomes:
        cell = outcome.cell
        entry: dict[str, Any] = {
            "case": cell.case,
            "transport": cell.transport,
            "direction": "copy" if cell.transport == "local" else cell.direction,
            "protocol": cell.protocol,
            "client": cell.client,
            "server": cell.server,
            "control": outcome.control,
            "verdict": outcome.verdict.value,
            "seconds": round(outcome.seconds, 3),
        }
        if outcome.reason:
            entry["reason"] = outcome.reason
        if outcome.verdict not in (Verdict.PASS, Verdict.UNSUPPORTED):
            entry["findings"] = [dataclasses.asdict(finding) for finding in outcome.findings]
            entry["runs"] = [dataclasses.asdict(one) for one in outcome.runs]
            entry["again"] = again(outcome, command)
        if outcome.transcripts:
            entry["transcripts"] = outcome.transcripts
        cells.append(entry)
    visited = {outcome.cell.case for outcome in run.outcomes}
    return {
        "schema": SCHEMA,
        "suite": "refsync-conformance",
        "suite_version": metadata.version("refsync"),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.began)),
        "seconds": round(run.seconds, 1),
        "interrupted": run.interrupted,
        "exit_code": code,
        "control": control,
        "command": command,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "root": os.geteuid() == 0,
        },
        "peers": [
            {"name": one.name, "version": one.version, "protocol": one.protocol, "kind": one.kind}
            for one in peers
        ],
        "counts": counts(outcome for outcome in run.outcomes if not outcome.control),
        "control_counts": counts(outcome for outcome in run.outcomes if outcome.control),
        "cases": [
            {
                "id": case.id,
                "title": case.title,
                "description": case.description,
                "clause": case.clause,
                "also": list(case.also),
                "clause_title": table[case.clause].title if case.clause in table else "",
                "clause_text": table[case.clause].text.strip() if case.clause in table else "",
                "strength": strength(case),
            }
            for id, case in cases.items()
            if id in visited
        ],
        "clauses": coverage.of_run(run.outcomes, cases, table),
        "cells": cells,
    }


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of ``results.json``."""
    text = resources.files("refsync_conformance.report").joinpath("results.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_junit(path: Path, data: Mapping[str, Any]) -> None:
    """A suite for each case, a test for each of its cells; the control's cells are in it, under their own
    names.
    """
    root = ET.Element("testsuites", name="refsync-conformance", time=str(data["seconds"]))
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for cell in data["cells"]:
        by_case.setdefault(cell["case"], []).append(cell)
    titles = {case["id"]: case["title"] for case in data["cases"]}
    for id, cells in by_case.items():
        verdicts = Counter(cell["verdict"] for cell in cells)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"{id} {titles[id]}",
            tests=str(len(cells)),
            failures=str(verdicts["fail"] + verdicts["flaky"] + verdicts["xpass"]),
            errors=str(verdicts["error"]),
            skipped=str(verdicts["unsupported"] + verdicts["xfail"] + verdicts["departs"]),
        )
        for cell in cells:
            _junit_cell(suite, cell)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _junit_cell(suite: ET.Element, cell: Mapping[str, Any]) -> None:
    name = f"{cell['direction']} {cell['transport']} {cell['protocol']} {cell['client']}>{cell['server']}"
    test = ET.SubElement(suite, "testcase", classname=cell["case"], name=name, time=str(cell["seconds"]))
    verdict, reason = cell["verdict"], cell.get("reason", "")
    text = _UNSPEAKABLE.sub(
        "?",
        "\n\n".join(
            f"{one['what']}\nexpected: {one['expected']}\ngot: {one['got']}"
            for one in cell.get("findings", ())
        ),
    )
    match verdict:
        case "fail":
            first = cell["findings"][0]["what"] if cell["findings"] else "failed"
            ET.SubElement(test, "failure", message=_UNSPEAKABLE.sub("?", first)).text = text
        case "departs":
            what = cell["findings"][0]["what"]
            ET.SubElement(test, "skipped", message=_UNSPEAKABLE.sub("?", f"should be, need not: {what}"))
        case "flaky":
            ET.SubElement(test, "failure", message=f"flaky: {reason}").text = text
        case "xpass":
            ET.SubElement(test, "failure", message="passed, but a failure was expected").text = reason
        case "error":
            ET.SubElement(test, "error", message="error of the suite").text = (
                _UNSPEAKABLE.sub("?", reason) + text
            )
        case "unsupported" | "xfail":
            ET.SubElement(test, "skipped", message=_UNSPEAKABLE.sub("?", f"{verdict}: {reason}"))
        case _:
            pass


def default_command() -> str:
    """How the suite was called, as a person would type it."""
    name = Path(sys.argv[0]).name
    return "refsync-conformance run" if name in ("__main__.py", "cli.py", "-c", "") else f"{name} run"
