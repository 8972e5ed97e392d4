"""The register of advisories: every row has its proof, every proof exists, the page is that of the data."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
from refsync_conformance import advisories, registry
from refsync_conformance.advisories import Advisory, AdvisoryError, parse, roles_of
from refsync_conformance.cli import main
from refsync_conformance.deviant.table import load as deviations

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGISTER = advisories.load()
ROW = """
[[advisory]]
id = "CVE-1-2"
title = "t"
sent = "s"
must = "m"
"""


@pytest.mark.parametrize("one", REGISTER.values(), ids=REGISTER)
def test_each_row_is_proven_where_somebody_is_at_risk(one: Advisory) -> None:
    assert re.fullmatch(r"CVE-\d{4}-\d{4,6}|[a-z]+(-[a-z]+)*", one.id)
    assert set(one.cases) <= registry.load().keys()
    if one.cases:
        assert set(one.roles) <= set().union(*(roles_of(case) for case in one.cases))
    for test in one.tests:
        path, _, function = test.partition("::")
        found = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        assert function in {node.name for node in found if isinstance(node, ast.FunctionDef)}


def test_the_register_and_the_hostile_peers_name_each_other() -> None:
    named: dict[str, set[str]] = {}
    for one in deviations().values():
        if one.advisory:
            offsets = {"client": 0, "server": 500}
            ids = {f"HOSTILE-{one.number + offsets[judged]:03}" for judged in one.judges}
            named.setdefault(one.advisory, set()).update(ids)
    assert named.keys() <= REGISTER.keys()
    for id, cases in named.items():
        assert cases <= set(REGISTER[id].cases), id


def test_what_a_case_says_it_is_about_is_in_the_register() -> None:
    for case in registry.load().values():
        said = set(re.findall(r"CVE-\d{4}-\d+", case.description))
        assert said <= {one.id for one in advisories.of_case(case.id)}, case.id


def test_the_page_is_that_of_the_register() -> None:
    text = (ROOT / advisories.PAGE).read_text(encoding="utf-8")
    assert text == advisories.page(), "run refsync-conformance advisories --write"


def test_an_entry_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "cve-2024-12085"]) == 0
    assert "HOSTILE-574" in capsys.readouterr().out
    assert main(["show", "HOSTILE-574"]) == 0
    assert "advisories: CVE-2024-12085" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[advisory]]\nid = "x"\n', "x: no title"),
        (ROW + "roles = []\n", "say why"),
        (ROW + 'roles = ["client"]\nwhy = "w"\n', "if and only if"),
        (ROW + 'roles = []\ncases = ["TREE-001"]\n', "if and only if"),
        (ROW + 'roles = ["nobody"]\ncases = ["TREE-001"]\n', "roles are"),
        (ROW + 'roles = []\nwhy = "w"\ncase = "TREE-001"\n', "unknown field case"),
    ],
)
def test_what_is_incomplete_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(AdvisoryError, match=complaint):
        parse(text)
