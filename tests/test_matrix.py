"""The matrix of every client with every server: who meets whom, in which versions, and the picture of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from refsync_conformance import cli, matrix, registry, selection
from refsync_conformance.expectations import ExpectationError, parse
from refsync_conformance.model import SCRIPTED, Case, Judged
from refsync_conformance.peers import probe
from refsync_conformance.peers.model import Peer, PeerSpecError
from refsync_conformance.trial import Trial

PEERS = {"new": 32, "old": 29}


def nothing(trial: Trial) -> None:
    """Do nothing."""


def plan(*cases: Case) -> list[selection.Group]:
    return selection.plan_matrix(cases, PEERS, "new", selection.Axes(narrow=True))


def test_every_client_meets_every_server_in_a_version_of_both() -> None:
    groups = plan(Case("TEST-001", "FS-1", "t", nothing, transports=("pipe",), protocols=(28, 31)))
    met = {(cell.client, cell.server): cell.protocol for group in groups for cell in group.judged}
    assert met.keys() == {("old", "new"), ("new", "old"), ("old", "old")}
    assert set(met.values()) == {28}
    assert {(group.control.client, group.control.server) for group in groups if group.control} == {
        ("new", "new")
    }
    places = [(one.control.transport, one.control.protocol) for one in groups if one.control]
    assert len(places) == len(set(places))


def test_who_is_judged_alone_and_who_copies_locally() -> None:
    client = Case("TEST-001", "FS-1", "t", nothing, judged=Judged.CLIENT, transports=("pipe",))
    assert {(cell.client, cell.server) for group in plan(client) for cell in group.judged} == {
        ("old", SCRIPTED)
    }
    local = Case("TEST-002", "FS-1", "t", nothing, transports=("local",))
    assert {(cell.client, cell.server) for group in plan(local) for cell in group.judged} == {("old", "old")}


def test_a_sample_takes_the_first_of_each_topic() -> None:
    cases = [Case(id, "FS-1", id, nothing) for id in ("A-001", "A-002", "A-003", "B-009")]
    assert [case.id for case in matrix.sample(cases, 2)] == ["A-001", "A-002", "B-009"]
    assert matrix.sample(cases, None) == cases


@pytest.mark.parametrize(
    ("count", "step"),
    [
        ({"pass": 4}, "s0"),
        ({"pass": 98, "fail": 2}, "s1"),
        ({"pass": 9, "xfail": 1}, "s2"),
        ({"pass": 1, "fail": 1, "unsupported": 7}, "s3"),
        ({"fail": 3}, "s4"),
        ({"unsupported": 7}, "none"),
    ],
)
def test_the_colour_of_a_square(count: dict[str, int], step: str) -> None:
    assert matrix.step(Counter(count)) == step


def test_the_verb_draws_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probe, "both", lambda peer: peer)
    words = ["matrix", "one=self:", "two=self:", "--against", "one=self:", "--cases", "TREE-001"]
    words += ["--cases", "BAD-001", "--report", str(tmp_path)]
    assert cli.main(words) == 0
    data = json.loads((tmp_path / "results.json").read_text())
    assert set(matrix.squares(data)) >= {("one", "one"), ("one", "two"), ("two", "one"), ("two", "two")}
    assert matrix.alone(data)["two"]["client"] == {"pass": 1}
    text = (tmp_path / "README.md").read_text()
    assert "| **two** | 1 of 1 | 1 of 1 |" in text
    assert text.strip() in capsys.readouterr().out
    assert "100 %" in (tmp_path / "index.html").read_text()


def test_departures_are_told_with_their_reasons() -> None:
    cell = {"case": "A-001", "client": "x", "server": "y", "verdict": "xfail", "reason": "known"}
    other = {**cell, "client": "y", "verdict": "fail", "reason": "", "findings": [{"what": "exit code"}]}
    data = {"cases": [{"id": "A-001", "title": "t"}], "cells": [cell, other, {**cell, "verdict": "pass"}]}
    (entry,) = matrix.departures(data)
    assert entry["pairs"] == ["x → y", "y → y"]
    assert (entry["reasons"], entry["expected"]) == (["known", "exit code"], False)


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["matrix", "a=self:", "--against", "a=self:"]) == cli.USAGE
    assert "two peers or more" in capsys.readouterr().err
    assert cli.main(["matrix", "a=self:", "b=self:"]) == cli.USAGE


ENTRY = """
[[expect]]
cell = "TREE-001 [* two>*]"
reason = "because"
until = "2.0"
date = 2026-11-28
"""


def test_expectations_belong_to_the_peer_that_the_file_is_named_after(tmp_path: Path) -> None:
    peers = [Peer("one", "3.0", 32, Path("/x"), "exec"), Peer("two", "1.9", 32, Path("/y"), "exec")]
    path = tmp_path / "two.toml"
    path.write_text(ENTRY)
    assert [entry.reason for entry in matrix._expected([path], peers)] == ["because"]
    other = tmp_path / "one.toml"
    other.write_text(ENTRY)
    assert matrix._expected([other], peers) == []
    for wrong, error in ((tmp_path / "three.toml", PeerSpecError), (tmp_path / "two.toml", ExpectationError)):
        wrong.unlink(missing_ok=True)
        with pytest.raises(error):
            matrix._expected([wrong], peers)


def test_the_committed_expectations_can_be_read() -> None:
    files = sorted((Path(__file__).parent.parent / "docs/matrix/expectations").glob("*.toml"))
    assert files
    for path in files:
        entries = parse(path.read_text(encoding="utf-8"))
        known = registry.load()
        assert [one.cell for one in entries if one.cell.partition(" ")[0] not in known] == []
        assert [one.cell for one in entries if not one.until] == []


def test_transcripts_on_request(tmp_path: Path) -> None:
    words = ["run", "--peer", "one=self:", "--against", "two=self:", "--no-probe", "--report", str(tmp_path)]
    words += ["--cases", "TREE-001", "--transport", "pipe", "--direction", "push", "--protocol", "32"]

    def said() -> list[str]:
        cells = json.loads((tmp_path / "results.json").read_text())["cells"]
        return [text for cell in cells for text in cell.get("transcripts", ())]

    assert (cli.main(words), said()) == (0, [])
    assert cli.main([*words, "--transcripts"]) == 0
    assert len(said()) == 3  # one of each pair, none of the control's
    assert all("protocol version" in text for text in said())
