"""The mutants fit the reference, cases and clauses as they are, and a hunt tells found from missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync_conformance import clauses, registry
from refsync_conformance.model import Finding
from refsync_conformance.mutation import records
from refsync_conformance.mutation.__main__ import main
from refsync_conformance.mutation.hunt import MINE, Result, groups, judges, package
from refsync_conformance.mutation.records import Mutant, MutantError
from refsync_conformance.mutation.table import table

MUTANTS = records.load_all()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies(mutant: Mutant) -> None:
    path = package() / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.find) == 1, "the code has changed: change the mutant with it"
    assert mutant.find != mutant.replace
    compile(text.replace(mutant.find, mutant.replace), str(path), "exec")
    assert mutant.title and mutant.clause in clauses.load()
    found = registry.select(mutant.cases)  # raises where a glob fits no case
    assert any(judges(case, mutant.clause) for case in found), "no case that it names judges its clause"
    assert groups(mutant, "control"), "no case that it names speaks its protocol versions"


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 60
    places = {mutant.file.split("/")[0] for mutant in MUTANTS}
    assert {"wire", "session", "delta", "filters", "files", "engine", "daemon"} <= places


def test_no_fault_is_there_twice() -> None:
    faults = [(mutant.file, mutant.find, mutant.replace) for mutant in MUTANTS]
    assert len(set(faults)) == len(faults)


def test_groups_put_the_mutant_at_each_end_against_the_control() -> None:
    mutant = Mutant("m", "t", "DEL-2", "f.py", "a", "b", ("DEL-001", "TREE-013"), (28, 29))
    found = groups(mutant, "control")
    assert [group.case.id for group in found[:4]] == ["DEL-001", "TREE-013"] * 2
    assert {cell.protocol for group in found for cell in group.judged} == {29}
    remote = [group for group in found if group.judged[0].transport != "local"]
    assert remote and all(
        [(cell.client, cell.server) for cell in group.judged] == [(MINE, "control"), ("control", MINE)]
        for group in remote
    )


def test_apply_refuses_what_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    with pytest.raises(MutantError, match="2 times, not once"):
        records.apply(Mutant("two", "t", "DEL-1", "a.py", "x = 1\n", "x = 2\n", ("DEL-001",)), tmp_path)


def test_read_tells_of_a_wrong_record(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text('title = "t"\ncase = "DEL-001"\n')
    with pytest.raises(MutantError, match=r"odd\.toml"):
        records.read(tmp_path / "odd.toml")


def test_make_copies_the_package_with_the_fault(tmp_path: Path) -> None:
    mutant = next(one for one in MUTANTS if one.name == "del-order")
    program = records.make(mutant, package(), tmp_path)
    assert program.stat().st_mode & 0o111 == 0o111
    assert mutant.replace in (tmp_path / "refsync" / mutant.file).read_text(encoding="utf-8")
    assert str(tmp_path) in (tmp_path / "launch.py").read_text(encoding="utf-8")


def test_table_counts_and_shows_the_misses() -> None:
    one = Mutant("one", "it | is wrong", "DEL-1", "a.py", "x", "y", ("DEL-001",))
    two = Mutant("two", "it is worse", "DEL-2", "a.py", "x", "z", ("DEL-001",))
    cell = groups(one, "control")[0].judged[0]
    text = table(
        [Result(one, cell, Finding("a tree", "x", "y")), Result(two, None, None, ("DEL-010 [..]",), cells=3)]
    )
    assert "2 mutants: 1 found (50 %), 1 missed." in text
    assert (
        "- **two** (DEL-2): it is worse. 3 cells ran; failed without naming the clause: DEL-010 [..]." in text
    )
    assert "it \\| is wrong" in text and "**missed**" in text


def test_unknown_name() -> None:
    assert main(["no-such-mutant"]) == 2
