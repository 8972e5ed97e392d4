"""What a run says on the terminal: a line while it goes, then the matrix, the failures and the verdict."""

from __future__ import annotations

import difflib
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from refsync_conformance.model import Outcome, Verdict

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "departs": "cyan",
    "xfail": "yellow",
    "xpass": "bold magenta",
    "flaky": "bold yellow",
    "unsupported": "dim",
    "error": "bold white on red",
}
WRONG = ("fail", "flaky", "error", "xpass", "departs")
SAID = {
    0: "conformant",
    1: "not conformant",
    2: "wrong usage",
    3: "error of the suite or its control",
    4: "stale expectations",
}


class Ticker:
    """Progress: a bar on a terminal, elsewhere a line for each tenth of the way and for whatever went
    wrong.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._total = total
        self._done = 0
        self._verdicts: Counter[Verdict] = Counter()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if self._stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._task = self._bar.add_task("cells", total=total)
            self._bar.start()

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        self._verdicts[outcome.verdict] += 1
        wrong = outcome.verdict in (Verdict.FAIL, Verdict.FLAKY, Verdict.ERROR, Verdict.DEPARTS)
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)
            if wrong:
                self._bar.console.print(
                    Text(f"{outcome.verdict.value:5} {outcome.cell}", STYLES[outcome.verdict])
                )
            return
        if wrong:
            self._say(f"  {outcome.verdict.value:5} {outcome.cell}")
        if self._done * 10 // self._total != (self._done - 1) * 10 // self._total:
            parts = [f"{count} {verdict.value}" for verdict, count in self._verdicts.items()]
            self._say(f"  {self._done} of {self._total} cells: {', '.join(parts)}")

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def matrix(data: Mapping[str, Any]) -> tuple[list[str], dict[str, dict[str, Counter[str]]]]:
    """Column names and, for each pair of peers, the verdicts counted by column. The control's pair comes
    first.
    """
    order = {"local": 0, "pipe": 1, "daemon": 2}
    columns: dict[str, tuple[int, str, int]] = {}
    rows: dict[str, dict[str, Counter[str]]] = {}
    for cell in sorted(data["cells"], key=lambda one: not one["control"]):
        way = cell["transport"] if cell["direction"] == "copy" else f"{cell['direction']} {cell['transport']}"
        column = f"{way} {cell['protocol']}"
        columns[column] = (order[cell["transport"]], cell["direction"], cell["protocol"])
        name = f"{cell['client']} > {cell['server']}" + (" (control)" if cell["control"] else "")
        rows.setdefault(name, {}).setdefault(column, Counter())[cell["verdict"]] += 1
    return sorted(columns, key=lambda one: columns[one]), rows


def _cell(found: Counter[str] | None) -> Text:
    if not found:
        return Text("·", style="dim")
    text = Text()
    for verdict, style in STYLES.items():
        if found[verdict]:
            letter = "" if verdict == "pass" else verdict[0] if verdict[0] != "x" else verdict[:2]
            text.append(f"{' ' if text else ''}{found[verdict]}{letter}", style=style)
    return text


def show(data: Mapping[str, Any], *, stream: TextIO | None = None, most: int = 25) -> None:
    """Print the summary of a run. Off a terminal the same without colours, 120 columns wide."""
    out = stream or sys.stdout
    console = Console(file=out, width=None if out.isatty() else 120, highlight=False)
    columns, rows = matrix(data)
    transports = sorted({column.rpartition(" ")[0] for column in columns}, key=columns_key(columns))
    table = Table(
        title="cells by pair (client > server): pass, f fail, d departs, u unsupported, e error, xf, xp"
    )
    table.add_column("client > server", no_wrap=True)
    for name in transports:
        table.add_column(name, justify="right")
    for pair, found in rows.items():
        merged: dict[str, Counter[str]] = {}
        for column, count in found.items():
            merged.setdefault(column.rpartition(" ")[0], Counter()).update(count)
        table.add_row(pair, *(_cell(merged.get(name)) for name in transports))
    console.print(table)
    protocols: dict[int, Counter[str]] = {}
    for cell in data["cells"]:
        if not cell["control"]:
            protocols.setdefault(cell["protocol"], Counter())[cell["verdict"]] += 1
    for protocol, count in sorted(protocols.items()):
        console.print(Text(f"protocol {protocol}: ") + _cell(count))
    _show_wrong(console, data, most)
    judged = data["counts"]
    parts = ", ".join(f"{number} {verdict}" for verdict, number in judged.items() if number)
    control = ", ".join(f"{number} {verdict}" for verdict, number in data["control_counts"].items() if number)
    console.print(f"{len(data['cases'])} cases, {sum(judged.values())} judged cells: {parts or 'none'}")
    console.print(f"control: {control or 'none'}; {data['seconds']:.0f} s")
    code = data["exit_code"]
    if judged["departs"]:
        console.print(f"departs: {judged['departs']} cells break what should be, but need not be")
    console.print(
        Text(f"verdict: {SAID[code]} (exit {code})", style="bold green" if code == 0 else "bold red")
    )


def columns_key(columns: list[str]) -> Any:
    places = [column.rpartition(" ")[0] for column in columns]
    return places.index


def _show_wrong(console: Console, data: Mapping[str, Any], most: int) -> None:
    wrong = [cell for cell in data["cells"] if cell["verdict"] in WRONG]
    for cell in wrong[:most]:
        axes = f"{cell['direction']} {cell['transport']} {cell['protocol']}"
        place = f"{cell['case']} {axes} {cell['client']}>{cell['server']}"
        console.print(Text(f"{cell['verdict']}: {place}", style=STYLES[cell["verdict"]]))
        for finding in cell.get("findings", ())[:3]:
            console.print(Text(f"    {finding['what']}"))
            for line in brief(finding["expected"], finding["got"]):
                console.print(Text(line))
        if cell.get("reason"):
            console.print(Text(f"    {cell['reason'].strip().splitlines()[-1]}"))
        if cell.get("again"):
            console.print(Text(f"    again: {cell['again']}", style="dim"), soft_wrap=True)
    if len(wrong) > most:
        console.print(f"and {len(wrong) - most} more; the report has them all")


def brief(expected: str, got: str, most: int = 4) -> list[str]:
    """What a reader needs of two texts: of several lines each only those that differ."""
    one, two = expected.splitlines() or [""], got.splitlines() or [""]
    if len(one) == len(two) == 1:
        return [f"      expected  {one[0][:140]}", f"      got       {two[0][:140]}"]
    found: list[str] = []
    for mark, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if mark != "equal":
            found += [f"      expected  {line[:140]}" for line in one[a:b][:most]]
            found += [f"      got       {line[:140]}" for line in two[c:d][:most]]
    return found[: most * 2] + (
        [f"      and {len(found) - most * 2} more lines"] if len(found) > most * 2 else []
    )
