"""Peers that are pointed at: what a spec may say, a program on another host, a daemon that is up already."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync_conformance import cli, ports, registry, runner, selection, transports
from refsync_conformance.model import Breadth, Case, Outcome, Verdict
from refsync_conformance.peers import far, limits
from refsync_conformance.peers.model import Peer, PeerError, PeerSpecError
from refsync_conformance.peers.registry import reference, reference_wrapper, resolve
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("mine=", "NAME=exec:/path/to/rsync"),
        ("script=self:", "the suite's own end"),
        ("mine=self:x", "nothing comes after self:"),
        ("mine=ssh:", "ssh:HOST"),
        ("mine=ssh:-oProxyCommand=evil", "ssh:HOST"),
        ("mine=daemon:127.0.0.1:873/mod", "daemon:rsync://127.0.0.1:PORT/MODULE"),
        ("mine=daemon:rsync://127.0.0.1:99999/mod", "out of range"),
        ("mine=daemon:rsync://127.0.0.1:8730/", "daemon:rsync://127.0.0.1:PORT/MODULE"),
        ("mine=daemon:rsync://example.org/mod", "ssh -N -L 8730:localhost:873 example.org"),
        ("mine=daemon:rsync://127.0.0.1:8730/mod=/nowhere", "no directory that can be written to"),
    ],
)
def test_what_cannot_be_right_is_wrong_usage(
    spec: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PeerSpecError) as caught:
        resolve(spec)
    assert complaint in caught.value.message
    assert cli.main(["run", "--peer", spec, "--against", "self:", "--cases", "TREE-001"]) == cli.USAGE
    assert complaint in capsys.readouterr().err


def test_a_peer_has_its_own_name_where_none_is_given() -> None:
    assert resolve("self:").name == "self"
    assert resolve(f"exec:{reference_wrapper()}").name == "refsync"


def test_nothing_is_held_to_what_has_one_end_only(daemon: int, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--against", f"daemon:rsync://127.0.0.1:{daemon}/mod"]
    assert cli.main(words) == cli.USAGE
    assert "must run at both ends" in capsys.readouterr().err


def test_two_peers_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--peer", "a=self:", "--peer", "a=self:", "--against", "self:"]) == cli.USAGE
    assert "two peers are called a" in capsys.readouterr().err


# --- a daemon that is up


@pytest.fixture
def served(tmp_path: Path) -> Path:
    path = tmp_path / "served"
    path.mkdir()
    return path


@pytest.fixture
def daemon(tmp_path: Path, served: Path) -> Iterator[int]:
    """A daemon of the reference's that serves one directory, as a person would start it."""
    port = ports.PORTS.take()
    config = tmp_path / "rsyncd.conf"
    config.write_text(transports.daemon_config(served))
    words = ["--daemon", "--no-detach", f"--config={config}", "--address=127.0.0.1", f"--port={port}"]
    with subprocess.Popen([reference_wrapper(), *words]) as process:
        try:
            while not ports.listening(port):
                assert process.poll() is None
                time.sleep(0.01)
            yield port
        finally:
            process.terminate()
            process.wait(20)
            ports.PORTS.give_back(port)


def push_and_pull(t: Trial) -> None:
    """Transfer two files."""
    t.build([file("a", b"1"), file("b c", b"2")])
    t.sync("-a")
    t.same_tree()


def connect_only(t: Trial) -> None:
    """Look whether there is a port."""
    with socket.create_connection(("127.0.0.1", t.use_daemon().port), timeout=10) as connection:
        t.check("it greets", connection.recv(8) == b"@RSYNCD:", expected="a greeting", got="something else")


def configured(t: Trial) -> None:
    """Need a daemon with lines of its own."""
    t.use_daemon(module="read only = yes\n")


def judge(run: object, peer: Peer, scratch: Path | None, **fields: object) -> list[Outcome]:
    table: dict[str, object] = {"protocols": (32,), "transports": ("daemon",), "breadth": Breadth.FULL}
    case = Case("TEST-001", "FS-1", "t", run, **(table | fields))  # type: ignore[arg-type]
    control = reference()
    groups = selection.plan([case], [peer.name], control.name, selection.Axes())
    peers = {peer.name: peer, control.name: control}
    found = runner.run_all(groups, peers, jobs=1, scratch=scratch).outcomes
    return [outcome for outcome in found if not outcome.control]


def reasons(outcomes: list[Outcome]) -> dict[tuple[str, str, str], str]:
    return {
        (one.cell.direction, one.cell.client, one.cell.server): one.reason or one.verdict for one in outcomes
    }


def test_of_a_daemon_only_what_needs_a_connection_is_judged(daemon: int, tmp_path: Path) -> None:
    peer = resolve(f"up=daemon:rsync://127.0.0.1:{daemon}/mod")
    assert (peer.kind, peer.protocol) == ("daemon", 32)
    found = judge(connect_only, peer, tmp_path, connects=True, directions=("push",), differential=False)
    assert reasons(found) == {
        ("push", "refsync", "up"): "pass",
        ("push", "up", "refsync"): limits.NO_PROCESS,
        ("push", "up", "up"): limits.NO_PROCESS,
    }
    (one,) = [one for one in judge(push_and_pull, peer, tmp_path) if one.cell == found[0].cell]
    assert (one.verdict, one.reason) == (Verdict.UNSUPPORTED, limits.NO_FILES)


