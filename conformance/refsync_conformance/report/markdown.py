"""``summary.md``: a run on one page of text, for a job's summary or a comment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

MOST = 40
SAID = {
    0: "Conformant",
    1: "Not conformant",
    3: "No verdict: the suite or its control failed",
    4: "Expectations are stale",
}
MARKS = {
    "pass": "✅",
    "xfail": "🟡",
    "unsupported": "⚪",
    "departs": "🔵",
    "flaky": "🟠",
    "xpass": "🟣",
    "fail": "🔴",
    "error": "💥",
}
WRONG = ("fail", "flaky", "xpass", "error", "departs")


def render(data: Mapping[str, Any]) -> str:
    """The summary of a run's data."""
    judged = [peer for peer in data["peers"] if peer["name"] != data["control"]] or data["peers"]
    who = ", ".join(
        f"{peer['name']} {peer['version']} (protocol {peer['protocol']})".replace("  ", " ")
        for peer in judged
    )
    lines = [
        f"## rsync conformance: {SAID.get(data['exit_code'], 'no verdict').lower()}",
        "",
        f"**{who}**, held to {data['control']}: {len(data['cases'])} cases, "
        f"{sum(data['counts'].values())} judged cells in {data['seconds']:.0f} s.",
        "",
        "| " + " | ".join(f"{MARKS[verdict]} {verdict}" for verdict in MARKS) + " |",
        "|" + " ---: |" * len(MARKS),
        "| " + " | ".join(str(data["counts"][verdict]) for verdict in MARKS) + " |",
        "",
        *_clauses(data),
        *_wrong(data),
        *_known(data),
        *_unsupported(data),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _clauses(data: Mapping[str, Any]) -> list[str]:
    met = Counter(clause["verdict"] for clause in data["clauses"])
    parts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(met.items()))
    return [f"Clauses of the specification: {parts}.", ""]


def _inline(text: str) -> str:
    """One line that a table can hold."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:160]


def _wrong(data: Mapping[str, Any]) -> list[str]:
    wrong = [cell for cell in data["cells"] if cell["verdict"] in WRONG]
    if not wrong:
        return []
    titles = {case["id"]: case for case in data["cases"]}
    lines = [
        "### What went wrong",
        "",
        "| | case | clause | where | what |",
        "| --- | --- | --- | --- | --- |",
    ]
    for cell in wrong[:MOST]:
        case = titles[cell["case"]]
        finding = next(iter(cell.get("findings", ())), None)
        what = f"{finding['what']}: {finding['got']}" if finding else cell.get("reason", "")
        place = (
            f"{cell['direction']} {cell['transport']} {cell['protocol']}, {cell['client']} → {cell['server']}"
        )
        lines.append(
            f"| {MARKS[cell['verdict']]} | **{cell['case']}** {_inline(case['title'])} | {case['clause']} "
            f"| {place} | {_inline(what)} |"
        )
    if len(wrong) > MOST:
        lines += ["", f"and {len(wrong) - MOST} more cells; the report has them all."]
    first = next((cell["again"] for cell in wrong if cell.get("again")), "")
    return [*lines, "", *(["The first of them again:", "", "```sh", first, "```", ""] if first else [])]


def _counted(title: str, reasons: Counter[str]) -> list[str]:
    if not reasons:
        return []
    total = sum(reasons.values())
    lines = [
        f"<details><summary>{title}: {total} cells</summary>",
        "",
        "| cells | reason |",
        "| ---: | --- |",
    ]
    lines += [f"| {number} | {_inline(reason)} |" for reason, number in reasons.most_common(MOST)]
    if len(reasons) > MOST:
        lines.append(f"| {sum(sorted(reasons.values())[:-MOST])} | other reasons |")
    return [*lines, "", "</details>", ""]


def _known(data: Mapping[str, Any]) -> list[str]:
    reasons = Counter(cell.get("reason", "") for cell in data["cells"] if cell["verdict"] == "xfail")
    return _counted("Known failures", reasons)


def _unsupported(data: Mapping[str, Any]) -> list[str]:
    reasons = Counter(
        cell.get("reason", "").strip().partition("\n")[0]
        for cell in data["cells"]
        if cell["verdict"] == "unsupported" and not cell["control"]
    )
    return _counted("Not supported", reasons)
