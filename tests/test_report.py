"""What is drawn from a run: results.json by its schema, the page, the badge, the summary."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from refsync_conformance import clauses, cli, registry, report, results, runner
from refsync_conformance.model import SCRIPTED, Cell, Finding, Outcome, RunLog, Verdict
from refsync_conformance.peers.model import Peer
from refsync_conformance.report import badge, coverage, markdown

PEERS = (Peer("mine", "1.0", 32, Path("/x"), "exec"), Peer("up", "3.4.1", 32, Path("/y"), "upstream"))
AWKWARD = "<b>\x1b[31m & |\n\0second line"


def outcome(
    case: str, verdict: Verdict, *, client: str = "mine", server: str = "up", **fields: Any
) -> Outcome:
    return Outcome(Cell(case, "pipe", "push", 32, client, server), verdict, **fields)


def failure(case: str = "DEL-001") -> Outcome:
    return outcome(
        case,
        Verdict.FAIL,
        findings=[Finding(AWKWARD, "one\ntwo", "one\n<three>")],
        runs=[RunLog("rsync -a", 0, 0.1, AWKWARD, "")],
        transcripts=["> 000000  1f 00 00 00  protocol version 31"],
    )


def as_data(*outcomes: Outcome, code: int | None = None) -> dict[str, Any]:
    run = runner.Run(outcomes=list(outcomes), began=1.8e9, seconds=3.0)
    code = runner.exit_code(outcomes) if code is None else code
    command = "refsync-conformance run --peer mine=exec:/x"
    return results.as_data(run, registry.load(), PEERS, command=command, code=code, control="up")


MIXED = (
    outcome("TREE-001", Verdict.PASS, client="up", control=True),
    outcome("TREE-001", Verdict.PASS),
    failure(),
    outcome("TIME-001", Verdict.UNSUPPORTED, reason="mine does not know -N"),
    outcome("LINK-001", Verdict.XFAIL, reason="links are not kept"),
    outcome("BAD-001", Verdict.PASS, server=SCRIPTED),
)


def valid(data: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(results.schema())
    validator.check_schema(results.schema())
    validator.validate(json.loads(json.dumps(data)))


# --- the document


def test_results_keep_to_their_schema() -> None:
    valid(as_data(*MIXED))
    valid(as_data(outcome("TREE-001", Verdict.ERROR, reason="Traceback")))
    valid(as_data())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("exit_code",), 2),
        (("schema",), 1),
        (("cells", 0, "verdict"), "good"),
        (("cells", 0, "more"), 1),
        (("cases", 0, "id"), "tree-1"),
        (("counts", "pass"), -1),
    ],
)
def test_the_schema_lets_nothing_else_pass(place: tuple[Any, ...], value: object) -> None:
    data = deepcopy(as_data(*MIXED))
    at: Any = data
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        valid(data)


def test_the_schema_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == results.schema()


# --- clauses


def test_a_clause_has_the_gravest_verdict_of_its_cases() -> None:
    cases = registry.load()
    clause = cases["DEL-001"].clause
    sibling = next(one.id for one in cases.values() if one.clause == clause and one.id != "DEL-001")
    data = as_data(failure(), outcome(sibling, Verdict.PASS))
    by_id = {entry["id"]: entry for entry in data["clauses"]}
    assert by_id.keys() == clauses.load().keys()
    assert by_id[clause]["verdict"] == "fail"
    assert set(by_id[clause]["cases"]) >= {"DEL-001", sibling}
    assert sum(entry["verdict"] == "not run" for entry in by_id.values()) > 100
    unjudged = [entry for entry in by_id.values() if entry["verdict"] == "unjudged"]
    assert unjudged and all(entry["unjudged"] for entry in unjudged)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (["pass", "unsupported"], "pass"),
        (["xfail", "pass"], "xfail"),
        (["fail", "error"], "error"),
        ([], "not run"),
    ],
)
def test_which_verdict_is_graver(verdicts: list[str], worst: str) -> None:
    assert coverage.worst(verdicts) == worst


# --- the badge


@pytest.mark.parametrize(
    ("outcomes", "code", "said"),
    [
        (MIXED, 1, "2 of 4"),
        ((outcome("TREE-001", Verdict.PASS),), 0, "1 of 1"),
        ((outcome("TREE-001", Verdict.XFAIL),), 0, "0 of 1"),
        ((outcome("TREE-001", Verdict.UNSUPPORTED),), 0, "nothing judged"),
        ((outcome("TREE-001", Verdict.ERROR),), 3, "no verdict"),
    ],
)
def test_the_badge_says_how_many_passed(outcomes: tuple[Outcome, ...], code: int, said: str) -> None:
    data = as_data(*outcomes)
    assert data["exit_code"] == code
    text = badge.render(data)
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert f"rsync conformance: {said}" in text


def test_what_is_only_expected_is_not_green() -> None:
    good, known = as_data(outcome("TREE-001", Verdict.PASS)), as_data(outcome("TREE-001", Verdict.XFAIL))
    assert badge.text(good)[1] != badge.text(known)[1]


# --- the summary


def test_the_summary_has_figures_failures_and_what_is_lacking() -> None:
    text = markdown.render(as_data(*MIXED))
    assert text.startswith("## rsync conformance: not conformant\n")
    assert "| 2 | 1 | 1 | 0 | 0 | 0 | 1 | 0 |" in text
    row = next(line for line in text.splitlines() if "**DEL-001**" in line)
    assert row.count(" | ") == 4 and "&lt;b>" in row and "push pipe 32, mine → up" in row
    assert "--cases DEL-001 --transport pipe" in text
    assert "| 1 | mine does not know -N |" in text
    assert "Known failures: 1 cells" in text


def test_a_good_summary_is_short() -> None:
    text = markdown.render(as_data(outcome("TREE-001", Verdict.PASS)))
    assert "conformant" in text and "went wrong" not in text
    assert len(text.splitlines()) < 15


def test_many_failures_are_cut_and_counted() -> None:
    ids = list(registry.load())[: markdown.MOST + 5]
    text = markdown.render(as_data(*(failure(id) for id in ids)))
    assert "and 5 more cells" in text


# --- the page


def test_the_page_tells_each_failure_and_leads_to_it() -> None:
    page = report.render(as_data(*MIXED))
    anchors = set(re.findall(r'id="(cell-\d+)"', page))
    assert len(anchors) == 1
    assert set(re.findall(r'href="#(cell-\d+)"', page)) == anchors
    assert "&lt;three&gt;" in page and "protocol version 31" in page
    assert "--cases DEL-001" in page
    assert "<b>\x1b" not in page


def test_the_page_leads_nowhere_but_into_itself() -> None:
    """Self-contained: nothing is fetched, and each link of its own has its target."""
    page = report.render(as_data(*MIXED))
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []
    assert "@import" not in page and "url(" not in page
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids


def test_every_case_has_a_place_where_it_is_told() -> None:
    data = as_data(*MIXED)
    page = report.render(data)
    for case in data["cases"]:
        assert f'id="{case["id"]}"' in page
        assert f"run --peer mine=exec:/x --cases {case['id']}<" in page


def test_a_run_of_nothing_can_be_drawn() -> None:
    assert "Conformant" in report.render(as_data())


def test_all_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "results.json"
    results.write_json(source, as_data(*MIXED))
    assert cli.main(["report", str(source), str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"index.html", "badge.svg", "summary.md"}


def test_a_passed_cell_shows_what_was_said() -> None:
    said = outcome("TREE-001", Verdict.PASS, transcripts=["> 000000  1f 00 00 00  protocol version 31"])
    data = as_data(said)
    valid(data)
    assert "protocol version 31" in report.render(data)


def test_what_only_should_be_is_no_failure_of_the_run() -> None:
    departs = outcome("FAKE-001", Verdict.DEPARTS, findings=[Finding("owner", "1:1", "0:0")])
    data = as_data(departs)
    valid(data)
    assert (data["exit_code"], data["counts"]["departs"], data["cases"][0]["strength"]) == (0, 1, "should")
    assert "What went wrong" in report.render(data)