def test_a_daemon_whose_files_are_known_is_judged_by_them(daemon: int, served: Path) -> None:
    peer = resolve(f"up=daemon:rsync://localhost:{daemon}/mod={served}")
    found = reasons(judge(push_and_pull, peer, served))
    assert found["push", "refsync", "up"] == found["pull", "refsync", "up"] == "pass"
    found = reasons(judge(configured, peer, served, directions=("push",)))
    assert "would have to be configured" in found["push", "refsync", "up"]
    assert list(served.iterdir()) == []


def test_the_cases_that_need_only_a_connection_pass(daemon: int, tmp_path: Path) -> None:
    """The real ones, by the command line; the rest of them is counted."""
    names = [case.id for case in registry.load().values() if case.connects]
    assert len(names) >= 5
    words = [word for name in [*names, "TREE-001"] for word in ("--cases", name)]
    report = tmp_path / "report"
    peer = f"up=daemon:rsync://127.0.0.1:{daemon}/mod"
    words += ["--peer", peer, "--against", "self:", "--report", str(report), "--transport", "daemon"]
    assert cli.main(["run", *words, "--protocol", "32"]) == 0
    data = cli.reading.load_results(report / "results.json")
    assert data["counts"]["pass"] >= len(names)
    assert {cell["case"] for cell in data["cells"] if cell["verdict"] == "unsupported"} >= {"TREE-001"}


def test_nobody_listens() -> None:
    port = ports.PORTS.take()
    with pytest.raises(PeerError, match="start the daemon first") as caught:
        resolve(f"daemon:rsync://127.0.0.1:{port}/mod")
    assert not isinstance(caught.value, PeerSpecError)


# --- another host


def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool) -> None:
    """A remote shell of this machine; `elsewhere` has the far end's files in another directory."""
    ours, theirs = f"{tmp_path}/near", f"{tmp_path}/far" if elsewhere else f"{tmp_path}/near"
    for place in {ours, theirs}:
        os.mkdir(place)
    script = tmp_path / "ssh"
    script.write_text(
        '#!/bin/sh\n[ "$1" = there ] || { echo no route to $1 >&2; exit 255; }\nshift\n'
        f'exec /bin/sh -c "$(printf %s "$*" | sed "s#{ours}#{theirs}#g")"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("REFSYNC_SSH", shlex.quote(str(script)))
    monkeypatch.setattr(far.tempfile, "tempdir", ours)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same files", "other files"])
def test_a_program_on_another_host(elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch, elsewhere=elsewhere)
    peer = resolve(f"ssh:there:{reference_wrapper()}")
    assert (peer.name, peer.kind, peer.protocol) == ("there", "ssh", 32)
    found = reasons(judge(push_and_pull, peer, tmp_path / "near", transports=("pipe",)))
    assert found["push", "refsync", "there"] == found["pull", "refsync", "there"] == "pass"
    assert found["push", "there", "refsync"] == limits.AS_SERVER
    found = reasons(judge(push_and_pull, peer, tmp_path / "near", transports=("local",)))
    assert set(found.values()) == {"pass"}
    assert list((tmp_path / "near").iterdir()) == []
    if elsewhere:
        assert list((tmp_path / "far").rglob("area")) == []


def test_what_is_wrong_there_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that loses a file on the far host fails the case: what came back is what is looked at."""
    fake_ssh(tmp_path, monkeypatch, elsewhere=True)
    forgetful = tmp_path / "forgetful"
    forgetful.write_text(f'#!/bin/sh\n{reference_wrapper()} "$@"\ncode=$?\nrm -f dst/a\nexit $code\n')
    forgetful.chmod(0o755)
    peer = resolve(f"ssh:there:{forgetful}")
    (outcome,) = [
        one
        for one in judge(push_and_pull, peer, tmp_path / "near", transports=("pipe",), directions=("push",))
        if one.cell.server == "there" and one.cell.client == "refsync"
    ]
    assert outcome.verdict is Verdict.FAIL
    assert "the destination: a" in [finding.what for finding in outcome.findings]


def test_a_host_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch, elsewhere=False)
    with pytest.raises(PeerError, match=r"can't be reached .exit 255.: no route to nowhere"):
        resolve("ssh:nowhere")
    monkeypatch.setenv("REFSYNC_SSH", "/no/such/program")
    with pytest.raises(PeerError, match="can't be run"):
        resolve("ssh:there")


def test_only_areas_are_sent() -> None:
    assert far.area_of(b"/tmp/refsync-conformance-x1/TREE-001.pipe/area") is not None
    assert far.area_of(os.fsencode(Path.home())) is None
    assert far.area_of(b"/srv/area") is None
    assert sys.executable in reference_wrapper().read_text()


@pytest.mark.parametrize("option", ["--report", "--write-expectations"])
def test_where_nothing_can_be_written_is_told_before_anything_runs(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    words = ["run", "--peer", "mine=self:", "--against", "self:", "--cases", "TREE-001"]
    place = str(tmp_path / "file" / "inside")
    assert cli.main([*words, "--report", str(tmp_path / "report"), option, place]) == cli.USAGE
    told = capsys.readouterr()
    assert "can't be written there" in told.err + told.out
    assert "cells:" not in told.out
