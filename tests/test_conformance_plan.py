"""Cases are well formed, plans visit what they should, expectations say neither more nor less than is so."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from refsync_conformance import clauses, expectations, output, registry, selection
from refsync_conformance.model import (
    PROTOCOLS,
    SCRIPTED,
    Breadth,
    Case,
    Cell,
    Finding,
    Judged,
    Outcome,
    Verdict,
)
from refsync_conformance.trial import Trial


def nothing(trial: Trial) -> None:
    """Do nothing."""


def make(id: str = "TEST-001", **fields: object) -> Case:
    return Case(id=id, clause="FS-1", title="a title", run=nothing, **fields)  # type: ignore[arg-type]


CELL = Cell("TEST-001", "pipe", "push", 31, "mine", "up")


def test_every_case_cites_a_clause_that_exists() -> None:
    known = clauses.load()
    assert [case.id for case in registry.load().values() if case.clause not in known] == []


def test_titles_are_not_used_twice() -> None:
    titles = [case.title for case in registry.load().values()]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []


def test_there_are_enough_cases_of_every_kind() -> None:
    cases = registry.load().values()
    assert len(cases) >= 40
    assert {case.judged for case in cases} == set(Judged)
    assert {case.topic for case in cases} >= {
        "TREE",
        "NAME",
        "DELTA",
        "DEL",
        "TIME",
        "FILT",
        "OUT",
        "EXIT",
        "BAD",
    }


def test_a_malformed_or_taken_id_is_refused() -> None:
    with pytest.raises(registry.RegistryError, match="TOPIC-NNN"):
        registry.case("tree-1", clause="FS-1", title="x")
    taken = next(iter(registry.load()))
    with pytest.raises(registry.RegistryError, match="twice"):
        registry.case(taken, clause="FS-1", title="x")


def test_patterns_choose_and_complain() -> None:
    assert {case.topic for case in registry.select(["tree-*", "NAME-001"])} == {"TREE", "NAME"}
    with pytest.raises(registry.RegistryError, match="NOPE"):
        registry.select(["NOPE-*"])


def test_a_full_plan_has_every_combination_and_pair() -> None:
    (*groups,) = selection.plan([make()], ["mine"], "up", selection.Axes(full=True))
    assert len(groups) == 5 * len(PROTOCOLS)
    assert all((group.cells[0].client, group.cells[0].server) == ("up", "up") for group in groups)
    pairs = {(cell.client, cell.server) for group in groups for cell in group.judged}
    assert pairs == {("mine", "up"), ("up", "mine"), ("mine", "mine")}


def test_the_turns_together_meet_every_place_and_protocol() -> None:
    cases = [make(f"TEST-{number:03}") for number in range(60)]
    groups = selection.plan(cases, ["mine"], "up", selection.Axes())
    met = {group.cells[0].combination for group in groups}
    assert len(met) == 5 * len(PROTOCOLS)
    assert len(groups) <= 2 * len(cases)


def test_the_newest_version_is_visited_unless_others_are_asked_for() -> None:
    case = make(breadth=Breadth.NEWEST, protocols=(29, 31, 32))
    for axes, visited in (
        (selection.Axes(), {32}),
        (selection.Axes(narrow=True), {32}),
        (selection.Axes(highest=31), {31}),
        (selection.Axes(protocols=frozenset((29,))), {29}),
        (selection.Axes(full=True), {29, 31, 32}),
    ):
        groups = selection.plan([case], ["mine"], "control", axes)
        assert {cell.protocol for group in groups for cell in group.judged} == visited


@pytest.mark.parametrize("breadth", list(Breadth))
def test_an_axis_asked_for_is_visited(breadth: Breadth) -> None:
    axes = selection.Axes(
        transports=frozenset({"daemon"}), directions=frozenset({"pull"}), protocols=frozenset({30})
    )
    groups = selection.plan([make(breadth=breadth)], ["mine"], "up", axes)
    assert [group.cells[0].combination for group in groups] == ["pull daemon 30"]


def test_a_pair_asked_for_is_the_only_one() -> None:
    axes = selection.Axes(pairs=frozenset({("up", "mine")}), full=True)
    groups = selection.plan([make()], ["mine"], "up", axes)
    assert {cell.pair for group in groups for cell in group.judged} == {"up>mine"}
    assert {group.cells[0].transport for group in groups} == {"pipe", "daemon"}


@pytest.mark.parametrize(
    ("judged", "pair"), [(Judged.CLIENT, ("mine", SCRIPTED)), (Judged.SERVER, (SCRIPTED, "mine"))]
)
def test_one_ended_cases_have_one_pair(judged: Judged, pair: tuple[str, str]) -> None:
    case = make(judged=judged, transports=("pipe",), directions=("push",))
    (group, *_) = selection.plan([case], ["mine"], "up", selection.Axes())
    assert [(cell.client, cell.server) for cell in group.judged] == [pair]


EXPECT = """
[[expect]]
cell = "{cell}"
reason = "known"
date = 2026-11-23
{more}
"""


def entry(cell: str, more: str = "") -> expectations.Expectation:
    return expectations.parse(EXPECT.format(cell=cell, more=more))[0]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("TEST-001", True),
        ("TEST-*", True),
        ("TEST-002", False),
        ("TEST-001 [push pipe 31 mine>up]", True),
        ("TEST-001 [* pipe * *>up]", True),
        ("TEST-001 [pull * * *]", False),
    ],
)
def test_expectations_fit_by_glob(pattern: str, fits: bool) -> None:
    assert entry(pattern).fits(CELL) is fits


def test_expected_failures_and_unexpected_passes() -> None:
    outcomes = [Outcome(CELL, verdict) for verdict in (Verdict.FAIL, Verdict.PASS, Verdict.UNSUPPORTED)]
    outcomes.append(Outcome(CELL, Verdict.FAIL, control=True))
    outcomes.insert(0, Outcome(CELL, Verdict.DEPARTS))
    expectations.apply([entry("TEST-001")], outcomes)
    assert [one.verdict for one in outcomes] == [
        Verdict.XFAIL,
        Verdict.XFAIL,
        Verdict.XPASS,
        Verdict.UNSUPPORTED,
        Verdict.FAIL,
    ]


def test_an_expectation_ends_with_its_version() -> None:
    until = entry("TEST-001", 'until = "2.0"')
    assert expectations.in_force([until], "1.9.9") == [until]
    assert expectations.in_force([until], "2.0") == []


def test_stale_is_what_no_case_has() -> None:
    entries = [entry("TEST-001"), entry("GONE-001"), entry("TEST-001 [push daemon 30 mine>up]")]
    assert expectations.stale(entries, [CELL], ["TEST-001"]) == [entries[1]]


@pytest.mark.parametrize(
    "text",
    [
        "[[expect]]\ncell='x'",
        EXPECT.format(cell="x", more='verdict="pass"'),
        "[",
        EXPECT.format(cell="x", more="extra=1"),
    ],
)
def test_bad_expectations_are_refused(text: str) -> None:
    with pytest.raises(expectations.ExpectationError):
        expectations.parse(text)


def test_written_expectations_are_read_back() -> None:
    outcome = Outcome(CELL, Verdict.FAIL, findings=[Finding('a "quoted" \\ thing', "x", "y")])
    text = expectations.write([outcome, Outcome(CELL, Verdict.PASS)], datetime.date(2026, 11, 23))
    (again,) = expectations.parse(text)
    assert again.fits(CELL)
    assert again.reason == 'a "quoted" \\ thing'


def test_output_is_made_comparable() -> None:
    area = Path("/tmp/x/area")
    raw = b"sent 1,234 bytes  received 5 bytes  99.5 bytes/sec\n/tmp/x/area/f tmp/x/area/g\n"
    raw += b">f+++++++++ name\n*deleting   gone\n"
    assert output.lines(raw, area)[0] == "sent # bytes  received # bytes  # bytes/sec"
    assert output.lines(raw, area)[1] == "AREA/f AREA/g"
    assert output.items(raw, area) == [">f+++++++++ name", "*deleting   gone"]
    assert output.settled(["*deleting x", "a", "deleting y", "b"]) == ["a", "b", "*deleting x", "deleting y"]


def test_clause_files_are_checked() -> None:
    good = '[[clause]]\nid="X-1"\ntitle="t"\nupstream="a.c:f"\n'
    (clause,) = clauses.parse(good, "x.toml")
    assert (clause.topic, clause.strength, clause.since, clause.upstream) == ("X", "must", 27, ("a.c:f",))
    for bad in ("[", '[[clause]]\nid="X-1"\n', good + 'strength="maybe"\n'):
        with pytest.raises(clauses.ClauseError):
            clauses.parse(bad, "x.toml")
