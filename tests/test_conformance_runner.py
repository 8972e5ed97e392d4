"""The runner against peers made of a few lines of shell: each verdict is reached, and only for its own
reason.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refsync_conformance import cli, registry, report, results, runner, selection
from refsync_conformance.model import Case, Cell, Finding, Outcome, Verdict
from refsync_conformance.peers.model import Peer, PeerError
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial

#: Copies its last argument but one to its last, as a local rsync -a would.
GOOD = """
while [ $# -gt 2 ]; do
    case $1 in --broken) echo "fake: --broken is not supported yet" >&2; exit 1;; esac
    shift
done
mkdir -p "$2" && cp -a "$1." "$2" && echo copied
"""
FORGETFUL = GOOD + 'rm "$2/b"\n'
TALKATIVE = GOOD + "echo and more\n"


@pytest.fixture
def peers(tmp_path: Path) -> dict[str, Peer]:
    found = {}
    for name, text in (("good", GOOD), ("same", GOOD), ("forgetful", FORGETFUL), ("talkative", TALKATIVE)):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        found[name] = Peer(name, "1.0", 32, path, "exec")
    return found


def transfer(t: Trial) -> None:
    """Copy two files."""
    t.build([file("a", b"1"), file("b", b"2")])
    t.observe_lines("standard output", t.sync("-a"))
    t.same_tree()


def refused(t: Trial) -> None:
    t.build([])
    t.sync("-a", "--broken", expect=0)


def mistaken(t: Trial) -> None:
    raise ZeroDivisionError("the suite's own mistake")


def judge(
    run: Callable[[Trial], None],
    peers: dict[str, Peer],
    scratch: Path,
    subject: str,
    *optional: str,
    clause: str = "FS-1",
    strict: bool = True,
    **more: Any,
) -> list[Outcome]:
    case = Case(
        "TEST-001", clause, "t", run, transports=("local",), protocols=(32,), optional=optional, **more
    )
    groups = selection.plan([case], [subject], "good", selection.Axes())
    how = runner.Manner(strict=strict)
    return runner.run_all(groups, peers, jobs=2, scratch=scratch, how=how).outcomes


def test_a_good_peer_passes(peers: dict[str, Peer], tmp_path: Path) -> None:
    control, judged = sorted(judge(transfer, peers, tmp_path, "same"), key=lambda one: not one.control)
    assert (control.verdict, judged.verdict, judged.findings) == (Verdict.PASS, Verdict.PASS, [])
    assert list(tmp_path.glob("refsync-conformance-*")) == []


def test_a_missing_file_fails_by_name(peers: dict[str, Peer], tmp_path: Path) -> None:
    outcomes = judge(transfer, peers, tmp_path, "forgetful")
    (judged,) = [one for one in outcomes if not one.control]
    assert (judged.verdict, judged.runs[0].code) == (Verdict.FAIL, 0)
    assert Finding("the destination: b", "file", "nothing there") in judged.findings
    assert runner.exit_code(outcomes) == 1


def crash(t: Trial) -> None:
    """As ``transfer``, by a peer that kills itself where it is told to."""
    t.build([file("a", b"1")])
    t.sync("-a", expect=None, env={"CRASH": "yes"})
    t.observe("what is there", sorted(os.listdir(t.path("dst"))))


@pytest.mark.parametrize(
    ("clause", "also", "strict", "verdict", "code"),
    [
        ("FAKE-2", (), False, Verdict.DEPARTS, 0),
        ("FAKE-2", (), True, Verdict.FAIL, 1),
        ("FAKE-2", ("FS-1",), False, Verdict.FAIL, 1),
        ("FS-1", ("FAKE-2",), False, Verdict.FAIL, 1),
    ],
)
def test_what_should_be_is_told_from_what_must_be(
    peers: dict[str, Peer],
    tmp_path: Path,
    clause: str,
    also: tuple[str, ...],
    strict: bool,
    verdict: Verdict,
    code: int,
) -> None:
    outcomes = judge(transfer, peers, tmp_path, "forgetful", clause=clause, also=also, strict=strict)
    (judged,) = [one for one in outcomes if not one.control]
    assert (judged.verdict, runner.exit_code(outcomes)) == (verdict, code)
    assert Finding("the destination: b", "file", "nothing there") in judged.findings


def test_a_crash_is_never_a_mere_departure(peers: dict[str, Peer], tmp_path: Path) -> None:
    peers["good"].path.write_text("#!/bin/sh\n" + GOOD)
    peers["same"].path.write_text("#!/bin/sh\n" + GOOD + '[ -z "$CRASH" ] || kill -SEGV $$\n')
    outcomes = judge(crash, peers, tmp_path, "same", clause="FAKE-2", strict=False)
    (judged,) = [one for one in outcomes if not one.control]
    assert judged.verdict is Verdict.FAIL
    assert [finding.what for finding in judged.findings] == ["how the run ended"]


def test_output_unlike_the_controls_fails(peers: dict[str, Peer], tmp_path: Path) -> None:
    (judged,) = [one for one in judge(transfer, peers, tmp_path, "talkative") if not one.control]
    assert [finding.what for finding in judged.findings] == ["standard output, as the control has it"]
    assert "and more" in judged.findings[0].got


def test_a_refusal_is_unsupported_only_where_it_may_be(peers: dict[str, Peer], tmp_path: Path) -> None:
    control, judged = judge(refused, peers, tmp_path, "same", "--broken")
    assert {control.verdict, judged.verdict} == {Verdict.UNSUPPORTED}
    failed = judge(refused, peers, tmp_path, "same")
    assert {one.verdict for one in failed} == {Verdict.FAIL, Verdict.ERROR}
    assert runner.exit_code(failed) == 3


def test_a_mistake_of_the_suite_is_an_error(peers: dict[str, Peer], tmp_path: Path) -> None:
    outcomes = judge(mistaken, peers, tmp_path, "same")
    assert {one.verdict for one in outcomes} == {Verdict.ERROR}
    assert "ZeroDivisionError" in "".join(one.reason for one in outcomes)
    assert runner.exit_code(outcomes) == 3


def test_exit_codes() -> None:
    def outcome(verdict: Verdict) -> Outcome:
        return Outcome(Cell("T-001", "pipe", "push", 32, "a", "b"), verdict)

    assert runner.exit_code(map(outcome, (Verdict.PASS, Verdict.XFAIL, Verdict.UNSUPPORTED))) == 0
    assert runner.exit_code(map(outcome, (Verdict.PASS, Verdict.DEPARTS))) == 0
    assert runner.exit_code([outcome(Verdict.XPASS)]) == 4
    assert runner.exit_code([outcome(Verdict.PASS)], stale=1) == 4
    assert runner.exit_code([outcome(Verdict.FAIL), outcome(Verdict.XPASS)]) == 1


@pytest.fixture
def command(peers: dict[str, Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line with the shell peers in place of the real ones, and the cases of this file."""

    def resolve(spec: str, **_: object) -> Peer:
        if spec not in peers:
            raise PeerError(f"no peer is called {spec}")
        return peers[spec]

    table = {
        id: Case(id, "FS-1", f"<{id}> & title", transfer, transports=("local",), protocols=(32,))
        for id in ("TEST-001", "TEST-002")
    }
    monkeypatch.setattr(cli, "resolve", resolve)
    monkeypatch.setattr(registry, "load", lambda: table)


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(("peer", "code"), [("same", 0), ("forgetful", 1), ("absent", 3)])
def test_the_command_judges_and_reports(
    peer: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "report"
    words = ["run", "--peer", peer, "--against", "good", "--report", str(folder), "--jobs", "2"]
    words.append("--no-probe")  # these peers copy whatever they are given
    assert cli.main(words) == code
    if code == 3:
        assert "absent" in capsys.readouterr().err
        return
    assert f"(exit {code})" in capsys.readouterr().out
    data = json.loads((folder / "results.json").read_text())
    assert data["exit_code"] == code
    assert sum(data["counts"].values()) == sum(data["control_counts"].values()) == 2
    suites = ET.parse(folder / "junit.xml").getroot()
    assert sum(int(suite.get("failures", "")) for suite in suites) == (2 if code else 0)
    page = (folder / "index.html").read_text()
    assert "&lt;TEST-001&gt; &amp; title" in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert ("run it again" in page) == bool(code)


@pytest.mark.usefixtures("command")
def test_expectations_change_the_verdict(tmp_path: Path) -> None:
    words = ["run", "--no-probe", "--against", "good", "--report", str(tmp_path / "r")]
    known = tmp_path / "known.toml"
    assert cli.main([*words, "--peer", "forgetful", "--write-expectations", str(known)]) == 1
    assert cli.main([*words, "--peer", "forgetful", "--expect", str(known)]) == 0
    known.write_text(known.read_text().replace("forgetful", "same"))
    assert cli.main([*words, "--peer", "same", "--expect", str(known)]) == 4
    known.write_text("[[expect]]\n")
    assert cli.main([*words, "--peer", "same", "--expect", str(known)]) == 2


@pytest.mark.usefixtures("command")
def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--cases", "NOPE-*", "--against", "good"]) == 2
    assert cli.main(["run", "--protocol", "12"]) == 2
    assert cli.main(["run", "--pair", "one"]) == 2
    assert cli.main([]) == 2
    assert cli.main(["show", "NOPE-001"]) == 2


@pytest.mark.usefixtures("command")
def test_listing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    assert "TEST-001" in capsys.readouterr().out
    assert cli.main(["show", "TEST-002"]) == 0
    assert "Copy two files" in capsys.readouterr().out
    assert cli.main(["run", "--list", "--peer", "same", "--against", "good"]) == 0
    assert "TEST-001 [copy local 32 good>good]" in capsys.readouterr().out


def test_differences_are_shown_beside_each_other() -> None:
    html = str(report.side_by_side("one\n<two>\nthree", "one\nthree"))
    assert '<span class="changed">&lt;two&gt;</span>' in html
    assert '<span class="same">one</span>' in html


def test_control_characters_do_not_break_the_xml(tmp_path: Path) -> None:
    cell: dict[str, object] = dict.fromkeys(("transport", "direction", "protocol", "client", "server"), "x")
    finding = {"what": "a\x00b", "expected": "\x1b[0m", "got": "\ud800"}
    cell |= {"case": "T-001", "verdict": "fail", "seconds": 0.1, "findings": [finding]}
    data = {"seconds": 1, "cases": [{"id": "T-001", "title": "t"}], "cells": [cell]}
    results.write_junit(tmp_path / "junit.xml", data)
    assert ET.parse(tmp_path / "junit.xml").getroot()[0][0][0].get("message") == "a?b"
