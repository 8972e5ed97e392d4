"""The differential harness: its lines, its rules, its list, its page; and that it sees what differs."""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import pytest
from refsync.options.table import OPTIONS
from refsync_conformance.differential import commands, known, normal, report
from refsync_conformance.differential.commands import Line
from refsync_conformance.differential.known import Known
from refsync_conformance.differential.programs import Cold
from refsync_conformance.differential.run import Bench, Difference
from refsync_conformance.differential.state import State, Task

#: Copies its last argument but one to its last, and says so.
COPIES = """#!/bin/sh
while [ $# -gt 2 ]; do shift; done
mkdir -p "$2" && cp -a "$1." "$2"
echo one; echo two
"""


def test_each_option_of_the_table_is_tried_or_left_out_for_a_reason() -> None:
    assert commands.check() == []
    tried = {option.name for group in commands.groups() for option in group}
    for option in OPTIONS:
        assert (option.name in tried) != (option.name in commands.NOT_HERE or bool(option.refused)), (
            option.name
        )


def test_lines_at_random_are_the_same_for_a_seed() -> None:
    assert list(commands.at_random(30, 4)) == list(commands.at_random(30, 4))
    assert list(commands.at_random(30, 4)) != list(commands.at_random(30, 5))


def test_pairs_are_of_one_table_and_none_comes_twice() -> None:
    lines = list(commands.pairs())
    assert len(lines) == len(set(lines)) == sum(len(g) * (len(g) - 1) // 2 for g in commands.groups())


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "rsync error: some (code 23) at main.c(1338) [sender=3.4.1]",
            "rsync error: some (code 23) [sender=VERSION]",
        ),
        (
            "rsync error: some (code 23) [sender=refsync 0.1.0]",
            "rsync error: some (code 23) [sender=VERSION]",
        ),
        ("sent 5 bytes  received 6 bytes  7.00 bytes/sec", "sent # bytes  received # bytes  # bytes/sec"),
        ("/tmp/x/area/f in tmp/x/area", "AREA/f in AREA"),
        (">f+++++++++ name", ">f+++++++++ name"),
    ],
)
def test_what_may_differ_is_replaced_and_nothing_else(line: str, shown: str) -> None:
    assert normal.lines(line.encode(), {"/tmp/x/area": "AREA"}) == [shown]


def test_a_program_is_compared_with_itself_and_with_others(tmp_path: Path) -> None:
    programs = {}
    for name, more in (("same", ""), ("fails", "exit 3"), ("other", "echo three"), ("loses", 'rm "$2/big"')):
        path = tmp_path / name
        path.write_text(COPIES + more + "\n")
        path.chmod(0o755)
        programs[name] = Cold(path, {"PATH": os.environ["PATH"]})
    swapped = tmp_path / "swapped"
    swapped.write_text(COPIES.replace("echo one; echo two", "echo two; echo one"))
    swapped.chmod(0o755)
    programs["swapped"] = Cold(swapped, {"PATH": os.environ["PATH"]})
    found = {}
    for name, program in programs.items():
        root = tmp_path / f"root-{name}"
        root.mkdir()
        bench = Bench(root, programs["same"], program)
        (difference,) = bench.compare(Line(("-a",)), ["local"])
        found[name] = set(difference.parts) if difference else None
        bench.close()
    assert found == {
        "same": None,
        "fails": {"exit code"},
        "other": {"standard output"},
        "loses": {"tree"},
        "swapped": {"order"},
    }


def entry(**more: str) -> Known:
    given = {"options": "--bwlimit", "where": "", "bound": r"^[-+] rsync: ", **more}
    compiled = {name: re.compile(text) for name, text in given.items()}
    return Known(
        **compiled, parts=frozenset({"standard error"}), reason="why", date=datetime.date(2026, 1, 1)
    )


def test_a_known_difference_explains_no_more_than_it_says() -> None:
    line = Line(("-a", "--bwlimit=1"))
    one = Difference(line, "push/client", {"standard error": ["- rsync: x", "+ rsync: y"]})
    assert known.explain(one, [entry()]) == "why"
    assert known.explain(one, [entry(where="^pull")]) == ""
    assert known.explain(one, [entry(options="--timeout")]) == ""
    assert known.explain(one, [entry(bound="^- ")]) == ""
    one.parts["exit code"] = ["- 0", "+ 1"]
    assert known.explain(one, [entry()]) == ""


def test_each_listed_difference_has_a_bound_a_reason_and_a_date() -> None:
    for one in known.load():
        assert isinstance(one.date, datetime.date) and len(one.reason) > 20
        assert set(one.parts) <= {
            "exit code",
            "standard output",
            "standard error",
            "order",
            "tree",
            "log file",
        }
        assert one.bound.pattern not in ("", ".", ".*")


def test_a_list_without_a_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('[[known]]\noptions="x"\nparts=["order"]\nbound=""\nreason="r"\ndate=2026-01-01\n')
    with pytest.raises(ValueError, match="bound"):
        known.load(path)


def test_results_are_kept_and_dropped_with_the_reference(tmp_path: Path) -> None:
    path, task = tmp_path / "state", Task("alone", Line(("-a",)), "local")
    other = Task("alone", Line(("-r",)), "local")
    state = State(path, {"reference": "1"})
    state.add(task, None)
    state.add(other, Difference(other.line, "local", {"exit code": ["- 0", "+ 1"]}))
    again = State(path, {"reference": "1"})
    assert again.done == state.done and not again.discarded
    assert State(path, {"reference": "2"}).done == {}


def test_the_page_is_what_the_figures_and_the_list_make_it() -> None:
    assert report.PAGE.read_text("utf-8") == report.page(report.load())
